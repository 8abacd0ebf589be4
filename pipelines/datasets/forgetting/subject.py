"""The subject of a forgetting: rows that have certain values, or a file; and how a content is searched for them."""

import hashlib
import mmap
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.datasets.commits.manifest import File
from pipelines.datasets.commits.sources import BLOCK_BYTES, LocalSource
from pipelines.datasets.forgetting.redaction import BOM, is_unseparated, redact

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
GZIP = b"\x1f\x8b"
COMPRESSED = (GZIP, b"PAR1", b"PK\x03\x04")
"""First bytes of compressed formats, whose bytes do not show the values in them."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A content to remove. ``file`` and ``place`` are the file of its other rows, None if the whole file is removed.

    ``rows`` is the number of rows removed; None if the content's rows were never counted.
    """

    rows: int | None
    file: File | None
    place: Path | None


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows that have all of these values; ``where`` is column -> value."""

    where: Mapping[str, str]

    def describe(self) -> str:
        """Return a text that may be kept for ever: it has the columns and no values."""
        return f"rows by {', '.join(sorted(self.where))}"

    def is_named_in(self, text: str) -> bool:
        """Return whether ``text`` has a value as a whole word."""
        return any(_is_word_of(value, text) for value in self.where.values())

    def may_hold(self, file: File) -> bool:
        """Return False if the file's known columns exclude such rows; a header without commas excludes nothing."""
        if file.columns is None or is_unseparated(file.columns):
            return True
        return set(self.where) <= {column.removeprefix(BOM) for column in file.columns}

    def search(self, place: Path, name: str, target: Path) -> Finding | None:
        """Return the finding in a content, or None; raises ``UnreadableFileError`` if it cannot be searched."""
        taken = redact(place, name, self.where, target)
        if not taken:
            return None
        return Finding(rows=taken, file=LocalSource(target).describe(name), place=target)

    def shows_in(self, place: Path, scratch: Path) -> bool | None:
        """Return whether an unreadable content has the values as words; None if that cannot be known."""
        with place.open("rb") as file:
            start = file.read(4)
        if start.startswith(GZIP):
            _unpack(place, scratch)
            found = _holds_all(scratch, self.where.values())
            scratch.unlink()
        else:
            found = _holds_all(place, self.where.values())
        return found or (None if start.startswith(COMPRESSED) else False)


@dataclass(frozen=True, kw_only=True)
class WholeFile:
    """Contents that the dataset ever had under ``path``, also where they have other paths."""

    path: str

    def describe(self) -> str:
        """Return a text without the file's name, which may be about a person too."""
        return "a file"

    def is_named_in(self, text: str) -> bool:
        return _is_word_of(self.path, text)


Subject = Rows | WholeFile


def _is_word_of(value: str, text: str) -> bool:
    return bool(value) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None


def _unpack(place: Path, target: Path) -> None:
    """Unpack a gzip file up to the first damaged byte."""
    unpacker = zlib.decompressobj(wbits=31)
    with place.open("rb") as packed, target.open("wb") as plain:
        try:
            while (block := packed.read(BLOCK_BYTES)) and not unpacker.eof:
                plain.write(unpacker.decompress(block))
        except zlib.error:
            return


def _holds_all(place: Path, values: Iterable[str]) -> bool:
    if not place.stat().st_size:
        return False
    with place.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return all(any(re.search(form, content) for form in _forms(value)) for value in values)


def _forms(value: str) -> set[bytes]:
    """Return patterns of the value as a whole word, one for each encoding."""
    encoded = {value.encode(encoding, "replace") for encoding in ENCODINGS}
    return {rb"(?<!\w)" + re.escape(form) + rb"(?!\w)" for form in encoded}


def digest_of(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
