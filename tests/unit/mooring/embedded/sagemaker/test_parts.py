"""SageMaker without a server: operations, requests, capture lines, script mode, the container's default functions."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mooring.embedded.sagemaker import capture, operations, script_mode, service, serving
from mooring.embedded.sagemaker.errors import SageMakerError
from mooring.embedded.shapes import covered


def test_every_supported_operation_has_a_handler() -> None:
    assert service.HANDLERS.keys() == operations.SUPPORTED.keys()


def test_refuses_every_unsupported_parameter_by_its_path() -> None:
    request = {
        "EndpointName": "e",
        "EndpointConfigName": "c",
        "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
    }
    with pytest.raises(SageMakerError, match=r"DeploymentConfig\.AutoRollbackConfiguration\.Alarms\.AlarmName"):
        operations.API.check("UpdateEndpoint", request)


def test_checks_names_as_sagemaker_does() -> None:
    for name in ("a_b", "-a", "a" * 64):
        with pytest.raises(SageMakerError, match="EndpointName"):
            operations.API.check("DescribeEndpoint", {"EndpointName": name})
    operations.API.check("DescribeEndpoint", {"EndpointName": "a" * 63})


def test_converts_numbers_that_cloudformation_passes_as_strings() -> None:
    given = {"ProductionVariants": [{"InitialInstanceCount": "2", "InitialVariantWeight": "0.5"}]}
    assert operations.API.coerce("CreateEndpointConfig", given) == {
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


def _check(operation: str, path: str, value: Any) -> None:
    """Check whether the operation supports ``value`` at ``path``, whatever else the request needs."""
    shape = operations.API.operation_model(operation).input_shape
    assert shape is not None
    operations.API.check_supported(operation, _at(shape, path.split("."), value), shape)


def _at(shape: Any, path: list[str], value: Any) -> Any:
    if shape.type_name == "list":
        return [_at(shape.member, path, value)]
    return {path[0]: _at(shape.members[path[0]], path[1:], value)} if path else value


def _switches() -> list[tuple[str, str, Any]]:
    """Return operation, path and values of every boolean and every on-off enumeration of the supported operations."""
    found = []
    for operation in operations.SUPPORTED:
        shape = operations.API.operation_model(operation).input_shape
        found += [] if shape is None else [(operation, *leaf) for leaf in _switches_below(shape, "")]
    return found


def _switches_below(shape: Any, path: str) -> list[tuple[str, list[Any]]]:
    if shape.type_name == "structure":
        return [
            leaf
            for name, member in shape.members.items()
            for leaf in _switches_below(member, f"{path}.{name}".lstrip("."))
        ]
    if shape.type_name == "list":
        return _switches_below(shape.member, path)
    if shape.type_name == "boolean":
        return [(path, [False, True])]
    values = {value.lower() for value in getattr(shape, "enum", None) or ()}
    return [(path, shape.enum)] if values == {"enabled", "disabled"} else []


FEATURES = (
    "CreateEndpointConfig ExplainerConfig.",
    "CreateEndpointConfig ShadowProductionVariants.",
    "CreateModel Containers.AdditionalModelDataSources.",
    "CreateModel Containers.ModelDataSource.",
    "CreateModel PrimaryContainer.AdditionalModelDataSources.",
    "CreateModel PrimaryContainer.ModelDataSource.",
    "CreateModelPackage AdditionalInferenceSpecifications.",
    "CreateModelPackage SourceAlgorithmSpecification.",
    "CreateTrainingJob ServerlessJobConfig.",
    "UpdateModelPackage AdditionalInferenceSpecificationsToAdd.",
    "UpdateModelPackage InferenceSpecification.",
)
"""Parameters whose presence alone uses a feature that is not supported: no switch below them means off."""


@pytest.mark.parametrize(
    ("operation", "path", "values"),
    [found for found in _switches() if not f"{found[0]} {found[1]}".startswith(FEATURES)],
)
def test_every_switch_accepts_off_and_refuses_what_is_not_supported(operation: str, path: str, values: Any) -> None:
    off = operations.OFF.get(operation, {})
    if path in off:
        (on,) = (value for value in values if value != off[path])
        _check(operation, path, off[path])
        with pytest.raises(SageMakerError, match=rf"{path} = {on!r} \(allowed: {off[path]!r}, which means off\)"):
            _check(operation, path, on)
        return
    assert covered(path, operations.API.parameters[operation]), f"add {path} to OFF of {operation}"


def test_warm_pools_accept_off_only() -> None:
    path = "ResourceConfig.KeepAlivePeriodInSeconds"
    _check("CreateTrainingJob", path, 0)
    with pytest.raises(SageMakerError, match=rf"{path} = 60"):
        _check("CreateTrainingJob", path, 60)


def test_every_off_value_is_of_a_parameter_that_exists() -> None:
    known = {(operation, path) for operation, path, _ in _switches()}
    known.add(("CreateTrainingJob", "ResourceConfig.KeepAlivePeriodInSeconds"))
    assert {(operation, path) for operation, paths in operations.OFF.items() for path in paths} <= known


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ProfilerConfig.ProfilingParameters", {"a": "b"}),
        ("DebugHookConfig.CollectionConfigurations.CollectionName", "losses"),
    ],
)
def test_framework_profiling_and_debugger_collections_are_refused(path: str, value: Any) -> None:
    with pytest.raises(SageMakerError, match=path):
        _check("CreateTrainingJob", path, value)
