"""The HTTP door: what the server listens on, and who came through."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio import tcp_server
from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import cloudformation

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace

OPEN = ("/_ministack/health", "/_ministack/ready", "/_ministack/cfn-response/", "/_ministack/cfn-signal/")
"""MiniStack's own paths that stay: they tell nothing, or carry a token that only a custom resource was given."""


def apply() -> None:
    """Mend the door."""
    replace(app, "_port_is_bindable", _one_port_only)
    replace(app, "_handle_health_request", _answer_own_paths)
    replace(iam_evaluator, "pin_request_caller", _remember_caller)
    replace(iam_actions, "request_tag_context", _add_stack_role)
    replace(tcp_server.TCPServer, "_close", _forgive_silent_clients)
    replace(iam_actions, "request_tag_context", _add_events)


def _one_port_only(_original: object) -> Callable[[str, int], bool]:
    """Keep the server on its one port; with TLS MiniStack also listens on 443 where it may."""
    return lambda _host, _port: False


def _answer_own_paths(original: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """Tell ``mooring status`` which accounts and regions hold a stack: no AWS API lists them across accounts.

    MiniStack's own paths ask for no credentials, and some erase everything, change its settings or hand out functions'
    code: they are closed.
    """

    def handle_health_request(path: str, request_id: str) -> Any:
        if path.startswith(("/_ministack/", "/_localstack/")) and not path.startswith(OPEN):
            refusal = {"message": f"{path} asks for no credentials, so Mooring's embedded AWS does not serve it"}
            return 403, {"Content-Type": "application/json"}, json.dumps(refusal).encode()
        if path != "/_mooring/places":
            return original(path, request_id)
        places = sorted({(account, region) for account, region, _name in cloudformation._stacks._data})
        return 200, {"Content-Type": "application/json"}, json.dumps(places).encode()

    return handle_health_request


def _remember_caller(original: Callable[..., None]) -> Callable[..., None]:
    """What a request sets in motion acts under its caller; MiniStack forgets the caller once the request is let in."""

    def pin_request_caller(headers: dict[str, str], query_params: dict[str, Any] | None = None) -> None:
        identity.caller_key.set(extract_access_key_id(headers, query_params or {}) or "")
        original(headers, query_params)

    return pin_request_caller


def _add_stack_role(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The condition key ``cloudformation:RoleArn``: the role given to an operation. MiniStack leaves it empty."""

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context = original(service, iam_action, body, params)
        given = params.get("RoleARN") if service == "cloudformation" else None
        role = given[0] if isinstance(given, list) and given else given
        return {**context, "cloudformation:RoleArn": role} if role else context

    return request_tag_context


def _add_events(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The condition keys ``events:source`` and ``events:detail-type`` of PutEvents, which MiniStack leaves empty.

    Entries that differ give a list, which only ``ForAllValues`` and ``ForAnyValue`` can match.
    """

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context = original(service, iam_action, body, params)
        return {**context, **_said_of_events(body)} if iam_action == "events:PutEvents" else context

    return request_tag_context


def _said_of_events(body: bytes) -> dict[str, str | list[str]]:
    try:
        request = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    entries = request.get("Entries") if isinstance(request, dict) else None
    said: dict[str, str | list[str]] = {}
    for key, name in (("events:source", "Source"), ("events:detail-type", "DetailType")):
        # An entry without the field counts as an empty value, so that it cannot hide behind another entry.
        values = sorted({str(entry.get(name, "")) for entry in entries or [] if isinstance(entry, dict)})
        if values:
            said[key] = values[0] if len(values) == 1 else values
    return said


def _forgive_silent_clients(original: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """A client that keeps an idle connection in its pool does not answer when the server closes it, and half a minute
    later asyncio logs a traceback for each: that is everyday life, not an error."""

    async def close(server: Any) -> None:
        with contextlib.suppress(TimeoutError):
            await original(server)

    return close
