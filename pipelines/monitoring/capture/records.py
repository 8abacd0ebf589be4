"""One captured exchange in SageMaker's format, and its rows as columns in any encoding."""

import base64
import csv
import io
from collections.abc import Mapping
from typing import Literal

import msgspec

from pipelines.statistics.values import Cell

Table = dict[str, list[Cell]]
"""Values of each column by its name."""


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
    """A record's input or output does not fit its encoding and content type."""


def rows_of(record: Record) -> tuple[Table, list[Cell]]:
    """Return the record's rows as columns, and the prediction of each row.

    Raises
    ------
    UnreadablePayloadError
        Input or output cannot be read, or their numbers of rows differ.
    """
    try:
        rows, table = _inputs(record.capture_data.endpoint_input)
        predictions = _predictions(record.capture_data.endpoint_output)
    except (ValueError, RecursionError) as error:  # no base64, UTF-8, JSON (or nested too deeply) or float
        raise UnreadablePayloadError(str(error)) from error
    if len(predictions) != rows:
        raise UnreadablePayloadError(f"{rows} rows and {len(predictions)} predictions: there is one for each row")
    return table, predictions


def _text(payload: Payload) -> tuple[str, bool]:
    """Return the payload's text, and whether it is JSON."""
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
        raise UnreadablePayloadError("a row has another number of fields than the header")
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return len(rows), {name: list(values) for name, values in zip(header, columns, strict=True)}


def _predictions(payload: Payload) -> list[Cell]:
    text, is_json = _text(payload)
    if not is_json:
        return [float(line) for line in text.split()]
    document = msgspec.json.decode(text)
    predictions = document.get("predictions") if isinstance(document, Mapping) else document
    if not isinstance(predictions, list):
        raise UnreadablePayloadError("a JSON output is an array, or an object with predictions")
    return predictions
