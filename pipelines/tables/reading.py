"""Read a dataset's files in chunks: CSV, gzipped CSV and Parquet. An unreadable file is an error, never guessed.

A CSV is UTF-8 without a byte-order mark, has commas between its fields, a header, and records of equal length. No
message holds a value of a row, because messages end in logs that cannot be erased.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pipelines.tables.header import check_names, read_header
from pipelines.tables.streams import CheckedStream, UnreadableFileError

__all__ = ["Chunk", "UnreadableFileError", "read_chunks", "read_columns", "read_table"]

BLOCK_BYTES = 2 << 20
"""Size of a block of CSV text, and so of the longest record. Arrow reads ahead: 8 MB would cost 250 MB more memory."""
BATCH_ROWS = 50_000
"""Number of rows of a chunk of Parquet."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Consecutive rows of a file. ``first_row`` is the number of the first, counted from 1 after the header.

    With ``text``, the columns are texts of a CSV, with empty fields as null; else they have the types of Parquet.
    """

    file: str
    first_row: int
    rows: pa.RecordBatch
    text: bool


def read_table(path: Path, name: str, *, block_bytes: int = BLOCK_BYTES) -> pd.DataFrame:
    """Read one whole file, a CSV as texts with empty fields as None; see ``read_chunks``."""
    batches = [chunk.rows for chunk in read_chunks(path, name, block_bytes=block_bytes)]
    if not batches:
        return pd.DataFrame(columns=read_columns(path, name), dtype="object")
    return pd.DataFrame(pa.Table.from_batches(batches).to_pandas())


def read_columns(path: Path, name: str) -> list[str]:
    """Return the names of a file's columns, in order.

    Raises
    ------
    UnreadableFileError
        As ``read_chunks``, as far as the header shows it.
    """
    if _is_parquet(name):
        with path.open("rb") as file:
            return list(_parquet(file, name).schema_arrow.names)
    with CheckedStream(path, name) as stream:
        return read_header(stream, name)


def read_chunks(
    path: Path, name: str, *, columns: Sequence[str] | None = None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Chunk]:
    """Read a file in chunks of some ten thousand rows. ``name`` is its logical name, which gives its format.

    With ``columns``, only those of them that the file has. A CSV is read in blocks of ``block_bytes``.

    Raises
    ------
    UnreadableFileError
        Another format, a damaged archive, another encoding, another delimiter, columns without a name or with the same
        name, records of unequal length.
    """
    return _parquet_chunks(path, name, columns) if _is_parquet(name) else _csv_chunks(path, name, columns, block_bytes)


def _is_parquet(name: str) -> bool:
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise UnreadableFileError(f"{name}: a dataset's files end in .csv, .csv.gz or .parquet")
    return name.endswith(".parquet")


def _csv_chunks(path: Path, name: str, columns: Sequence[str] | None, block_bytes: int) -> Iterator[Chunk]:
    with CheckedStream(path, name) as stream:
        header = read_header(stream, name)
        wanted = header if columns is None else [column for column in header if column in set(columns)]
        uneven: list[pyarrow.csv.InvalidRow] = []

        def refuse(row: pyarrow.csv.InvalidRow) -> str:
            uneven.append(row)
            return "error"

        first_row = 1
        try:
            reader = pyarrow.csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                # Only a single thread knows the number of a bad record.
                read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=block_bytes),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()),
                    include_columns=wanted,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
            for batch in reader:
                if batch.num_rows:
                    yield Chunk(file=name, first_row=first_row, rows=batch, text=True)
                    first_row += batch.num_rows
        except pa.ArrowInvalid as error:
            # Arrow's own message quotes the record.
            raise UnreadableFileError(f"{name}: {_csv_problem(uneven, str(error), block_bytes)}") from None


def _csv_problem(uneven: list[pyarrow.csv.InvalidRow], message: str, block_bytes: int) -> str:
    if uneven:
        row = uneven[0]
        return (
            f"record {row.number} (the header is record 1) has {row.actual_columns} fields, "
            f"the header {row.expected_columns}"
        )
    if "straddling" in message:
        return f"a record is longer than {block_bytes:,} bytes, or a quotation mark is never closed"
    return "it cannot be parsed as CSV"


def _parquet(file: io.BufferedReader, name: str) -> pyarrow.parquet.ParquetFile:
    try:
        found = pyarrow.parquet.ParquetFile(file)
    except (pa.ArrowException, OSError):
        raise UnreadableFileError(f"{name}: no Parquet file, or a truncated one: its footer cannot be read") from None
    check_names(found.schema_arrow.names, name)
    return found


def _parquet_chunks(path: Path, name: str, columns: Sequence[str] | None) -> Iterator[Chunk]:
    with path.open("rb") as file:
        found = _parquet(file, name)
        stored = found.schema_arrow.names
        wanted = stored if columns is None else [column for column in stored if column in set(columns)]
        first_row = 1
        try:
            for batch in found.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                if batch.num_rows:
                    yield Chunk(file=name, first_row=first_row, rows=batch, text=False)
                    first_row += batch.num_rows
        except (pa.ArrowException, OSError):
            raise UnreadableFileError(f"{name}: damaged after row {first_row - 1}") from None
