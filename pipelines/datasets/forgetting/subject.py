"""What is to be forgotten: rows that have certain values, or a file; and how a content is looked at for it."""

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
"""How files begin whose bytes do not show what is in them."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A content that has to go. ``file`` and ``place`` are what is left of it, None if nothing is.

    ``rows`` are those taken out; None if nobody knows how many the content had.
    """

    rows: int | None
    file: File | None
    place: Path | None


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows that have all of these values; ``where`` is column -> value."""

    where: Mapping[str, str]

    def describe(self) -> str:
        """What is forgotten, in words that may be kept for ever: columns, no values."""
        return f"rows by {', '.join(sorted(self.where))}"

    def is_named_in(self, text: str) -> bool:
        """Whether a value stands in ``text`` as a word of its own."""
        return any(_stands_in(value, text) for value in self.where.values())

    def may_hold(self, file: File) -> bool:
        """False if the file's known columns say that it has no such row; of odd ones the file itself must."""
        if file.columns is None or is_unseparated(file.columns):
            return True
        return set(self.where) <= {column.removeprefix(BOM) for column in file.columns}

    def look(self, place: Path, name: str, target: Path) -> Finding | None:
        """What is found in a content; raises ``UnreadableFileError`` if it cannot be looked at."""
        taken = redact(place, name, self.where, target)
        if not taken:
            return None
        return Finding(rows=taken, file=LocalSource(target).describe(name), place=target)

    def shows_in(self, place: Path, scratch: Path) -> bool | None:
        """Whether the values stand in a content that cannot be read as what it should be; None if nobody can say."""
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
    """Every content that the dataset ever had under ``path``, wherever else it lies."""

    path: str

    def describe(self) -> str:
        """A file's name may be about a person too: it is not kept."""
        return "a file"

    def is_named_in(self, text: str) -> bool:
        return _stands_in(self.path, text)


Subject = Rows | WholeFile


def _stands_in(value: str, text: str) -> bool:
    return bool(value) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None


def _unpack(place: Path, target: Path) -> None:
    """As far as it goes."""
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
    """Patterns of the value as a word of its own, in every encoding."""
    encoded = {value.encode(encoding, "replace") for encoding in ENCODINGS}
    return {rb"(?<!\w)" + re.escape(form) + rb"(?!\w)" for form in encoded}


def digest_of(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
