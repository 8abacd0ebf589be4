"""Read the bytes of a CSV, unpacked, and check them meanwhile: encoding, archive, quotation marks."""

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, Self

HEAD_BYTES = 1 << 20
"""Largest header, in bytes."""
MAGICS = {
    b"\xef\xbb\xbf": "UTF-8 with a byte-order mark, not plain UTF-8",
    b"\xff\xfe": "UTF-16, not UTF-8",
    b"\xfe\xff": "UTF-16, not UTF-8",
    b"PAR1": "Parquet, though its name says CSV",
    b"PK\x03\x04": "a zip archive (a spreadsheet perhaps), not CSV",
    b"\x1f\x8b": "gzipped once more than its name says",
}


class UnreadableFileError(ValueError):
    """A file is not what its name says; the message names the file and the problem, and no value of a row."""


class CheckedStream(io.RawIOBase):
    """Stream of a CSV's text that raises ``UnreadableFileError`` at the first wrong byte."""

    def __init__(self, source: Path | BinaryIO, name: str) -> None:
        """``source`` is a file, or a stream, which is closed with this one."""
        super().__init__()
        self._name = name
        self._raw: BinaryIO = source.open("rb") if isinstance(source, Path) else source
        self._file: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=self._raw) if name.endswith(".gz") else self._raw
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ahead = b""
        self._lines = 1
        self._quotes = 0
        self._last = b"\n"
        self._begun = self._ended = False

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        self._file.close()
        self._raw.close()
        super().close()

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end; ``read`` returns them again."""
        while len(self._ahead) < size and (block := self._checked(size - len(self._ahead))):
            self._ahead += block
        return self._ahead[:size]

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            block, self._ahead = (self._ahead, b"") if size < 0 else (self._ahead[:size], self._ahead[size:])
            return block
        return self._checked(size)

    def _checked(self, size: int) -> bytes:
        try:
            block = self._file.read(size)
        except EOFError:
            raise self._damaged("it ends too early") from None
        except gzip.BadGzipFile as error:
            what = "no gzip file" if str(error).startswith("Not a gzipped") else "its checksum or length is wrong"
            raise self._damaged(what) from None
        except zlib.error:
            raise self._damaged("its content is damaged") from None
        if self._ended:
            return b""
        if not block:
            self._ended = True
            return self._end()
        if not self._begun:
            self._begun = True
            self._check_magic(block)
        self._check_text(block)
        self._quotes += block.count(b'"')
        self._last = block[-1:]
        return block

    def _end(self) -> bytes:
        self._check_text(b"", final=True)
        if self._quotes % 2:
            raise UnreadableFileError(f"{self._name}: an odd number of quotation marks: one is never closed")
        # Arrow finds no header in a last line without a line end.
        return b"" if self._last in (b"\n", b"\r") else b"\n"

    def _check_magic(self, block: bytes) -> None:
        for magic, what in MAGICS.items():
            if block.startswith(magic):
                raise UnreadableFileError(f"{self._name}: {what}")

    def _check_text(self, block: bytes, *, final: bool = False) -> None:
        before = self._lines
        try:
            self._decoder.decode(block, final)
        except UnicodeDecodeError as error:
            line = before + error.object[: error.start].count(b"\n")
            raise UnreadableFileError(
                f"{self._name}: line {line}: not UTF-8 ({error.reason}); Latin-1 perhaps"
            ) from None
        if (null := block.find(b"\0")) >= 0:
            line = before + block[:null].count(b"\n")
            raise UnreadableFileError(f"{self._name}: line {line}: a null byte; UTF-16 perhaps, or no text at all")
        self._lines += block.count(b"\n")

    def _damaged(self, what: str) -> UnreadableFileError:
        return UnreadableFileError(f"{self._name}: damaged gzip file: {what}")
