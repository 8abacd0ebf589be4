"""AWS throttles each call of each function once: the function fails transiently, and its repetitions do the rest."""

import pytest
from botocore.exceptions import EndpointConnectionError, IncompleteReadError, ReadTimeoutError

from infra.components.asl import LATER
from pipelines.aws.transient import THROTTLING, TransientError, transient
from pipelines.flows.release.approve import approve_package
from pipelines.flows.release.begin import begin_release
from pipelines.flows.release.finish import finish_release
from pipelines.flows.release.serving import read_serving, update_serving
from pipelines.flows.release.verify import verify_release
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import take_lease
from pipelines.interface import keys
from pipelines.interface.records import ReleaseOutcome, RunOutcome, Trigger
from pipelines.interface.requests import (
    ApproveRequest,
    BeginReleaseRequest,
    FinishReleaseRequest,
    FinishRunRequest,
    LeaseRequest,
    ReadServingRequest,
    UpdateServingRequest,
    VerifyRequest,
)
from tests.functional.test_release import begin, register, released
from tests.support.throttling import Throttling, refusal
from tests.support.world import MODEL, World, serve


def test_release_survives_throttling_of_each_call(world: World) -> None:
    throttling = Throttling(world)
    arn = register(world, 1, approve=False)
    throttling.call(approve_package, ApproveRequest(package_arn=arn, by="bob", comment="good"))
    world.executions.running.add("release-1")
    begun = BeginReleaseRequest(package_arn=arn, by="approval", rollback=False, execution="release-1")
    grant = throttling.call(begin_release, begun)
    throttling.call(update_serving, UpdateServingRequest(model=MODEL.name))
    serve(world, arn, "1")
    assert throttling.call(read_serving, ReadServingRequest(model=MODEL.name)).status == "complete"
    verification = throttling.call(verify_release, VerifyRequest(release=grant))
    end = FinishReleaseRequest(release=grant, outcome=ReleaseOutcome.RELEASED, verification=verification)
    throttling.call(finish_release, end)
    champion = world.item(keys.champion(MODEL.name))
    assert champion.version == 1
    release = world.item(keys.release(MODEL.name, champion.release_id))
    assert (release.outcome, release.package_arn) == (ReleaseOutcome.RELEASED, arn)
    assert world.item(keys.run(MODEL.name, "run-1")).approved_by == "bob"
    assert world.services.ledger.get(keys.release_lock(MODEL.name)) is None
    assert {detail["outcome"] for _, detail in world.bus.events} == {"released"}


def test_restoration_survives_throttling_of_each_call(world: World) -> None:
    throttling = Throttling(world)
    released(world, 1)
    arn = register(world, 2)
    grant = begin(world, arn, "release-2")
    update_serving(UpdateServingRequest(model=MODEL.name), world.services)
    throttling.call(update_serving, UpdateServingRequest(model=MODEL.name, restore=grant))
    assert world.stack.resolved == grant.previous
    cause = {"Error": "ServingFailedError", "Cause": "no answer"}
    end = FinishReleaseRequest(release=grant, outcome=ReleaseOutcome.ROLLED_BACK, cause=cause)
    throttling.call(finish_release, end)
    assert world.item(keys.champion(MODEL.name)).version == 1
    assert world.item(keys.release(MODEL.name, grant.release_id)).outcome == ReleaseOutcome.ROLLED_BACK
    assert world.alerts(), "the rollback reached the topic"


def test_failed_run_survives_throttling_of_each_call(world: World) -> None:
    throttling = Throttling(world)
    trigger = Trigger(kind="person", id="p-1", by="alice", reason="test")
    leased = LeaseRequest(model=MODEL.name, trigger=trigger, execution="run-1", started="2026-03-01T10:00:00Z")
    grant = throttling.call(take_lease, leased)
    end = FinishRunRequest(execution="run-1", model=MODEL.name, outcome=RunOutcome.FAILED, status="ABORTED")
    throttling.call(finish_run, end)
    assert world.item(keys.run(MODEL.name, grant.run_id)).outcome == RunOutcome.FAILED
    assert not world.item(keys.lease(MODEL.name)).holder
    assert world.bus.events, "the run's end was published"
    assert world.alerts(), "its failure reached the topic"


@pytest.mark.parametrize(
    "error",
    [
        *(refusal(code) for code in sorted(THROTTLING)),
        refusal("InternalFailure", status=500),
        refusal("ServiceUnavailable", status=503),
        refusal("Anything", status=429),
        refusal("ValidationError", "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."),
        refusal("ValidationError", "Stack:arn is in UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS state"),
        EndpointConnectionError(endpoint_url="https://x"),
        ReadTimeoutError(endpoint_url="https://x"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
    ids=lambda error: f"{type(error).__name__}-{str(error)[:40]}",
)
def test_repetition_may_mend(error: Exception) -> None:
    found = transient(error)
    assert isinstance(found, TransientError)
    assert str(error) in str(found)


@pytest.mark.parametrize(
    "error",
    [
        refusal("ValidationError", "No updates are to be performed."),
        refusal("AccessDeniedException", "not authorized"),
        refusal("ResourceLimitExceeded", "the account-level service limit is 0"),
        refusal("ConditionalCheckFailedException"),
        refusal("ModelError", "the container answered 500", status=424),
        ValueError("Rate exceeded"),
    ],
    ids=str,
)
def test_repetition_does_not_mend(error: Exception) -> None:
    assert transient(error) is None


def test_tasks_repeat_for_minutes_with_jitter() -> None:
    assert LATER["ErrorEquals"] == [TransientError.__name__]
    waits = [
        min(LATER["IntervalSeconds"] * 2**number, LATER["MaxDelaySeconds"]) for number in range(LATER["MaxAttempts"])
    ]
    assert 20 * 60 < sum(waits) < 40 * 60
    assert LATER["JitterStrategy"] == "FULL"
