"""Repair the HTTP server: its ports, its paths without credentials, its caller and IAM condition keys."""

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
"""MiniStack's own paths that stay open: they reveal nothing, or need a token that only a custom resource has."""


def apply() -> None:
    """Repair the HTTP server."""
    replace(app, "_port_is_bindable", _one_port_only)
    replace(app, "_handle_health_request", _answer_own_paths)
    replace(iam_evaluator, "pin_request_caller", _store_caller)
    replace(iam_actions, "request_tag_context", _add_stack_role)
    replace(tcp_server.TCPServer, "_close", _ignore_shutdown_timeout)
    replace(iam_actions, "request_tag_context", _add_event_conditions)


def _one_port_only(_original: object) -> Callable[[str, int], bool]:
    """Keep the server on its one port; with TLS MiniStack also listens on port 443 if it is permitted to."""
    return lambda _host, _port: False


def _answer_own_paths(original: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """Close MiniStack's own paths, and add ``/_mooring/places``.

    MiniStack's own paths need no credentials, and some of them delete all data, change settings or return functions'
    code. ``/_mooring/places`` returns the accounts and regions that hold a stack, for ``mooring embedded``: no AWS API
    lists them across accounts.
    """

    def handle_health_request(path: str, request_id: str) -> Any:
        if path.startswith(("/_ministack/", "/_localstack/")) and not path.startswith(OPEN):
            refusal = {
                "message": f"the embedded AWS does not serve {path}, because the path needs no credentials:"
                " call an AWS API instead, or start with an empty server (mooring down, mooring up)"
            }
            return 403, {"Content-Type": "application/json"}, json.dumps(refusal).encode()
        if path != "/_mooring/places":
            return original(path, request_id)
        places = sorted({(account, region) for account, region, _name in cloudformation._stacks._data})
        return 200, {"Content-Type": "application/json"}, json.dumps(places).encode()

    return handle_health_request


def _store_caller(original: Callable[..., None]) -> Callable[..., None]:
    """Store the caller's access key, so that work that the request starts acts under its caller.

    MiniStack does not keep the caller once IAM has allowed the request.
    """

    def pin_request_caller(headers: dict[str, str], query_params: dict[str, Any] | None = None) -> None:
        identity.caller_key.set(extract_access_key_id(headers, query_params or {}) or "")
        original(headers, query_params)

    return pin_request_caller


def _add_stack_role(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Add the condition key ``cloudformation:RoleArn``, the role given to an operation; MiniStack does not set it."""

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context = original(service, iam_action, body, params)
        given = params.get("RoleARN") if service == "cloudformation" else None
        role = given[0] if isinstance(given, list) and given else given
        return {**context, "cloudformation:RoleArn": role} if role else context

    return request_tag_context


def _add_event_conditions(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Add PutEvents' condition keys ``events:source`` and ``events:detail-type``; MiniStack does not set them.

    If the entries differ, the value is a list, which only ``ForAllValues`` and ``ForAnyValue`` can match.
    """

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context = original(service, iam_action, body, params)
        return {**context, **_event_conditions(body)} if iam_action == "events:PutEvents" else context

    return request_tag_context


def _event_conditions(body: bytes) -> dict[str, str | list[str]]:
    try:
        request = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    entries = request.get("Entries") if isinstance(request, dict) else None
    conditions: dict[str, str | list[str]] = {}
    for key, name in (("events:source", "Source"), ("events:detail-type", "DetailType")):
        # An entry without the field counts as an empty value; else another entry's value would stand for both.
        values = sorted({str(entry.get(name, "")) for entry in entries or [] if isinstance(entry, dict)})
        if values:
            conditions[key] = values[0] if len(values) == 1 else values
    return conditions


def _ignore_shutdown_timeout(original: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """Ignore the time-out of a TLS shutdown that the client does not answer.

    A client with an idle connection in its pool does not answer when the server closes the connection. Half a minute
    later asyncio would log a traceback for each such connection. This is normal, not an error.
    """

    async def close(server: Any) -> None:
        with contextlib.suppress(TimeoutError):
            await original(server)

    return close
