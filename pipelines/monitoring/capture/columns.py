"""The rows of captured requests as columns.

Requests of one shape, CSV under the same header, are parsed together in one pass over all their text. What that pass
does not read (quotes, carriage returns, blank or ragged lines, unequal rows and predictions, other encodings) is left
to ``records.rows_of``, which reads anything, one request at a time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.monitoring.capture.records import Record, Table, UnreadablePayloadError, rows_of
from pipelines.statistics.profile import PREDICTION

Numbers = npt.NDArray[np.float64]
Values = list[Any] | Numbers
OnUnreadable = Callable[[Record, str], None]

MAX_HEADERS = 8
"""Among records that are parsed together; requests under yet other headers are read one by one."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Rows of some requests as columns, the prediction among them.

    A column is an array if it is a numeric one and all its values are numbers or missing (then NaN); else a list of
    what was sent. ``lengths`` says how many rows each of the requests, which are ``records``, has.
    """

    rows: int
    columns: dict[str, Values]
    records: list[Record]
    lengths: npt.NDArray[np.int64]

    @property
    def requests(self) -> list[str]:
        """What a label calls each request: the caller's inference id or, where none was sent, the event's id."""
        about = [record.event_metadata for record in self.records]
        return [metadata.inference_id or metadata.event_id for metadata in about]


def chunks_of(records: list[Record], numeric: Collection[str], on_unreadable: OnUnreadable) -> Iterator[Chunk]:
    """Yield the records' rows; ``numeric`` names the columns that are numbers, besides the prediction."""
    waiting, odd = _csv_and_others(records)
    for _ in range(MAX_HEADERS):
        if not waiting:
            break
        bodies = [record.capture_data.endpoint_input.data for record in waiting]
        header = bodies[0][: bodies[0].find("\n") + 1]
        alike = list(map(str.startswith, bodies, repeat(header)))
        ours = waiting
        if all(alike):
            waiting = []
        else:
            ours, bodies = list(compress(ours, alike)), list(compress(bodies, alike))
            waiting = [record for record, is_alike in zip(waiting, alike, strict=True) if not is_alike]
        chunk = _together(header, ours, bodies, numeric) if header else None
        if chunk is None:
            odd += ours
        else:
            yield chunk
    yield from _one_by_one([*odd, *waiting], numeric, on_unreadable)


def as_numbers(values: list[Any]) -> Values:
    """The values as numbers, NaN where they are missing; as they are, if one of them is neither."""
    try:
        return _floats(values, len(values))
    except (ValueError, TypeError):
        pass
    try:
        return _floats(("nan" if value is None or value == "" else value for value in values), len(values))
    except (ValueError, TypeError):
        return values


def _floats(values: Iterable[Any], count: int) -> Numbers:
    return np.fromiter(map(float, values), np.float64, count)


def _csv_and_others(records: list[Record]) -> tuple[list[Record], list[Record]]:
    data = [record.capture_data for record in records]
    if {each.endpoint_input.encoding for each in data} | {each.endpoint_output.encoding for each in data} <= {"CSV"}:
        return records, []
    is_csv = [each.endpoint_input.encoding == "CSV" == each.endpoint_output.encoding for each in data]
    return list(compress(records, is_csv)), [r for r, simple in zip(records, is_csv, strict=True) if not simple]


def _together(header: str, records: list[Record], bodies: Sequence[str], numeric: Collection[str]) -> Chunk | None:
    """The rows of requests that all begin with ``header``, or None if they are not as simple as that."""
    names, start = header[:-1].split(","), len(header)
    texts = [body[start:] for body in bodies]
    joined = "\n".join(texts)
    if "\n\n" in joined or joined.endswith("\n"):
        texts = [text.rstrip("\n") for text in texts]
        joined = "\n".join(texts)
    if not all(texts) or any(mark in text for mark in '"\r' for text in (header, joined)):
        return None
    lines = joined.split("\n")
    if set(map(str.count, lines, repeat(","))) != {len(names) - 1} or not all(lines):
        return None
    answers = [record.capture_data.endpoint_output.data for record in records]
    predicted = "\n".join(answers).split()
    lengths = np.ones(len(texts), dtype=np.int64)
    if len(lines) != len(texts) or not all(map(str.strip, answers)):
        lengths = np.fromiter((text.count("\n") + 1 for text in texts), np.int64, len(texts))
        if lengths.tolist() != [len(answer.split()) for answer in answers]:
            return None
    if len(predicted) != len(lines):
        return None
    predictions = as_numbers(predicted)
    if isinstance(predictions, list):
        return None
    fields = joined.replace("\n", ",").split(",")
    columns: dict[str, Values] = {}
    for number, name in enumerate(names):
        values = fields[number :: len(names)]
        columns[name] = as_numbers(values) if name in numeric else values
    columns[PREDICTION] = predictions
    return Chunk(rows=len(lines), columns=columns, records=records, lengths=lengths)


def _one_by_one(records: list[Record], numeric: Collection[str], on_unreadable: OnUnreadable) -> Iterator[Chunk]:
    """Rows gathered by the columns that they have."""
    gathered: dict[frozenset[str], list[tuple[Record, Table, list[Any]]]] = {}
    for record in records:
        try:
            table, predictions = rows_of(record)
        except UnreadablePayloadError as error:
            on_unreadable(record, str(error))
            continue
        gathered.setdefault(frozenset(table), []).append((record, table, predictions))
    for names, some in gathered.items():
        predicted = [value for _, _, predictions in some for value in predictions]
        columns: dict[str, Values] = {}
        for name in names:
            values = [value for _, table, _ in some for value in table[name]]
            columns[name] = as_numbers(values) if name in numeric else values
        columns[PREDICTION] = as_numbers(predicted)
        lengths = np.array([len(predictions) for _, _, predictions in some], dtype=np.int64)
        yield Chunk(rows=len(predicted), columns=columns, records=[record for record, _, _ in some], lengths=lengths)
