"""Prices one retraining of a model: its three jobs, its flow, and the release of the new version."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.cost.schedules import HOURS
from infra.cost.usage import JOB_SECONDS, RELEASE_POLLS, Call

JOBS = (("validation", "processing"), ("training", "training"), ("evaluation", "processing"))
"""The jobs of a retraining, and the settings that name their instances."""
STATES = 15 + 7
"""States that a retraining enters up to registration, and a release apart from its waits."""
STATES_PER_POLL = 3
POLLING = "read-serving"
CALLED = {
    **dict.fromkeys(("take-lease", "plan-run", "judge-candidate", "register-candidate", "finish-run"), 1),
    **dict.fromkeys(("approve-package", "begin-release", "update-serving", "verify-release", "finish-release"), 1),
    POLLING: RELEASE_POLLS,
}
"""How often each function is called."""
FIRST = Call(start_s=2.0, other_requests=10)
"""Estimate of a call of one of them."""
WARM = Call(start_s=0.1, other_requests=2)
"""Estimate of a call of the function that looks whether the endpoint has settled."""
WRITTEN, READ = 60, 120
"""Estimates: requests by which the flow, the jobs and SageMaker write and read objects."""
ITEMS_WRITTEN = 12

Unit = tuple[str, str, float]
"""Name of an item, the unit of the price table, and the quantity."""


def job_units(settings: Mapping[str, Any]) -> Iterator[Unit]:
    """Yield the instances and volumes of the jobs, by the model's settings."""
    hours = JOB_SECONDS / 3600
    for what, job in JOBS:
        chosen = settings[job]
        yield f"{what} job, {chosen['instance_type']}", chosen["instance_type"], hours
        yield f"{what} job, volume", "volume_gb", chosen["volume_gb"] * hours / HOURS


def release_units(memory_mb: Mapping[str, int]) -> Iterator[Unit]:
    """Yield what the flows of a retraining and of its release use; ``memory_mb`` is that of each function."""
    yield "flows", "transition", STATES + STATES_PER_POLL * RELEASE_POLLS
    found: dict[str, float] = {}
    for name, times in CALLED.items():
        call = WARM if name == POLLING else FIRST
        for unit, used in call.units(memory_mb.get(name, 0)).items():
            found[unit] = found.get(unit, 0) + times * used
    for unit, quantity in found.items():
        yield "functions", unit, quantity
    yield "objects", "list_request", WRITTEN
    yield "objects", "get_request", READ
    yield "ledger", "table_write", ITEMS_WRITTEN
    yield "events", "event", 2
