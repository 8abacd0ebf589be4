"""SageMaker without a server: operations, requests, capture lines, script mode, the container's default functions."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mooring.embedded.sagemaker import capture, operations, script_mode, service, serving, shapes
from mooring.embedded.sagemaker.errors import SageMakerError


def test_every_supported_operation_has_a_handler() -> None:
    assert service.HANDLERS.keys() == operations.SUPPORTED.keys()


def test_refuses_every_unsupported_parameter_by_its_path() -> None:
    request = {
        "EndpointName": "e",
        "EndpointConfigName": "c",
        "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
    }
    with pytest.raises(SageMakerError, match=r"DeploymentConfig\.AutoRollbackConfiguration\.Alarms\.AlarmName"):
        shapes.check("UpdateEndpoint", request)


def test_checks_names_as_sagemaker_does() -> None:
    for name in ("a_b", "-a", "a" * 64):
        with pytest.raises(SageMakerError, match="EndpointName"):
            shapes.check("DescribeEndpoint", {"EndpointName": name})
    shapes.check("DescribeEndpoint", {"EndpointName": "a" * 63})


def test_converts_numbers_that_cloudformation_passes_as_strings() -> None:
    given = {"ProductionVariants": [{"InitialInstanceCount": "2", "InitialVariantWeight": "0.5"}]}
    assert shapes.coerce("CreateEndpointConfig", given) == {
        "ProductionVariants": [{"InitialInstanceCount": 2, "InitialVariantWeight": 0.5}]
    }


@pytest.mark.parametrize(
    ("kind", "body", "encoding", "data"),
    [
        ("text/csv; charset=utf-8", b"1,2\n", "CSV", "1,2\n"),
        ("application/json", b"[1]", "JSON", "[1]"),
        ("application/x-npy", b"\x00", "BASE64", "AA=="),
        ("text/csv", b"\xff", "BASE64", "/w=="),
    ],
)
def test_capture_encodes_by_content_type(kind: str, body: bytes, encoding: str, data: str) -> None:
    config: dict[str, Any] = {
        "CaptureOptions": [{"CaptureMode": "Input"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    exchange = capture.Exchange(
        variant="v",
        body=body,
        content_type=kind,
        answer=b"",
        answer_type="",
        inference_id="",
        time=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC),
    )
    line = json.loads(capture.line(exchange, config))
    assert set(line["captureData"]) == {"endpointInput"}
    assert (line["captureData"]["endpointInput"]["encoding"], line["captureData"]["endpointInput"]["data"]) == (
        encoding,
        data,
    )
    assert line["eventMetadata"]["inferenceTime"] == "2026-01-31T23:59:59Z"
    assert "inferenceId" not in line["eventMetadata"]


def test_hyperparameters_become_arguments() -> None:
    assert script_mode.decode('"train.py"') == "train.py"
    assert script_mode.decode("plain") == "plain"
    assert script_mode.arguments({"sagemaker_program": "t.py", "depth": 3, "a": 1}) == ["-a", "1", "--depth", "3"]


def test_default_functions_read_and_write_as_in_the_container() -> None:
    rows = serving.default_input("1,2\n3,4\n", serving.CSV)
    assert rows.shape == (2, 2)
    assert serving.default_output(rows, serving.JSON) == (b"[[1.0, 2.0], [3.0, 4.0]]", serving.JSON)
    packed, _ = serving.default_output(rows, serving.NPY)
    assert serving.default_input(packed, serving.NPY).tolist() == rows.tolist()
    with pytest.raises(serving.ContentError) as refused:
        serving.default_input("x", "image/png")
    assert refused.value.status == 415
