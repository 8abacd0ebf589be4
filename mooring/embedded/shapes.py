"""Check requests against botocore's model of a service (types, ranges, patterns) and against what we support."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from mooring.embedded.errors import ServiceError


@dataclass(frozen=True, kw_only=True)
class Api:
    """API of one service: botocore's model, and the operations, parameters and values that we support.

    A parameter is written as its path in the request, without list indices; ``.*`` means the path and all below it.
    ``parameters`` is by operation. ``choices`` are the supported values of parameters that do not support all values,
    by path. ``off`` has, by operation and path, the value that turns a feature off that is not supported: clients
    send it by themselves. ``times`` begins the names of parameters with a time, which botocore checks as text.
    """

    service: str
    parameters: Mapping[str, set[str]]
    choices: Mapping[str, set[Any]]
    off: Mapping[str, Mapping[str, Any]]
    invalid: Callable[[str], ServiceError]
    unsupported: Callable[[str], ServiceError]
    times: str = "CreationTime"

    def operation_model(self, operation: str) -> OperationModel:
        """Return botocore's model of an operation.

        Raises
        ------
        ServiceError
            The operation is not supported here, or does not exist.
        """
        if operation not in self.parameters:
            raise self.unsupported(f"The operation {operation}")
        model: OperationModel = _service_model(self.service).operation_model(operation)
        return model

    def check(self, operation: str, request: dict[str, Any]) -> None:
        """Check first that AWS would accept the request, then that we support all its parameters and values.

        Raises
        ------
        ServiceError
            A parameter is not valid or not supported; the message names every such parameter, or the first value that
            is not supported.
        """
        shape = self.operation_model(operation).input_shape
        if shape is None:
            return
        timeless = {name: value for name, value in request.items() if not name.startswith(self.times)}
        report = ParamValidator().validate(timeless, shape)
        if report.has_errors():
            raise self.invalid(report.generate_report())
        problems = list(_broken(request, shape, ""))
        if problems:
            raise self.invalid(f"{len(problems)} validation error(s) detected: " + "; ".join(problems))
        self.check_supported(operation, request, shape)

    def coerce(self, operation: str, value: Any) -> Any:
        """Return the request with the model's types: CloudFormation may pass numbers and booleans as strings."""
        shape = self.operation_model(operation).input_shape
        assert shape is not None
        return _coerce(value, shape)

    def check_supported(self, operation: str, request: dict[str, Any], shape: StructureShape) -> None:
        """Check the part of ``check`` that is ours: all parameters and values are supported."""
        known, off = self.parameters[operation], self.off.get(operation, {})
        leaves = list(_leaves(request, shape, ""))
        for path, value in leaves:
            if path in off and value != off[path]:
                allowed = f"(allowed: {off[path]!r}, which means off)"
                raise self.unsupported(f"{operation} with {path} = {value!r} {allowed}")
        unknown = sorted({path for path, _ in leaves if path not in off and not covered(path, known)})
        if unknown:
            raise self.unsupported(f"{operation} with {', '.join(unknown)}")
        for path, value in leaves:
            choices = self.choices.get(path)
            if choices is not None and value not in choices:
                allowed = f"(allowed: {', '.join(map(str, sorted(choices)))})"
                raise self.unsupported(f"{operation} with {path} = {value!r} {allowed}")


@functools.cache
def _service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def covered(path: str, known: set[str]) -> bool:
    """Return whether a parameter's path is in ``known``, by itself or below a ``.*``."""
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
