"""Writes one line of JSON for each decision and each failure, in functions, jobs and endpoints.

A line has ``time``, ``level``, ``message``, the ids of ``SUBJECT`` that are bound, and the fields of the message. The
fields are ids, counts, metrics and reasons, never values of rows.

>>> with bound(environment="arrivals-dev-us-east-1", model="late-arrival", run="20260301T100000Z-0a1b2c3d4e5f"):
...     info("lease taken", token=4)  # doctest: +ELLIPSIS
{"time": "...", "level": "INFO", "message": "lease taken", "environment": "arrivals-dev-us-east-1", ... "token": 4}
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

from pipelines.interface.codec import Json

SUBJECT = ("environment", "function", "job", "model", "run", "release", "check", "commit", "execution", "trigger")
"""Names of the ids that a line can have, in the order in which they are written."""
VARIABLE_PREFIX = "MOORING_"
"""Prefix of a job's or container's variables that hold ids: ``MOORING_RUN`` is ``run``."""

_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default=MappingProxyType({}))


@contextmanager
def bound(**subject: str | None) -> Iterator[None]:
    """Add these ids to every line written inside the block; ids that are None or "" are left out.

    Raises
    ------
    ValueError
        An id is not one of ``SUBJECT``.
    """
    if unknown := subject.keys() - set(SUBJECT):
        raise ValueError(f"{sorted(unknown)} are not ids of a log line: use {', '.join(SUBJECT)}")
    token = _bound.set({**_bound.get(), **{name: value for name, value in subject.items() if value}})
    try:
        yield
    finally:
        _bound.reset(token)


@contextmanager
def bound_by_variables(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Add the ids in a job's or a container's variables to every line written inside the block."""
    with bound(**{name: environ.get(f"{VARIABLE_PREFIX}{name.upper()}") for name in SUBJECT}):
        yield


def info(message: str, **fields: Json) -> None:
    """Write one line about a decision."""
    _write("INFO", message, fields)


def failure(error: BaseException, **fields: Json) -> None:
    """Write one line about a failure, with the error's name and text."""
    _write("ERROR", f"{type(error).__name__}: {error}", fields)


def _write(level: str, message: str, fields: Mapping[str, Json]) -> None:
    found = _bound.get()
    about = {name: found[name] for name in SUBJECT if name in found}
    line = {"time": _now(), "level": level, "message": message, **about, **fields}
    # Flushed, so that a reader of a pipe sees each line when it is written.
    print(json.dumps(line, default=str), flush=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
