"""Check requests against botocore's model of SageMaker (types, ranges, patterns) and against ``operations``."""

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from mooring.embedded.sagemaker import operations
from mooring.embedded.sagemaker.errors import invalid, unsupported


@functools.cache
def operation_model(operation: str) -> OperationModel:
    """Return botocore's model of an operation of the SageMaker API.

    Raises
    ------
    SageMakerError
        The operation is not supported here, or does not exist.
    """
    if operation not in operations.SUPPORTED:
        raise unsupported(f"The operation {operation}")
    model: OperationModel = _service_model().operation_model(operation)
    return model


@functools.cache
def _service_model() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def check(operation: str, request: dict[str, Any]) -> None:
    """Check first that SageMaker would accept the request, then that we support all its parameters and values.

    Raises
    ------
    SageMakerError
        A parameter is not valid or not supported; the message names every such parameter, or the first value that is
        not supported.
    """
    shape = operation_model(operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(_without_timestamps(request), shape)
    if report.has_errors():
        raise invalid(report.generate_report())
    problems = list(_broken(request, shape, ""))
    if problems:
        raise invalid(f"{len(problems)} validation error(s) detected: " + "; ".join(problems))
    _check_supported(operation, request, shape)


def coerce(operation: str, value: Any) -> Any:
    """Return the request with the model's types: CloudFormation may pass numbers and booleans as strings."""
    shape = operation_model(operation).input_shape
    assert shape is not None
    return _coerce(value, shape)


def _check_supported(operation: str, request: dict[str, Any], shape: StructureShape) -> None:
    known, off = operations.parameters(operation), operations.OFF.get(operation, {})
    for path, value in _leaves(request, shape, ""):
        if path in off and value != off[path]:
            raise unsupported(f"{operation} with {path} = {value!r} (allowed: {off[path]!r}, which means off)")
    unknown = sorted({path for path, _ in _leaves(request, shape, "") if path not in off and not _covered(path, known)})
    if unknown:
        raise unsupported(f"{operation} with {', '.join(unknown)}")
    for path, value in _leaves(request, shape, ""):
        allowed = operations.CHOICES.get(path)
        if allowed is not None and value not in allowed:
            raise unsupported(f"{operation} with {path} = {value!r} (allowed: {', '.join(map(str, sorted(allowed)))})")


def _covered(path: str, known: set[str]) -> bool:
    parts = path.split(".")
    return path in known or any(".".join(parts[:end]) + ".*" in known for end in range(1, len(parts) + 1))


def _leaves(value: Any, shape: Shape, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            inner = f"{path}.{name}" if path else name
            if name in shape.members:
                yield from _leaves(member, shape.members[name], inner)
            else:
                yield inner, member
    elif isinstance(shape, ListShape):
        for item in value:
            yield from _leaves(item, shape.member, path)
    elif isinstance(shape, MapShape):
        yield f"{path}.*", value
    else:
        yield path, value


def _broken(value: Any, shape: Shape, path: str) -> Iterator[str]:
    limits = shape.metadata
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            if name in shape.members:
                yield from _broken(member, shape.members[name], f"{path}.{name}" if path else name)
        return
    if isinstance(shape, ListShape):
        for position, item in enumerate(value):
            yield from _broken(item, shape.member, f"{path}.{position + 1}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _broken(key, shape.key, path)
            yield from _broken(item, shape.value, f"{path}.{key}.member")
    elif shape.type_name == "string":
        if limits.get("enum") and value not in limits["enum"]:
            yield f"Value '{value}' at '{path}' must be one of [{', '.join(limits['enum'])}]"
        if limits.get("pattern") and not re.fullmatch(_python_pattern(limits["pattern"]), value, re.DOTALL):
            yield f"Value '{value}' at '{path}' must satisfy regular expression pattern: {limits['pattern']}"
    size = len(value) if isinstance(value, str | list | dict) else value
    if limits.get("max") is not None and isinstance(size, int | float) and size > limits["max"]:
        yield f"Value at '{path}' must have length or value less than or equal to {limits['max']}"


def _python_pattern(pattern: str) -> str:
    # The model's patterns are Java's: some have Unicode classes in brackets, some a counted end of line (``${0,63}``).
    if "\\p{P}" in pattern or "\\u" in pattern:
        return ".*"  # such a pattern allows free text without control characters
    for java, python in (("\\p{L}", "\\w"), ("\\p{Z}", "\\s"), ("\\p{N}", "\\d"), ("\\p{Alnum}", "A-Za-z0-9")):
        pattern = pattern.replace(java, python)
    return re.sub(r"\$\{[\d,]+\}", "", pattern)


def _without_timestamps(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if not name.startswith("CreationTime")}


def _coerce(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = shape.members
        return {name: _coerce(item, known[name]) if name in known else item for name, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_coerce(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {str(key): _coerce(item, shape.value) for key, item in value.items()}
    try:
        if shape.type_name in ("integer", "long") and isinstance(value, str | float):
            return int(value)
        if shape.type_name in ("float", "double") and isinstance(value, str):
            return float(value)
    except ValueError:
        return value
    if shape.type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    return str(value) if shape.type_name == "string" and isinstance(value, int | float) else value
