"""The rows of captured requests as columns.

Requests in CSV under the same header are parsed together in one pass over all their text. ``records.rows_of`` reads the
other requests one at a time: those with quotes, carriage returns, blank or ragged lines, unequal numbers of rows and
predictions, or another encoding.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat

import numpy as np
import numpy.typing as npt

from pipelines.monitoring.capture.records import Record, Table, UnreadablePayloadError, rows_of
from pipelines.statistics.profile import PREDICTION
from pipelines.statistics.values import Cell

Numbers = npt.NDArray[np.float64]
Values = list[Cell] | Numbers
OnUnreadable = Callable[[Record, str], None]

MAX_HEADERS = 8
"""Largest number of headers whose requests are parsed together; others are read one by one."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Rows of some requests as columns, the prediction among them.

    A numeric column whose values are all numbers or missing (NaN) is an array; any other column is a list of the values
    as they were sent. ``lengths`` is the number of rows of each request in ``records``.
    """

    rows: int
    columns: dict[str, Values]
    records: list[Record]
    lengths: npt.NDArray[np.int64]

    @property
    def requests(self) -> list[str]:
        """The id by which labels name each request: the caller's inference id or, without one, the event's id."""
        about = [record.event_metadata for record in self.records]
        return [metadata.inference_id or metadata.event_id for metadata in about]


def chunks_of(records: list[Record], numeric: Collection[str], on_unreadable: OnUnreadable) -> Iterator[Chunk]:
    """Yield the records' rows; ``numeric`` names the columns of numbers besides the prediction."""
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


def as_numbers(values: list[Cell]) -> Values:
    """Return the values as numbers, NaN where they are missing; return them unchanged if one of them is neither.

    >>> as_numbers(["1.5", "", None]).tolist(), as_numbers(["1.5", "JFK"])
    ([1.5, nan, nan], ['1.5', 'JFK'])
    """
    try:
        return _floats(values, len(values))
    except (ValueError, TypeError):
        pass
    try:
        return _floats(("nan" if value is None or value == "" else value for value in values), len(values))
    except (ValueError, TypeError):
        return values


def _floats(values: Iterable[Cell], count: int) -> Numbers:
    return np.fromiter(map(float, values), np.float64, count)


def _csv_and_others(records: list[Record]) -> tuple[list[Record], list[Record]]:
    data = [record.capture_data for record in records]
    if {each.endpoint_input.encoding for each in data} | {each.endpoint_output.encoding for each in data} <= {"CSV"}:
        return records, []
    is_csv = [each.endpoint_input.encoding == "CSV" == each.endpoint_output.encoding for each in data]
    return list(compress(records, is_csv)), [r for r, simple in zip(records, is_csv, strict=True) if not simple]


def _together(header: str, records: list[Record], bodies: Sequence[str], numeric: Collection[str]) -> Chunk | None:
    """Return the rows of requests that all begin with ``header``, or None if this pass cannot read them."""
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
    """Yield the rows, gathered by the columns that they have."""
    gathered: dict[frozenset[str], list[tuple[Record, Table, list[Cell]]]] = {}
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
