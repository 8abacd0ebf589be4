"""Read and check the header of a CSV."""

import csv
import io

from pipelines.tables.streams import HEAD_BYTES, CheckedStream, UnreadableFileError

DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_header(stream: CheckedStream, name: str) -> list[str]:
    """Return the names of a CSV's columns without consuming the stream.

    Raises
    ------
    UnreadableFileError
        No header, another delimiter than commas, columns without a name or with the same name.
    """
    head = stream.peek(HEAD_BYTES)
    if not head.strip():
        raise UnreadableFileError(f"{name}: empty, without a header")
    # The head may end within a record; if that is the first one, the header is too long.
    text = head.decode("utf-8", errors="ignore")
    if len(head) == HEAD_BYTES and "\n" not in text and "\r" not in text:
        raise UnreadableFileError(f"{name}: line 1: the header is longer than {HEAD_BYTES >> 20} MB")
    header = next(record for record in csv.reader(io.StringIO(text, newline="")) if record)
    if len(header) == 1:
        for delimiter, plural in DELIMITERS.items():
            if delimiter in header[0]:
                raise UnreadableFileError(f"{name}: line 1: its fields are separated by {plural}, not by commas")
    return check_names(header, name)


def check_names(header: list[str], name: str) -> list[str]:
    """Raise ``UnreadableFileError`` unless every column has a name of its own."""
    # Without a header, the first row is checked: messages number the columns, as names would be values of the row.
    first: dict[str, int] = {}
    for number, column in enumerate(header, start=1):
        if not column.strip():
            raise UnreadableFileError(f"{name}: column {number} has no name")
        if column in first:
            raise UnreadableFileError(f"{name}: columns {first[column]} and {number} have the same name")
        first[column] = number
    return header
