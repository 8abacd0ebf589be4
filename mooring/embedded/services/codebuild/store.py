"""Projects and builds per account and region, in memory."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region

from mooring.embedded.services.codebuild.errors import invalid, missing

Record = dict[str, Any]
"""A project or a build in the shape of CodeBuild's answer; also a request or an answer of the API."""

_PAGE = 100


@dataclass
class Region:
    """State of one account in one region.

    ``projects`` is by name and ``builds`` by id, in the order of their start. ``requests`` has the request that
    started each build, for a retry. ``numbers`` is the last build number by project, also of a deleted one.
    ``tokens`` maps an idempotency token to its request and build. Hold ``lock`` to check and then write.
    """

    projects: dict[str, Record] = field(default_factory=dict)
    builds: dict[str, Record] = field(default_factory=dict)
    requests: dict[str, Record] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, tuple[Record, str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


_regions: dict[tuple[str, str], Region] = {}


def region() -> Region:
    """Return the state of the calling account and region."""
    return _regions.setdefault((get_account_id(), get_region()), Region())


def now() -> datetime:
    return datetime.now(UTC)


def arn(kind: str, name: str) -> str:
    """Return the ARN of a ``project`` or ``build``; an ARN stays as it is."""
    return name if name.startswith("arn:") else f"arn:aws:codebuild:{get_region()}:{get_account_id()}:{kind}/{name}"


def name_of(reference: str) -> str:
    """Return the name or id in an ARN of this account and region; another text stays as it is."""
    for kind in ("project", "build"):
        reference = reference.removeprefix(arn(kind, ""))
    return reference


def project(reference: str) -> Record:
    """Return the project of a name or ARN.

    Raises
    ------
    CodeBuildError
        There is no such project.
    """
    found = region().projects.get(name_of(reference))
    if found is None:
        raise missing(f"Project cannot be found: {arn('project', reference)}")
    return found


def build(reference: str) -> Record:
    """Return the build of an id or ARN.

    Raises
    ------
    CodeBuildError
        There is no such build.
    """
    found = region().builds.get(name_of(reference))
    if found is None:
        raise missing(f"Build cannot be found: {arn('build', reference)}")
    return found


def page(items: list[Any], request: Record) -> tuple[list[Any], Record]:
    """Return one page of a listing, and its nextToken if there are more items."""
    try:
        start = int(request.get("nextToken", "0"))
    except ValueError:
        raise invalid("Invalid next token") from None
    end = start + _PAGE
    return items[start:end], {"nextToken": str(end)} if end < len(items) else {}
