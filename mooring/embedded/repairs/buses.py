"""Repair EventBridge: events reach the bus of another account or region, if its policy and the sender's allow it.

MiniStack drops an event whose target is a foreign bus, and refuses PutEvents with a foreign bus's ARN. It evaluates no
bus policy. On AWS the event keeps the account and region of its sender, and
an event that came from elsewhere is not sent on to a third account or region.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import error_response_json, get_account_id, get_region, new_uuid, request_scope
from ministack.services import eventbridge

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace

log = logging.getLogger("mooring.buses")

PUT_EVENTS = "events:PutEvents"


def apply() -> None:
    """Repair the delivery to buses and the policies of buses."""
    replace(eventbridge, "_dispatch_to_event_bus", _across)
    replace(eventbridge, "_put_events", _to_foreign_buses)
    eventbridge.bus_policy_for_arn = policy_of
    iam_evaluator._RESOURCE_POLICY_LOOKUPS["events"] = ("eventbridge", "bus_policy_for_arn")


def exists(arn: str) -> bool:
    """Return whether there is a bus of this ARN, in whichever account and region."""
    place = _bus(arn)
    if place is None:
        return False
    account, region, name = place
    with request_scope(account, region):
        return name == "default" or name in eventbridge._event_buses


def policy_of(arn: str) -> tuple[dict[str, Any] | None, str] | None:
    """Return a bus's policy and the account that owns it, as MiniStack's evaluator wants it; None for another ARN."""
    place = _bus(arn)
    if place is None:
        return None
    account, region, name = place
    with request_scope(account, region):
        return eventbridge._event_bus_policies.get(name), account


def conditions(event: dict[str, Any]) -> dict[str, str]:
    """Return the condition keys that a bus's policy may test of an event."""
    return {"events:source": str(event.get("Source", "")), "events:detail-type": str(event.get("DetailType", ""))}


def _bus(arn: str) -> tuple[str, str, str] | None:
    try:
        spec = parse_arn(arn)
    except ArnParseError:
        return None
    if spec.service != "events" or not spec.resource.startswith("event-bus/"):
        return None
    return spec.account_id, spec.region, spec.resource.partition("/")[2]


def _is_foreign(place: tuple[str, str, str]) -> bool:
    return place[:2] != (get_account_id(), get_region())


def _across(original: Callable[..., None]) -> Callable[..., None]:
    """Deliver an event to a foreign bus; ``repairs.events`` has checked the target's role and the bus's policy."""

    def dispatch(
        spec: Any, event: dict[str, Any], rule: dict[str, Any], path: set[str], payload: str | None = None
    ) -> None:
        place = _bus(str(spec))
        if place is None or not _is_foreign(place):
            original(spec, event, rule, path, payload)
            return
        if (event.get("Account"), event.get("Region")) != (get_account_id(), get_region()):
            log.warning("%s: the event came from elsewhere, and is not sent on to %s", rule.get("Arn"), spec)
            return
        sent = {**event, "EventBusName": place[2]}
        if payload is not None:
            sent["Detail"] = payload
        _deliver(sent, place)

    return dispatch


def _deliver(event: dict[str, Any], place: tuple[str, str, str]) -> None:
    account, region, _ = place
    with request_scope(account, region):
        eventbridge._events_log_list().append(event)
        eventbridge._dispatch_event(event)
        eventbridge._archive_event(event)


def _to_foreign_buses(original: Callable[..., Any]) -> Callable[..., Any]:
    """Put the entries that name the ARN of a foreign bus there, and leave the others to MiniStack."""

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        entries = data.get("Entries", [])
        places = [_bus(str(entry.get("EventBusName") or "")) for entry in entries]
        foreign = {n: place for n, place in enumerate(places) if place and _is_foreign(place)}
        if not foreign:
            return original(data, allow_aws_source)
        try:
            for number in foreign:
                entry = entries[number]
                identity.authorize(PUT_EVENTS, entry["EventBusName"], context=conditions(entry))
        except identity.AccessDeniedError as error:
            return error_response_json("AccessDeniedException", str(error), 400)
        own = {**data, "Entries": [entry for n, entry in enumerate(entries) if n not in foreign]}
        status, headers, body = original(own, allow_aws_source)
        if status != 200:
            return status, headers, body
        found = json.loads(body)
        results = iter(found["Entries"])
        merged = [_put(entries[n], foreign[n]) if n in foreign else next(results) for n in range(len(entries))]
        failed = sum("ErrorCode" in result for result in merged)
        return status, headers, json.dumps({**found, "Entries": merged, "FailedEntryCount": failed}).encode()

    return put_events


def _put(entry: dict[str, Any], place: tuple[str, str, str]) -> dict[str, str]:
    if str(entry.get("Source", "")).startswith("aws."):
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    if not exists(entry["EventBusName"]):
        message = f"Event bus {entry['EventBusName']} does not exist."
        return {"ErrorCode": "ResourceNotFoundException", "ErrorMessage": message}
    event = {
        "EventId": new_uuid(),
        "Source": entry.get("Source", ""),
        "DetailType": entry.get("DetailType", ""),
        "Detail": entry.get("Detail", "{}"),
        "EventBusName": place[2],
        "Time": int(eventbridge._now_ts()),
        "Resources": entry.get("Resources", []),
        "Account": get_account_id(),
        "Region": get_region(),
    }
    _deliver(event, place)
    return {"EventId": event["EventId"]}
