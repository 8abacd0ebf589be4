"""State of the control plane per account and region, in memory."""

import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region

from mooring.embedded.sagemaker.errors import in_use, invalid, missing

Record = dict[str, Any]
"""A resource in the shape of SageMaker's Describe answer; also a request or an answer of the API.

Fields that begin with ``_`` are internal and not part of an answer.
"""

KINDS = {
    "training-job": "TrainingJob",
    "processing-job": "ProcessingJob",
    "model": "Model",
    "endpoint-config": "EndpointConfig",
    "endpoint": "Endpoint",
    "model-package-group": "ModelPackageGroup",
    "model-package": "ModelPackage",
}
"""Prefix of a resource's fields in the API, by the resource type in its ARN."""


@dataclass
class Region:
    """State of one account in one region.

    ``records`` is by kind and name, ``tags`` by ARN, ``policies`` and ``versions`` (the last one given) by model
    package group, ``client_tokens`` maps a token to a package's ARN. Hold ``lock`` to check and then write.
    """

    records: dict[str, dict[str, Record]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    client_tokens: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


_regions: dict[tuple[str, str], Region] = {}


def region() -> Region:
    """Return the state of the calling account and region."""
    return _regions.setdefault((get_account_id(), get_region()), Region())


def now() -> datetime:
    return datetime.now(UTC)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:{kind}/{name}"


def add(kind: str, name: str, record: Record, tags: Iterable[dict[str, str]] = ()) -> Record:
    """Store a new record and return it, with name, ARN and creation time added.

    Raises
    ------
    SageMakerError
        The name is taken. A job's name stays taken for ever, even if the job failed.
    """
    prefix, state = KINDS[kind], region()
    with state.lock:
        if name in state.records[kind]:
            raise in_use(
                f"{prefix} names must be unique within an AWS account and region: {name} exists, use another name"
            )
        stored = {f"{prefix}Name": name, f"{prefix}Arn": arn(kind, name), "CreationTime": now(), **record}
        state.records[kind][name] = stored
        state.tags[stored[f"{prefix}Arn"]] = {tag["Key"]: tag["Value"] for tag in tags}
    return stored


def get(kind: str, name: str) -> Record:
    """Return the record of that name.

    Raises
    ------
    SageMakerError
        There is no such record.
    """
    found = region().records[kind].get(name)
    if found is None:
        raise missing(f'{KINDS[kind]} "{arn(kind, name)}"')
    return found


def remove(kind: str, name: str) -> Record:
    """Delete the record and its tags; return the record."""
    record = get(kind, name)
    state = region()
    with state.lock:
        state.records[kind].pop(name, None)
        state.tags.pop(record[f"{KINDS[kind]}Arn"], None)
    return record


def tags_of(resource_arn: str) -> dict[str, str]:
    """Return the tags of a resource; a change of the returned dictionary changes the resource.

    Raises
    ------
    SageMakerError
        There is no such resource.
    """
    tags = region().tags.get(resource_arn)
    if tags is None:
        raise missing(f'resource "{resource_arn}"')
    return tags


def page(items: list[Record], request: Record) -> tuple[list[Record], dict[str, str]]:
    """Return one page of a listing, and its NextToken if there are more items."""
    try:
        start = int(request.get("NextToken", "0"))
    except ValueError:
        raise invalid("Invalid pagination token.") from None
    end = start + int(request.get("MaxResults", 100))
    return items[start:end], {"NextToken": str(end)} if end < len(items) else {}


def listing(kind: str, request: Record, *, fields: str, descending: bool = False) -> list[Record]:
    """Return summaries of all records of a kind, filtered and sorted as the List request says.

    ``fields`` are the summary's fields besides name, ARN and creation time, separated by spaces. ``descending`` is
    the operation's default order.
    """
    prefix = KINDS[kind]
    name, status = f"{prefix}Name", f"{prefix}Status"
    after, before = request.get("CreationTimeAfter"), request.get("CreationTimeBefore")
    found = [
        record
        for record in list(region().records[kind].values())
        if request.get("NameContains", "").lower() in record.get(name, "").lower()
        and record.get(status) == request.get("StatusEquals", record.get(status))
        and (after is None or record["CreationTime"].timestamp() > float(after))
        and (before is None or record["CreationTime"].timestamp() < float(before))
    ]
    key = {"Name": name, "Status": status}.get(request.get("SortBy", ""), "CreationTime")
    order = request.get("SortOrder", "Descending" if descending else "Ascending")
    found.sort(key=lambda record: record[key], reverse=order == "Descending")
    wanted = {name, f"{prefix}Arn", "CreationTime", *fields.split()}
    return [{key: value for key, value in record.items() if key in wanted} for record in found]


def suffix() -> str:
    """Return twelve random characters that make a generated name unique."""
    return secrets.token_hex(6)
