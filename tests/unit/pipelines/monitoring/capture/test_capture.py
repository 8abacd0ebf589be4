"""Captured traffic is read fast, in bounded memory, and everything that is dropped is counted."""

import base64
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.aws.s3 import ListedObject
from pipelines.monitoring.capture import lines
from pipelines.monitoring.capture.capture import CaptureReader
from pipelines.monitoring.capture.columns import Chunk, chunks_of
from pipelines.monitoring.capture.listing import batches, hours
from pipelines.monitoring.capture.records import Record, rows_of
from pipelines.monitoring.capture.seen_ids import SeenIds
from pipelines.statistics.profile import PREDICTION

BEGIN, END = datetime(2026, 3, 1, 11, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = "temp,origin"


class Body(io.BytesIO):
    """Body of S3's answer."""

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while block := self.read(size):
            yield block


class Files:
    """Bucket of files by key."""

    def __init__(self, **files: bytes) -> None:
        self._files = {name.replace("_", "."): content for name, content in files.items()}

    def open(self, key: str) -> Body:
        return Body(self._files[key])


def side(data: str, encoding: str = "CSV", kind: str = "text/csv") -> dict[str, str]:
    return {"observedContentType": kind, "mode": "x", "data": data, "encoding": encoding}


def record(
    body: str = f"{HEADER}\n50,JFK", answer: str = "0.5", *, event_id: str = "e", time: str = "", **more: Any
) -> dict[str, Any]:
    return {
        "captureData": {
            "endpointInput": more.get("input") or side(body),
            "endpointOutput": more.get("output") or side(answer),
        },
        "eventMetadata": {
            "eventId": event_id,
            "inferenceTime": time or "2026-03-01T11:30:00Z",
            "inferenceId": more.get("inference_id", ""),
        },
        "eventVersion": "0",
    }


def text(*records: dict[str, Any] | str) -> bytes:
    return "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in records).encode()


def read(files: Files, *keys: str) -> tuple[CaptureReader, list[Chunk], list[tuple[str, bytes, str]]]:
    corrupt: list[tuple[str, bytes, str]] = []
    reader = CaptureReader(
        files,  # type: ignore[arg-type]
        BEGIN,
        END,
        numeric=["temp"],
        on_corrupt=lambda key, line, reason: corrupt.append((key, line, reason)),
    )
    return reader, list(reader.read(keys)), corrupt


def rows(chunks: list[Chunk]) -> list[tuple[Any, ...]]:
    found = []
    for chunk in chunks:
        requests = [name for name, length in zip(chunk.requests, chunk.lengths, strict=True) for _ in range(length)]
        found += list(zip(requests, *(chunk.columns[name] for name in ("temp", "origin", PREDICTION)), strict=True))
    return found


def test_rows_of_many_requests_are_columns() -> None:
    files = Files(
        a_jsonl=text(
            record(event_id="1"),
            record(f"{HEADER}\n51,EWR\n52,\n", "0.25\n0.75\n", event_id="2", inference_id="mine"),
            record(f"{HEADER}\n,LGA", "1", event_id="3"),
        )
    )
    reader, chunks, _ = read(files, "a.jsonl")
    [chunk] = chunks
    assert isinstance(chunk.columns["temp"], np.ndarray)
    np.testing.assert_array_equal(chunk.columns["temp"], [50, 51, 52, np.nan])
    assert chunk.columns["origin"] == ["JFK", "EWR", "", "LGA"]
    np.testing.assert_array_equal(chunk.columns[PREDICTION], [0.5, 0.25, 0.75, 1])
    assert (chunk.requests, chunk.lengths.tolist()) == (["1", "mine", "3"], [1, 2, 1])
    assert (reader.tally.files, reader.tally.records, reader.tally.corrupt) == (1, 3, 0)


def test_all_encodings_give_the_same_rows() -> None:
    csv = f"{HEADER}\n50,JFK\n51,EWR"
    objects = json.dumps([{"temp": 50, "origin": "JFK"}, {"temp": 51, "origin": "EWR"}])
    packed = base64.b64encode(csv.encode()).decode()
    packed_json = base64.b64encode(objects.encode()).decode()
    answer = side('{"predictions": [0.5, 0.25]}', "JSON", "application/json")
    sides: list[dict[str, Any]] = [
        {"input": side(csv), "output": side("0.5\n0.25")},
        {"input": side(csv.replace("\n", "\r\n")), "output": side("0.5\r\n0.25\r\n")},
        {"input": side(objects, "JSON", "application/json"), "output": answer},
        {"input": side(packed, "BASE64"), "output": side(base64.b64encode(b"0.5\n0.25").decode(), "BASE64")},
        {"input": side(packed_json, "BASE64", "application/json"), "output": answer},
        {"input": side('temp,origin\n"50",JFK\n51,"EWR"'), "output": side("[0.5, 0.25]", "JSON")},
    ]
    for number, changes in enumerate(sides):
        _, chunks, _ = read(Files(a_jsonl=text(record(event_id=str(number), **changes))), "a.jsonl")
        assert rows(chunks) == [(str(number), 50, "JFK", 0.5), (str(number), 51, "EWR", 0.25)], changes


values = st.sampled_from(["1", "-2.5", "", "nan", "inf", "text", 'a"b', '"q"', "x,y", " 3 ", "1e9"])
bodies = st.lists(st.lists(values, min_size=1, max_size=3), max_size=4).map(
    lambda given: "\n".join([HEADER, *(",".join(row) for row in given)])
)
answers = st.lists(st.sampled_from(["0.5", "1", "nan", "x", ""]), max_size=4).map("\n".join)


@given(st.lists(st.tuples(bodies, answers), max_size=8))
def test_the_fast_path_reads_what_the_general_one_reads(given_: list[tuple[str, str]]) -> None:
    """``rows_of`` one request at a time and ``chunks_of`` all together give the same rows and the same refusals."""
    records = [made(body, answer, str(number)) for number, (body, answer) in enumerate(given_)]
    refused: list[str] = []
    chunks = list(chunks_of(records, ["temp"], lambda each, _: refused.append(each.event_metadata.event_id)))
    expected, expected_refused = [], []
    for each in records:
        try:
            table, predictions = rows_of(each)
        except ValueError:
            expected_refused.append(each.event_metadata.event_id)
            continue
        named = zip(table["temp"], table["origin"], predictions, strict=True)
        expected += [(each.event_metadata.event_id, *map(plain, row)) for row in named]
    assert sorted(refused) == sorted(expected_refused)
    assert sorted((name, *map(plain, row)) for name, *row in rows(chunks)) == sorted(expected)


def plain(value: Any) -> str:
    """Return numbers and texts of numbers as the same text; a missing value is NaN."""
    try:
        return repr(float("nan" if value == "" else value))
    except ValueError:
        return str(value)


def made(body: str, answer: str, event_id: str) -> Record:
    return msgspec.json.decode(json.dumps(record(body, answer, event_id=event_id)), type=Record)


def test_other_windows_golden_requests_and_duplicates_do_not_count() -> None:
    files = Files(
        a_jsonl=text(
            record(event_id="1"),
            record(event_id="1"),
            record(event_id="2", time="2026-03-01T12:00:00Z"),
            record(event_id="3", time="2026-03-01T10:59:59.999Z"),
            record(event_id="4", time="2026-03-01T13:30:00+02:00"),
            record(event_id="5", inference_id="golden-0"),
        ),
        b_jsonl=text(record(event_id="1")),
    )
    reader, chunks, _ = read(files, "a.jsonl", "b.jsonl")
    assert [row[0] for row in rows(chunks)] == ["1", "4"]
    assert (reader.tally.records, reader.tally.duplicates) == (2, 2)


def test_every_corrupt_line_is_reported_with_its_reason() -> None:
    broken = [
        '{"captureData": ',
        "no json",
        "[" * 100_000,
        json.dumps(record(event_id="x", time="yesterday")),
        json.dumps(record(event_id="y", time="2026-03-01T11:30:00")),
        json.dumps(record(f"{HEADER}\n50", event_id="z")),
        json.dumps(record(answer="0.5\n0.5", event_id="p")),
        json.dumps(record(answer="maybe", event_id="q")),
        json.dumps(record(event_id="r", input=side("%%", "BASE64"))),
        json.dumps(record(event_id="s", input=side("[" * 100_000, "JSON"))),
        json.dumps(record(event_id="t", input=side("temp", "XML"))),
    ]
    reader, chunks, corrupt = read(Files(a_jsonl=text(record(), *broken) + b'{"a": "\xff"}\n'), "a.jsonl")
    assert len(rows(chunks)) == 1
    assert (reader.tally.records, reader.tally.corrupt) == (1, len(broken) + 1)
    assert len(corrupt) == len(broken) + 1
    assert all(key == "a.jsonl" and line and reason for key, line, reason in corrupt)


def test_truncated_gzip_is_named_and_its_readable_lines_count() -> None:
    packed = gzip.compress(text(*(record(event_id=str(number)) for number in range(5000))))
    whole = Files(a_gz=packed, b_gz=gzip.compress(text(record(event_id="b"))) + gzip.compress(text(record())))
    reader, chunks, _ = read(whole, "a.gz", "b.gz")
    assert (len(rows(chunks)), reader.tally.damaged) == (5002, {})
    reader, chunks, _ = read(Files(a_gz=packed[: len(packed) // 2], b_gz=b"", c_gz=b"plain"), "a.gz", "b.gz", "c.gz")
    assert list(reader.tally.damaged) == ["a.gz", "b.gz", "c.gz"]
    assert 0 < len(rows(chunks)) < 5000


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=30), st.integers(1, 50))
def test_blocks_hold_whole_lines(given_: list[bytes], size: int) -> None:
    whole = b"\n".join(given_)
    for packed in (False, True):
        body = Body(gzip.compress(whole) if packed else whole)
        body.iter_chunks = lambda _, body=body: iter(lambda: body.read(size), b"")  # type: ignore[method-assign,misc]
        blocks = list(lines.line_blocks(body, packed=packed))
        assert b"".join(blocks) == whole
        assert all(block.endswith(b"\n") for block in blocks[:-1])


def test_endless_line_is_cut_and_costs_no_memory() -> None:
    endless = b"1" * (3 * lines.MAX_LINE_BYTES)
    blocks = list(lines.line_blocks(Body(endless + b"\nnext\n"), packed=False))
    assert blocks == [endless[: lines.HEAD_BYTES], b"next\n"]
    packed = gzip.compress(b"0" * (200 << 20))
    assert max(map(len, lines.line_blocks(Body(packed), packed=True))) <= lines.BLOCK_BYTES


@given(st.lists(st.lists(st.text("abc", max_size=3)), max_size=20))
def test_seen_ids_are_known(groups: list[list[str]]) -> None:
    seen, known = SeenIds(), set[str]()
    for ids in groups:
        expected = []
        for each in ids:
            expected.append(each not in known)
            known.add(each)
        assert seen.fresh(ids).tolist() == expected


def test_batches_are_of_one_hour_and_not_too_large() -> None:
    files = [
        ListedObject(key=f"m/v1/e/{variant}/2026/03/01/{hour}/{number}.jsonl", size_bytes=40, etag="x")
        for variant in ("champion", "shadow")
        for hour in ("10", "11")
        for number in range(3)
    ]
    found = batches(files, batch_bytes=100)
    assert [len(batch) for batch in found] == [2, 1] * 4
    assert batches(list(reversed(files)), batch_bytes=100) == found
    assert all(len({file.key.rpartition("/")[0] for file in batch}) == 1 for batch in found)
    assert [len(batch) for batch in batches(files, batch_bytes=10)] == [1] * 12


@pytest.mark.parametrize(("minutes", "folders"), [(0, ["2026/03/01/11"]), (30, ["2026/03/01/11", "2026/03/01/12"])])
def test_hours_touch_the_window(minutes: int, folders: list[str]) -> None:
    assert list(hours(BEGIN.replace(minute=minutes), END.replace(minute=minutes))) == folders
