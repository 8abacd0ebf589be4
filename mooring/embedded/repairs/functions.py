"""Repair Lambda's errors: ``errorType`` is the name of the exception's class, which state machines match."""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from mooring.embedded.repairs.patching import replace

_TRACEBACK = "Traceback (most recent call last):\n"
_RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?::|$)", re.MULTILINE)


def apply() -> None:
    """Repair Lambda."""
    replace(lambda_svc, "_execute_function_warm", _name_error)


def _name_error(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Set ``errorType`` to the exception's class; MiniStack sets ``Runtime.HandlerError`` for every exception."""

    def execute_function_warm(*arguments: Any, **more: Any) -> dict[str, Any]:
        result = original(*arguments, **more)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            # In a chain of exceptions, the last printed traceback is that of the exception that left the handler.
            trace = str(result.get("log", "")).rpartition(_TRACEBACK)[2]
            if raised := _RAISED.search(trace):
                body["errorType"] = raised["name"].rpartition(".")[2]
        return result

    return execute_function_warm
