"""Tests the release flow's functions on moto, with a fake Serving stack."""

import hashlib
from functools import partial

import pytest

from pipelines.aws.packages import UnknownPackageError, read_package
from pipelines.flows.release.approve import OwnApprovalError, approve_package
from pipelines.flows.release.begin import (
    ApprovalConsumedError,
    ArtifactChangedError,
    NotApprovedError,
    OlderThanChampionError,
    ReleaseInProgressError,
    begin_release,
)
from pipelines.flows.release.finish import finish_release
from pipelines.flows.release.serving import ServingBrokenError, read_serving, update_serving
from pipelines.flows.release.verify import VerificationFailedError, verify_release
from pipelines.interface import keys
from pipelines.interface.records import (
    GoldenRequest,
    GoldenRequests,
    Leftovers,
    ReleaseLock,
    ReleaseOutcome,
    RunStart,
    Trigger,
)
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.requests import (
    ApproveRequest,
    BeginReleaseRequest,
    FinishReleaseRequest,
    PackageVersion,
    ReadServingRequest,
    ReleaseGrant,
    ServingStatus,
    ServingUpdate,
    UpdateServingRequest,
    VerifyRequest,
)
from tests.support.world import ENVIRONMENT, MODEL, World, serve

GOLDEN = GoldenRequests(
    content_type="text/csv", tolerance=1e-6, requests=(GoldenRequest(body="a\n1\n", expected=(0.5,)),)
)
UNKNOWN = ENVIRONMENT.arn("sagemaker", f"model-package/{MODEL.package_group}/99")


def register(world: World, version: int, *, approve: bool = True) -> str:
    """Register a package with its artifact, as a run does; ``version`` is the one that the registry must give it."""
    artifacts, run_id = world.services.bucket("artifacts"), f"run-{version}"
    key, content = f"runs/late-arrival/{run_id}/model/job/output/model.tar.gz", f"model {version}".encode()
    artifacts.write(key, content)
    artifacts.write_record(f"runs/late-arrival/{run_id}/evaluation/golden.json", GOLDEN)
    start = RunStart(
        run_id=run_id,
        execution=f"execution-{run_id}",
        token=version,
        started="2026-03-01T10:00:00Z",
        trigger=Trigger(kind="person", id=run_id, by="alice", reason="test"),
    )
    world.services.ledger.update(keys.run(MODEL.name, run_id), start)
    arn = world.create_package(
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": artifacts.uri(key)}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        CustomerMetadataProperties={
            "run": run_id,
            "sha256": hashlib.sha256(content).hexdigest(),
            "golden_uri": artifacts.uri(f"runs/late-arrival/{run_id}/evaluation/golden.json"),
        },
    )
    assert arn.endswith(f"/{version}")
    if approve:
        approve_as(world, arn, "bob", "looks good")
    return arn


def approve_as(world: World, arn: str, person: str, comment: str = "") -> PackageVersion:
    return approve_package(ApproveRequest(package_arn=arn, by=person, comment=comment), world.services)


def begin(world: World, arn: str, execution: str = "release-1", *, rollback: bool = False) -> ReleaseGrant:
    world.executions.running.add(execution)
    request = BeginReleaseRequest(package_arn=arn, by="approval", rollback=rollback, execution=execution)
    return begin_release(request, world.services)


def update(world: World, restore: ReleaseGrant | None = None) -> ServingUpdate:
    return update_serving(UpdateServingRequest(model=MODEL.name, restore=restore), world.services)


def serving(world: World) -> ServingStatus:
    return read_serving(ReadServingRequest(model=MODEL.name), world.services)


def ended(world: World, execution: str, status: str) -> None:
    """Record the end of an execution, as the rule on its end does."""
    finish_release(FinishReleaseRequest(execution=execution, status=status), world.services)


def lock_of(world: World) -> ReleaseLock | None:
    return world.services.ledger.get(keys.release_lock(MODEL.name))


def released(world: World, version: int) -> str:
    """Release a new package from beginning to end."""
    arn = register(world, version)
    release = begin(world, arn, f"release-{version}")
    update(world)
    serve(world, arn, str(version))
    assert serving(world).status == "complete"
    verification = verify_release(VerifyRequest(release=release), world.services)
    finished = FinishReleaseRequest(release=release, outcome=ReleaseOutcome.RELEASED, verification=verification)
    finish_release(finished, world.services)
    world.executions.running.clear()
    return arn


def test_approval_is_recorded_and_refuses_the_author(world: World) -> None:
    arn = register(world, 1, approve=False)
    with pytest.raises(OwnApprovalError):
        approve_as(world, arn, "alice")
    with pytest.raises(OwnApprovalError):
        approve_as(world, arn, "execution-run-1")
    assert approve_as(world, arn, "bob", "good") == PackageVersion(package_arn=arn, version=1)
    package = read_package(world.services, arn)
    assert package.status == "Approved"
    assert "bob" in package.status_comment
    run = world.item(keys.run(MODEL.name, "run-1"))
    assert (run.approved_by, run.approval_comment) == ("bob", "good")


@pytest.mark.parametrize(
    "arn",
    [
        UNKNOWN,
        ENVIRONMENT.arn("sagemaker", "model-package/other-dev-us-east-1-late-arrival/1"),
        "nonsense",
    ],
)
def test_unknown_package_is_refused(world: World, arn: str) -> None:
    with pytest.raises(UnknownPackageError):
        approve_as(world, arn, "bob")


def test_release_from_beginning_to_end(world: World) -> None:
    arn = released(world, 1)
    champion = world.item(keys.champion(MODEL.name))
    assert (champion.package_arn, champion.version) == (arn, 1)
    release = world.item(keys.release(MODEL.name, champion.release_id))
    assert (release.outcome, release.package_arn) == (ReleaseOutcome.RELEASED, arn)
    assert release.verification is not None
    assert release.verification.golden_rows == 1
    assert ReleaseState.from_value(world.stack.resolved).champion == arn
    request = world.stack.calls[0]
    assert request["UsePreviousTemplate"]
    assert all(parameter["UsePreviousValue"] for parameter in request["Parameters"])
    assert request["RoleARN"] == ENVIRONMENT.role_arn(ENVIRONMENT.release_deployer_role)
    assert lock_of(world) is None
    assert world.bus.events[-1][1]["outcome"] == "released"
    assert world.endpoint.ids[0].startswith("golden-")


def test_second_release_sweeps_what_the_first_left(world: World) -> None:
    released(world, 1)
    released(world, 2)
    sagemaker = world.client("sagemaker")
    assert [config["EndpointConfigName"] for config in sagemaker.list_endpoint_configs()["EndpointConfigs"]] == [
        "config-2"
    ]
    assert [model["ModelName"] for model in sagemaker.list_models()["Models"]] == ["model-2"]


def test_pending_package_is_not_released(world: World) -> None:
    with pytest.raises(NotApprovedError):
        begin(world, register(world, 1, approve=False))
    assert lock_of(world) is None


def test_same_event_twice_releases_once(world: World) -> None:
    arn = released(world, 1)
    with pytest.raises(ApprovalConsumedError):
        begin(world, arn, "duplicate")
    assert lock_of(world) is None


def test_approval_of_a_rolled_back_release_is_consumed(world: World) -> None:
    arn = register(world, 1)
    release = begin(world, arn)
    rolled_back = FinishReleaseRequest(release=release, outcome=ReleaseOutcome.ROLLED_BACK, cause="alarm")
    finish_release(rolled_back, world.services)
    world.executions.running.clear()
    with pytest.raises(ApprovalConsumedError):
        begin(world, arn, "late event")
    assert "alarm" in world.alerts()[0]


def test_older_version_needs_a_rollback(world: World) -> None:
    first = released(world, 1)
    released(world, 2)
    with pytest.raises(OlderThanChampionError):
        begin(world, first, "late")
    assert begin(world, first, "person", rollback=True).intended == ReleaseState(champion=first).to_value()


def test_same_execution_gets_the_same_release(world: World) -> None:
    arn = register(world, 1)
    assert begin(world, arn) == begin(world, arn)


def test_changed_artifact_is_refused_before_anything_happens(world: World) -> None:
    arn = register(world, 1)
    world.services.bucket("artifacts").write("runs/late-arrival/run-1/model/job/output/model.tar.gz", b"evil")
    with pytest.raises(ArtifactChangedError, match="was recorded at registration"):
        begin(world, arn)
    assert lock_of(world) is None
    assert ReleaseState.from_value(world.services.parameter(MODEL.release_parameter)).champion is None
    failed = FinishReleaseRequest(
        package_arn=arn,
        execution="release-1",
        outcome=ReleaseOutcome.FAILED,
        cause={"Error": "ArtifactChangedError"},
    )
    finish_release(failed, world.services)
    assert "ArtifactChangedError" in world.alerts()[0]


def test_release_waits_for_the_one_under_way(world: World) -> None:
    begin(world, register(world, 1), "first")
    with pytest.raises(ReleaseInProgressError):
        begin(world, register(world, 2), "second")


def test_dead_release_that_took_effect_is_finished(world: World) -> None:
    arn = register(world, 1)
    begin(world, arn, "dies")
    update(world)
    serve(world, arn, "1")
    world.executions.running.clear()
    begin(world, register(world, 2), "next")
    assert world.item(keys.champion(MODEL.name)).package_arn == arn
    [dead] = [found for _, found in world.services.ledger.query(keys.releases(MODEL.name)) if found.package_arn == arn]
    assert dead.outcome == ReleaseOutcome.FINISHED


def test_dead_release_that_took_no_effect_is_undone(world: World) -> None:
    begin(world, register(world, 1), "dies")
    world.executions.running.clear()
    ended(world, "dies", "ABORTED")
    assert world.services.parameter(MODEL.release_parameter) == ReleaseState().to_value()
    assert lock_of(world) is None
    assert world.services.ledger.get(keys.champion(MODEL.name)) is None
    assert "undone" in world.alerts()[0]


def test_dead_release_whose_stack_still_moves_is_left_to_the_next(world: World) -> None:
    begin(world, register(world, 1), "dies")
    world.executions.running.clear()
    world.stack.status = "UPDATE_IN_PROGRESS"
    ended(world, "dies", "TIMED_OUT")
    assert lock_of(world) is not None
    assert serving(world).status == "updating"


def test_failed_update_has_its_reason_and_is_restored(world: World) -> None:
    release = begin(world, register(world, 1))
    world.stack.status = "UPDATE_ROLLBACK_COMPLETE"
    status = serving(world)
    assert status.status == "failed"
    assert "did not answer /ping" in status.reason
    assert update(world, restore=release) == ServingUpdate(changed=False)
    assert serving(world).status == "complete"


def test_failed_rollback_is_continued(world: World) -> None:
    release = begin(world, register(world, 1))
    world.stack.status = "UPDATE_ROLLBACK_FAILED"
    assert update(world, restore=release) == ServingUpdate(changed=True)
    assert serving(world).status == "complete"


def test_restoration_records_what_the_failed_release_put_into_service(world: World) -> None:
    arn = register(world, 1)
    release = begin(world, arn)
    update(world)
    serve(world, arn, "1")
    assert update(world, restore=release) == ServingUpdate(changed=True)
    lock = lock_of(world)
    assert lock is not None
    assert lock.orphans == Leftovers(configs=("config-1",), models=("model-1",))
    assert lock.predecessors == Leftovers()


def test_broken_stack_needs_a_person(world: World) -> None:
    begin(world, register(world, 1), "dies")
    world.executions.running.clear()
    world.stack.status = "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ServingBrokenError):
        begin(world, register(world, 2), "next")


def test_other_answers_fail_the_verification(world: World) -> None:
    arn = register(world, 1)
    release = begin(world, arn)
    with pytest.raises(VerificationFailedError, match="was intended"):
        verify_release(VerifyRequest(release=release), world.services)
    update(world)
    with pytest.raises(VerificationFailedError, match="should lead to"):
        verify_release(VerifyRequest(release=release), world.services)
    serve(world, arn, "1")
    for answer in ("0.51", "0.5\n0.5", "<html>", "nan"):
        world.endpoint.answer = partial(str.format, answer)
        with pytest.raises(VerificationFailedError):
            verify_release(VerifyRequest(release=release), world.services)


def test_endpoint_that_captures_for_another_version_fails_the_verification(world: World) -> None:
    arn = register(world, 1)
    release = begin(world, arn)
    update(world)
    serve(world, arn, "1", captured_as="7")
    with pytest.raises(VerificationFailedError, match=r"captures traffic to .*/v7, not to .*/v1$"):
        verify_release(VerifyRequest(release=release), world.services)


def test_failure_that_the_flow_recorded_is_undone_after_its_end(world: World) -> None:
    release = begin(world, register(world, 1), "fails")
    failed = FinishReleaseRequest(
        package_arn=release.package_arn,
        execution="fails",
        outcome=ReleaseOutcome.FAILED,
        cause="restoring failed",
    )
    finish_release(failed, world.services)
    assert lock_of(world) is not None
    world.executions.running.clear()
    ended(world, "fails", "FAILED")
    assert lock_of(world) is None
    assert world.services.parameter(MODEL.release_parameter) == ReleaseState().to_value()
    assert len(world.alerts()) == 1
