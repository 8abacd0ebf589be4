"""Reading captured traffic in SageMaker's JSON Lines format, as streams: memory does not grow with the window.

A record belongs to the window in which its inference happened, whatever the name of its file: a file that comes late
is counted in its own window, once.
"""

import base64
import csv
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from pipelines.contract.names import GOLDEN_INFERENCE
from pipelines.monitoring.profile import PREDICTION
from pipelines.storage import Bucket

BATCH_ROWS = 5_000


class Payload(msgspec.Struct, rename="camel"):
    data: str
    encoding: str
    observed_content_type: str = ""


class CaptureData(msgspec.Struct, rename="camel"):
    endpoint_input: Payload
    endpoint_output: Payload


class EventMetadata(msgspec.Struct, rename="camel"):
    event_id: str
    inference_time: str
    inference_id: str = ""


class Record(msgspec.Struct, rename="camel"):
    capture_data: CaptureData
    event_metadata: EventMetadata


class UnreadablePayloadError(ValueError):
    """A record's input or output is not what its encoding and content type say."""


@dataclass
class Tally:
    """What was read of a window. ``quarantined`` names damaged files; nothing that is not counted here is dropped."""

    files: int = 0
    records: int = 0
    corrupt: int = 0
    duplicates: int = 0
    quarantined: list[str] = field(default_factory=list)


Table = dict[str, list[Any]]


def capture_files(bucket: Bucket, prefix: str, begin: datetime, end: datetime) -> list[str]:
    """The keys of all variants' capture files of the hours between two moments, in order.

    ``prefix`` is the version's capture prefix and the endpoint's name, without a slash at its end.
    """
    keys = []
    for variant in bucket.folders(f"{prefix}/"):
        hour = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        while hour < end:
            keys += bucket.keys(f"{prefix}/{variant}/{hour:%Y/%m/%d/%H}/")
            hour += timedelta(hours=1)
    return keys


def read_window(
    bucket: Bucket, keys: Iterable[str], begin: datetime, end: datetime, tally: Tally
) -> Iterator[tuple[int, Table]]:
    """Yield (rows, columns) of the requests between two moments, predictions included; counts into ``tally``."""
    decoder = msgspec.json.Decoder(Record)
    seen: set[str] = set()
    batches = _Batches()
    for key in keys:
        tally.files += 1
        for line in _lines(bucket, key, tally):
            try:
                record = decoder.decode(line)
                if not _counts(record, begin, end, seen, tally):
                    continue
                rows, table = rows_of(record)
            except ValueError:  # also UnreadablePayloadError, and what msgspec raises
                tally.corrupt += 1
                continue
            tally.records += 1
            yield from batches.add(rows, table)
    yield from batches.rest()


def _counts(record: Record, begin: datetime, end: datetime, seen: set[str], tally: Tally) -> bool:
    about = record.event_metadata
    happened = datetime.fromisoformat(about.inference_time)
    if not begin <= happened < end or about.inference_id.startswith(GOLDEN_INFERENCE):
        return False
    if about.event_id in seen:
        tally.duplicates += 1
        return False
    seen.add(about.event_id)
    return True


def _lines(bucket: Bucket, key: str, tally: Tally) -> Iterator[bytes]:
    """The file's lines; one that cannot be unpacked or read to its end is quarantined, its readable lines count."""
    try:
        if key.endswith(".gz"):
            yield from filter(None, _unpacked(bucket.open(key)))
        else:
            yield from filter(None, bucket.open(key).iter_lines())
    except (zlib.error, EOFError):
        tally.quarantined.append(key)


def _unpacked(body: Any) -> Iterator[bytes]:
    unpacker, rest = zlib.decompressobj(wbits=31), b""
    for block in body.iter_chunks():
        *lines, rest = (rest + unpacker.decompress(block)).split(b"\n")
        yield from lines
    if not unpacker.eof:
        raise EOFError("the file ends in the middle of its gzip stream")
    yield rest


def rows_of(record: Record) -> tuple[int, Table]:
    """The record's rows as columns, with the prediction of each.

    Raises
    ------
    UnreadablePayloadError
        Input or output cannot be read, or they differ in their number of rows.
    """
    rows, table = _inputs(record.capture_data.endpoint_input)
    predictions = _predictions(record.capture_data.endpoint_output)
    if len(predictions) != rows:
        raise UnreadablePayloadError(f"{rows} rows and {len(predictions)} predictions")
    table[PREDICTION] = predictions
    return rows, table


def _text(payload: Payload) -> tuple[str, bool]:
    """The payload's text, and whether it is JSON."""
    if payload.encoding == "BASE64":
        text = base64.b64decode(payload.data, validate=True).decode()
        return text, "json" in payload.observed_content_type
    if payload.encoding not in ("CSV", "JSON"):
        raise UnreadablePayloadError(f"encoding {payload.encoding!r} is none of CSV, JSON, BASE64")
    return payload.data, payload.encoding == "JSON"


def _inputs(payload: Payload) -> tuple[int, Table]:
    text, is_json = _text(payload)
    if is_json:
        document = msgspec.json.decode(text)
        objects = [document] if isinstance(document, Mapping) else document
        if not isinstance(objects, list) or not all(isinstance(row, dict) for row in objects):
            raise UnreadablePayloadError("a JSON input is an object or an array of objects")
        names = {name for row in objects for name in row}
        return len(objects), {name: [row.get(name) for row in objects] for name in names}
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    if not lines:
        raise UnreadablePayloadError("a CSV input has a header row")
    header, rows = lines[0], lines[1:]
    if any(len(row) != len(header) for row in rows):
        raise UnreadablePayloadError("rows of another length than the header")
    return len(rows), {name: list(values) for name, values in zip(header, zip(*rows, strict=True), strict=True)}


def _predictions(payload: Payload) -> list[Any]:
    text, is_json = _text(payload)
    if not is_json:
        return [float(line) for line in text.split()]
    document = msgspec.json.decode(text)
    predictions = document.get("predictions") if isinstance(document, Mapping) else document
    if not isinstance(predictions, list):
        raise UnreadablePayloadError("a JSON output is an array, or an object with predictions")
    return predictions


class _Batches:
    """Rows of requests gathered by the columns that they have, so that they are counted in larger pieces."""

    def __init__(self) -> None:
        self._tables: dict[frozenset[str], tuple[int, Table]] = {}

    def add(self, rows: int, table: Table) -> Iterator[tuple[int, Table]]:
        """Add rows; yields the batch that they filled, if they did."""
        columns = frozenset(table)
        gathered, into = self._tables.setdefault(columns, (0, {name: [] for name in columns}))
        for name, values in table.items():
            into[name] += values
        self._tables[columns] = (gathered + rows, into)
        if gathered + rows >= BATCH_ROWS:
            yield self._tables.pop(columns)

    def rest(self) -> Iterator[tuple[int, Table]]:
        yield from self._tables.values()
