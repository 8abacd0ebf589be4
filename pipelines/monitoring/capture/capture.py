"""Reader of captured traffic in SageMaker's JSON Lines format, as streams: memory does not grow with the window.

A record belongs to the window in which its inference happened, whatever its file is named. So a file that comes late is
counted in its own window, once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from pipelines.aws.s3 import Bucket
from pipelines.monitoring.capture.columns import Chunk, chunks_of
from pipelines.monitoring.capture.lines import DamagedFileError, line_blocks
from pipelines.monitoring.capture.records import Record
from pipelines.monitoring.capture.selection import Selection

GATHER_BYTES = 2 << 20
"""Number of bytes of lines that are parsed together, also of several files: a quiet endpoint writes small files."""

OnCorrupt = Callable[[str, bytes, str], None]
"""Function that is called with each unreadable line: its file's key, the line and the reason."""


@dataclass(kw_only=True)
class Tally:
    """Counts of what was read; everything that is dropped is counted here, except records outside the window.

    ``damaged`` maps the key of each damaged file to the reason.
    """

    files: int = 0
    records: int = 0
    corrupt: int = 0
    duplicates: int = 0
    damaged: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.files += other.files
        self.records += other.records
        self.corrupt += other.corrupt
        self.duplicates += other.duplicates
        self.damaged |= other.damaged


class CaptureReader:
    """Reader of the requests between two moments from capture files; it counts into ``tally``.

    ``numeric`` names the columns that are numbers. Repeated event ids are recognised within one reader.
    """

    def __init__(
        self, bucket: Bucket, begin: datetime, end: datetime, *, numeric: Collection[str], on_corrupt: OnCorrupt
    ) -> None:
        self.tally = Tally()
        self._bucket = bucket
        self._selection = Selection(begin, end)
        self._numeric = frozenset(numeric)
        self._on_corrupt = on_corrupt
        self._decoder = msgspec.json.Decoder(Record)

    def read(self, keys: Iterable[str]) -> Iterator[Chunk]:
        """Yield the files' rows in pieces."""
        gathered: list[tuple[str, list[Record]]] = []
        size = 0
        for key in keys:
            self.tally.files += 1
            for block in self._blocks(key):
                gathered.append((key, self._records(key, block)))
                size += len(block)
                if size >= GATHER_BYTES:
                    yield from self._chunks(gathered)
                    gathered, size = [], 0
        yield from self._chunks(gathered)

    def peek(self, key: str) -> int:
        """Return the number of requests of the window in the file's first block of about a megabyte."""
        block = next(self._blocks(key), b"")
        return len(self._selection.of(self._records(key, block))[0])

    def _blocks(self, key: str) -> Iterator[bytes]:
        """Yield the file's blocks; note a damaged file, whose readable lines count."""
        try:
            yield from line_blocks(self._bucket.open(key), packed=key.endswith(".gz"))
        except DamagedFileError as error:
            self.tally.damaged[key] = str(error)

    def _records(self, key: str, block: bytes) -> list[Record]:
        try:
            return self._decoder.decode_lines(block)
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested too deeply
            lines = [line for line in block.split(b"\n") if line.strip()]
            return [record for line in lines for record in self._record(key, line)]

    def _record(self, key: str, line: bytes) -> Iterator[Record]:
        try:
            yield self._decoder.decode(line)
        except (ValueError, RecursionError) as error:
            self._corrupt(key, line, str(error))

    def _corrupt(self, key: str, line: bytes, reason: str) -> None:
        self.tally.corrupt += 1
        self._on_corrupt(key, line, reason)

    def _chunks(self, gathered: list[tuple[str, list[Record]]]) -> Iterator[Chunk]:
        unreadable = 0

        def on_unreadable(record: Record, reason: str) -> None:
            nonlocal unreadable
            unreadable += 1
            key = next(key for key, some in gathered if any(each is record for each in some))
            self._corrupt(key, msgspec.json.encode(record), reason)

        records, undated = self._selection.of([record for _, some in gathered for record in some])
        for record in undated:
            on_unreadable(record, f"inferenceTime {record.event_metadata.inference_time!r} is no time with an offset")
        self.tally.duplicates = self._selection.duplicates
        unreadable = 0
        yield from chunks_of(records, self._numeric, on_unreadable)
        self.tally.records += len(records) - unreadable
