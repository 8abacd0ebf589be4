"""Reading a dataset's files: CSV (also gzipped) and Parquet; what cannot be read is named, never guessed."""

import gzip
import io
import zlib
from pathlib import Path

import pandas as pd


class UnreadableFileError(ValueError):
    """A file is not what its name says; the message names the file and what is wrong."""


def read_table(path: Path, name: str) -> pd.DataFrame:
    """Read one file as strings, empty fields as missing. ``name`` is its logical name, which says its format.

    Raises
    ------
    UnreadableFileError
        Another format, a damaged archive, another encoding than UTF-8, or rows of unequal length.
    """
    try:
        if name.endswith((".csv", ".csv.gz")):
            content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
            return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
        if name.endswith(".parquet"):
            return pd.read_parquet(path)
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{name}: not UTF-8 (byte {error.start}: {error.reason})") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(f"{name}: damaged gzip file: {error}") from error
    except ImportError as error:
        raise UnreadableFileError(f"{name}: this container has no pyarrow to read Parquet") from error
    except (ValueError, OSError) as error:
        raise UnreadableFileError(f"{name}: {error}") from error
    raise UnreadableFileError(f"{name}: a dataset's files end in .csv, .csv.gz or .parquet")
