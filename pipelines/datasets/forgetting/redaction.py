"""Remove rows from a file: in CSV the other rows stay the same bytes; the same input gives the same output.

CSV is read record by record and Parquet by row groups, so memory does not grow with the file.
"""

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pipelines.tables.streams import UnreadableFileError

if TYPE_CHECKING:
    import pyarrow as pa

Where = Mapping[str, str]
"""Column -> value, as written in the file; it selects the rows that have all of the values."""

SUFFIXES = (".csv", ".csv.gz", ".parquet")
GZIP_LEVEL = 6
BOM = "\ufeff"
OTHER_SEPARATORS = ";\t|"


def redact(place: Path, name: str, where: Where, target: Path) -> int:
    """Write ``place`` without the rows that ``where`` selects to ``target``; return their number.

    ``name`` is the logical name, which gives the format. If no row is selected, nothing is written.

    Raises
    ------
    UnreadableFileError
        It is no CSV, gzipped CSV or Parquet, or it is damaged: an unreadable file may hold such rows.
    """
    try:
        if name.endswith((".csv", ".csv.gz")):
            return _redact_csv(place, name, where, target)
        if name.endswith(".parquet"):
            return _redact_parquet(place, name, where, target)
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{name}: not UTF-8 ({error.reason})") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(f"{name}: damaged gzip file: {error}") from None
    except csv.Error as error:
        raise UnreadableFileError(f"{name}: not readable as CSV: {error}") from None
    raise UnreadableFileError(f"{name}: rows can be found in {', '.join(SUFFIXES)} only")


def format_of(place: Path) -> str:
    """Return the suffix that fits the file's first bytes, for a content without a name."""
    with place.open("rb") as file:
        start = file.read(4)
    return ".parquet" if start == b"PAR1" else ".csv.gz" if start[:2] == b"\x1f\x8b" else ".csv"


def _redact_csv(place: Path, name: str, where: Where, target: Path) -> int:
    packed = name.endswith(".gz")
    with _opened(place, packed) as file:
        removed = sum(selected for _, selected in _records(file, name, where))
    if removed:
        with _opened(place, packed) as file, _created(target, packed) as kept:
            for raw, selected in _records(file, name, where):
                if not selected:
                    kept.write(raw)
    return removed


def _records(file: Iterable[bytes], name: str, where: Where) -> Iterator[tuple[bytes, bool]]:
    """Yield each record's bytes, and whether it is selected; the header never is."""
    lines: list[bytes] = []

    def decoded() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line.decode()

    columns: list[tuple[list[int], str]] | None = None
    for record in csv.reader(decoded()):
        raw = b"".join(lines)
        lines.clear()
        if columns is None:
            columns = _columns(record, name, where)
            yield raw, False
        else:
            yield raw, all(any(record[at : at + 1] == [value] for at in found) for found, value in columns)


def _columns(header: list[str], name: str, where: Where) -> list[tuple[list[int], str]]:
    """Return each column's positions in the header, with its value; several columns may have the same name."""
    if is_unseparated(header):
        raise UnreadableFileError(f"{name}: its fields are not separated by commas")
    names = [header[0].removeprefix(BOM), *header[1:]] if header else []
    return [([at for at, other in enumerate(names) if other == column], value) for column, value in where.items()]


def is_unseparated(header: Sequence[str]) -> bool:
    """Return whether a header's fields seem to be separated by something else than commas."""
    return len(header) == 1 and any(separator in header[0] for separator in OTHER_SEPARATORS)


@contextmanager
def _opened(place: Path, packed: bool) -> Iterator[IO[bytes]]:
    with gzip.open(place, "rb") if packed else place.open("rb") as file:
        yield file  # type: ignore[misc]  # GzipFile reads as any binary file does


@contextmanager
def _created(target: Path, packed: bool) -> Iterator[IO[bytes]]:
    with target.open("wb") as raw:
        if not packed:
            yield raw
            return
        # Without a time and a name, the same rows give the same bytes.
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, compresslevel=GZIP_LEVEL, filename="") as zipped:
            yield zipped  # type: ignore[misc]


def _redact_parquet(place: Path, name: str, where: Where, target: Path) -> int:
    # Large, and needed only where there is Parquet.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(place) as file:
            if not set(where) <= set(file.schema_arrow.names):
                return 0
            groups = range(file.num_row_groups)
            masks = (_mask(file.read_row_group(group, list(where)), name, where) for group in groups)
            removed = sum(mask.true_count for mask in masks)
            if removed:
                codec = file.metadata.row_group(0).column(0).compression
                codec = "NONE" if codec == "UNCOMPRESSED" else codec
                with pq.ParquetWriter(target, file.schema_arrow, compression=codec) as kept:
                    for group in groups:
                        table = file.read_row_group(group)
                        kept.write_table(_recoded(table.filter(pc.invert(_mask(table, name, where))), name))
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(f"{name}: not readable as Parquet: {error}") from None
    return int(removed)


def _mask(table: "pa.Table", name: str, where: Where) -> "pa.BooleanArray":
    """Return a mask of the selected rows."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    mask = pa.array([True] * table.num_rows, pa.bool_())
    for column, value in where.items():
        values = table.column(column)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        kind = values.type
        try:
            wanted = pa.scalar(value).cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
                # The value is no number, so no row has it.
                return pa.array([False] * table.num_rows, pa.bool_())
            raise UnreadableFileError(
                f"{name}: column {column} is of type {kind}, and the given value cannot be one"
            ) from None
        mask = pc.and_(mask, pc.fill_null(pc.equal(values, wanted), False).combine_chunks())
    return mask


def _recoded(table: "pa.Table", name: str) -> "pa.Table":
    """Return the rows with new dictionaries: after a filter the old ones still hold values of removed rows."""
    import pyarrow as pa  # noqa: PLC0415

    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            values = table.column(at).cast(field.type.value_type).combine_chunks()
            table = table.set_column(at, field, values.dictionary_encode().cast(field.type))
        elif pa.types.is_nested(field.type) and "dictionary<" in str(field.type):
            raise UnreadableFileError(f"{name}: column {field.name} nests a dictionary: it cannot be rewritten")
    return table
