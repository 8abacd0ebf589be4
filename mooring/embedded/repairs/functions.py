"""Lambda: an error carries the name of its class, which state machines match."""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from mooring.embedded.repairs.patching import replace

_TRACEBACK = "Traceback (most recent call last):\n"
_RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?::|$)", re.MULTILINE)


def apply() -> None:
    """Mend Lambda."""
    replace(lambda_svc, "_execute_function_warm", _name_error)


def _name_error(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """AWS's ``errorType`` is the exception's class; MiniStack says ``Runtime.HandlerError`` of every exception."""

    def execute_function_warm(*arguments: Any, **more: Any) -> dict[str, Any]:
        result = original(*arguments, **more)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            # Of a chain of exceptions the last one printed is the one that left the handler.
            trace = str(result.get("log", "")).rpartition(_TRACEBACK)[2]
            if raised := _RAISED.search(trace):
                body["errorType"] = raised["name"].rpartition(".")[2]
        return result

    return execute_function_warm
