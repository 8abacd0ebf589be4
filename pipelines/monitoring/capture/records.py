"""One captured exchange in SageMaker's format, and its rows as columns, whatever the encoding."""

import base64
import csv
import io
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Table = dict[str, list[Any]]


class Payload(msgspec.Struct, rename="camel", gc=False):
    data: str
    encoding: Literal["CSV", "JSON", "BASE64"]
    observed_content_type: str = ""


class CaptureData(msgspec.Struct, rename="camel", gc=False):
    endpoint_input: Payload
    endpoint_output: Payload


class EventMetadata(msgspec.Struct, rename="camel", gc=False):
    event_id: str
    inference_time: str
    inference_id: str = ""


class Record(msgspec.Struct, rename="camel", gc=False):
    capture_data: CaptureData
    event_metadata: EventMetadata


class UnreadablePayloadError(ValueError):
    """A record's input or output is not what its encoding and content type say."""


def rows_of(record: Record) -> tuple[Table, list[Any]]:
    """The record's rows as columns, and the prediction of each row.

    Raises
    ------
    UnreadablePayloadError
        Input or output cannot be read, or they differ in their number of rows.
    """
    try:
        rows, table = _inputs(record.capture_data.endpoint_input)
        predictions = _predictions(record.capture_data.endpoint_output)
    except (ValueError, RecursionError) as error:  # of base64, UTF-8, JSON (also too deep), and float
        raise UnreadablePayloadError(str(error)) from error
    if len(predictions) != rows:
        raise UnreadablePayloadError(f"{rows} rows and {len(predictions)} predictions")
    return table, predictions


def _text(payload: Payload) -> tuple[str, bool]:
    """The payload's text, and whether it is JSON."""
    if payload.encoding == "BASE64":
        text = base64.b64decode(payload.data, validate=True).decode()
        return text, "json" in payload.observed_content_type
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
    try:
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
    except csv.Error as error:
        raise UnreadablePayloadError(f"no CSV: {error}") from error
    if not lines:
        raise UnreadablePayloadError("a CSV input has a header row")
    header, rows = lines[0], lines[1:]
    if any(len(row) != len(header) for row in rows):
        raise UnreadablePayloadError("rows of another length than the header")
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return len(rows), {name: list(values) for name, values in zip(header, columns, strict=True)}


def _predictions(payload: Payload) -> list[Any]:
    text, is_json = _text(payload)
    if not is_json:
        return [float(line) for line in text.split()]
    document = msgspec.json.decode(text)
    predictions = document.get("predictions") if isinstance(document, Mapping) else document
    if not isinstance(predictions, list):
        raise UnreadablePayloadError("a JSON output is an array, or an object with predictions")
    return predictions
