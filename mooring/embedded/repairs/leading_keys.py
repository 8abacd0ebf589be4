"""Add the condition key ``dynamodb:LeadingKeys``: the partition keys that a request reads or writes.

MiniStack never sets it, and ``ForAllValues`` is true for an absent key: a role that may write only the items of
datasets could write a model's champion. A partition key that cannot be read from the request counts as ``UNKNOWN``,
which no policy names.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb

from mooring.embedded.repairs.patching import replace

UNKNOWN = ""
"""Value of a partition key that the request does not show."""


def apply() -> None:
    """Repair DynamoDB's condition keys."""
    replace(iam_actions, "dynamodb_service_context", _add_leading_keys)


def _add_leading_keys(original: Callable[[bytes], dict[str, Any]]) -> Callable[[bytes], dict[str, Any]]:
    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context = original(body)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context
        keys = list(dict.fromkeys(_leading_keys(request))) if isinstance(request, dict) else []
        return {**context, "dynamodb:LeadingKeys": keys} if keys else context

    return dynamodb_service_context


def _leading_keys(request: dict[str, Any]) -> Iterator[str]:
    """Yield the partition keys of one item, a query, a batch or a transaction; a scan has none."""
    for item in (request.get("Key"), request.get("Item")):
        if isinstance(item, dict):
            yield _value(item.get(_partition_key(request.get("TableName"))))
    if "KeyConditionExpression" in request or "KeyConditions" in request:
        yield _query_key(request)
    tables = request.get("RequestItems")
    for table, batch in tables.items() if isinstance(tables, dict) else ():
        for entry in batch.get("Keys", []) if isinstance(batch, dict) else batch:
            for item in [entry] if isinstance(batch, dict) else [next(iter(each.values())) for each in entry.values()]:
                yield _value(item.get(_partition_key(table)))
    for entry in request.get("TransactItems") or []:
        for operation in entry.values():
            yield from _leading_keys(operation)


def _query_key(request: dict[str, Any]) -> str:
    key = _partition_key(request.get("TableName"))
    if "IndexName" in request:
        return UNKNOWN
    if isinstance(conditions := request.get("KeyConditions"), dict):
        return _value(next(iter(conditions.get(key, {}).get("AttributeValueList", [])), None))
    names = request.get("ExpressionAttributeNames") or {}
    for name, value in re.findall(r"([#\w.-]+)\s*=\s*(:\w+)", request["KeyConditionExpression"]):
        if names.get(name, name) == key:
            return _value((request.get("ExpressionAttributeValues") or {}).get(value))
    return UNKNOWN


def _partition_key(table: Any) -> str:
    found = dynamodb._tables.get(str(table).rpartition("/")[2])
    return str(found["pk_name"]) if found else UNKNOWN


def _value(attribute: Any) -> str:
    return str(next(iter(attribute.values()), UNKNOWN)) if isinstance(attribute, dict) else UNKNOWN
