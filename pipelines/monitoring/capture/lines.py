"""Files of JSON Lines as blocks of whole lines, plain or gzip. Memory does not grow with the files."""

import zlib
from collections.abc import Iterator
from typing import Protocol

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 16 << 20
"""Largest line. No captured exchange is larger: request and answer have at most 6 MB each, 8 MB in base64."""
HEAD_BYTES = 1 << 10
"""Number of bytes that are kept of a longer line. Cut off, it is no JSON and counts as corrupt."""


class Body(Protocol):
    """Body of S3's answer, as a stream."""

    def iter_chunks(self, chunk_size: int, /) -> Iterator[bytes]: ...


class DamagedFileError(ValueError):
    """The file cannot be unpacked to its end."""


def line_blocks(body: Body, *, packed: bool) -> Iterator[bytes]:
    """Yield the file's lines in blocks of about a megabyte; only the last line may lack its line end.

    Raises
    ------
    DamagedFileError
        The gzip stream is broken or ends too early; the blocks before were yielded.
    """
    rest, skipping = b"", False
    for piece in _unpacked(body) if packed else body.iter_chunks(BLOCK_BYTES):
        block = piece
        if skipping:
            line_end = block.find(b"\n")
            if line_end < 0:
                continue
            block, skipping = block[line_end + 1 :], False
        cut = block.rfind(b"\n") + 1
        if cut:
            yield rest + block[:cut]
            rest = block[cut:]
        else:
            rest += block
        if len(rest) > MAX_LINE_BYTES:
            yield rest[:HEAD_BYTES]
            rest, skipping = b"", True
    if rest:
        yield rest


def _unpacked(body: Body) -> Iterator[bytes]:
    """Yield the bytes of a gzip file of one or more members, at most a block at a time."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for chunk in body.iter_chunks(BLOCK_BYTES):
            given = chunk
            while True:
                if unpacker.eof and given:
                    unpacker = zlib.decompressobj(wbits=31)
                piece = unpacker.decompress(given, BLOCK_BYTES)
                if piece:
                    yield piece
                given = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                if not given and len(piece) < BLOCK_BYTES:
                    break
    except zlib.error as error:
        raise DamagedFileError(f"no gzip: {error}") from error
    if not unpacker.eof:
        raise DamagedFileError("the gzip stream ends too early")
