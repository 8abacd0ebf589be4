"""The release flow's functions on moto, with a Serving stack that is a fake."""

import hashlib
from functools import partial
from typing import Any

import pytest

from pipelines.aws.packages import UnknownPackageError
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
from pipelines.interface.release_state import ReleaseState
from tests.support.world import ENVIRONMENT, MODEL, World, serve

PK = keys.model_pk(MODEL.name)
GOLDEN = {"content_type": "text/csv", "tolerance": 1e-6, "requests": [{"body": "a\n1\n", "expected": [0.5]}]}


def register(world: World, version: int, *, approve: bool = True) -> str:
    """A package with its artifact, as a run registers it; ``version`` is only checked."""
    artifacts, run = world.services.bucket("artifacts"), f"run-{version}"
    key, content = f"runs/late-arrival/{run}/model/job/output/model.tar.gz", f"model {version}".encode()
    artifacts.write(key, content)
    artifacts.write_json(f"runs/late-arrival/{run}/evaluation/golden.json", GOLDEN)
    world.services.ledger.record(PK, keys.run_sk(run), {"trigger": {"by": "alice"}, "execution": f"execution-{run}"})
    arn = world.client("sagemaker").create_model_package(
        ModelPackageGroupName=MODEL.package_group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": artifacts.uri(key)}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        CustomerMetadataProperties={
            "run": run,
            "sha256": hashlib.sha256(content).hexdigest(),
            "golden_uri": artifacts.uri(f"runs/late-arrival/{run}/evaluation/golden.json"),
        },
    )["ModelPackageArn"]
    assert arn.endswith(f"/{version}")
    if approve:
        approve_package({"package_arn": arn, "by": "bob", "comment": "looks good"}, world.services)
    return str(arn)


def begin(world: World, arn: str, execution: str = "release-1", *, rollback: bool = False) -> dict[str, Any]:
    world.executions.running.add(execution)
    event = {"package_arn": arn, "by": "approval", "rollback": rollback, "execution": execution}
    return begin_release(event, world.services)


def released(world: World, version: int) -> str:
    """Release a new package from beginning to end."""
    arn = register(world, version)
    release = begin(world, arn, f"release-{version}")
    update_serving({"model": MODEL.name}, world.services)
    serve(world, arn, str(version))
    assert read_serving({"model": MODEL.name}, world.services)["status"] == "complete"
    verification = verify_release({"release": release}, world.services)
    finish_release({"release": release, "outcome": "released", "verification": verification}, world.services)
    world.executions.running.clear()
    return arn


def test_approval_is_recorded_and_refuses_the_author(world: World) -> None:
    arn = register(world, 1, approve=False)
    with pytest.raises(OwnApprovalError):
        approve_package({"package_arn": arn, "by": "alice", "comment": ""}, world.services)
    answer = approve_package({"package_arn": arn, "by": "bob", "comment": "good"}, world.services)
    assert answer["version"] == 1
    described = world.services.package(arn)
    assert described["ModelApprovalStatus"] == "Approved"
    assert "bob" in described["ApprovalDescription"]
    assert world.item(PK, keys.run_sk("run-1"))["approved_by"] == "bob"


@pytest.mark.parametrize(
    "arn",
    [
        ENVIRONMENT.arn("sagemaker", f"model-package/{MODEL.package_group}/99"),
        ENVIRONMENT.arn("sagemaker", "model-package/other-dev-us-east-1-late-arrival/1"),
        "nonsense",
    ],
)
def test_unknown_package_is_refused(world: World, arn: str) -> None:
    with pytest.raises(UnknownPackageError):
        approve_package({"package_arn": arn, "by": "bob", "comment": ""}, world.services)


def test_release_from_beginning_to_end(world: World) -> None:
    arn = released(world, 1)
    champion = world.item(PK, keys.CHAMPION)
    assert (champion["package_arn"], champion["version"]) == (arn, 1)
    assert ReleaseState.from_value(world.stack.resolved).champion == arn
    request = world.stack.calls[0]
    assert request["UsePreviousTemplate"]
    assert all(parameter["UsePreviousValue"] for parameter in request["Parameters"])
    assert request["RoleARN"] == ENVIRONMENT.role_arn(ENVIRONMENT.release_deployer_role)
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is None
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
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is None


def test_same_event_twice_releases_once(world: World) -> None:
    arn = released(world, 1)
    with pytest.raises(ApprovalConsumedError):
        begin(world, arn, "duplicate")
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is None


def test_approval_of_a_rolled_back_release_is_consumed(world: World) -> None:
    arn = register(world, 1)
    release = begin(world, arn)
    finish_release({"release": release, "outcome": "rolled_back", "cause": "alarm"}, world.services)
    world.executions.running.clear()
    with pytest.raises(ApprovalConsumedError):
        begin(world, arn, "late event")
    assert "alarm" in world.alerts()[0]


def test_older_version_needs_a_rollback(world: World) -> None:
    first = released(world, 1)
    released(world, 2)
    with pytest.raises(OlderThanChampionError):
        begin(world, first, "late")
    assert begin(world, first, "person", rollback=True)["intended"] == ReleaseState(champion=first).to_value()


def test_same_execution_gets_the_same_release(world: World) -> None:
    arn = register(world, 1)
    assert begin(world, arn) == begin(world, arn)


def test_changed_artifact_is_refused_before_anything_happens(world: World) -> None:
    arn = register(world, 1)
    world.services.bucket("artifacts").write("runs/late-arrival/run-1/model/job/output/model.tar.gz", b"evil")
    with pytest.raises(ArtifactChangedError, match="was recorded at registration"):
        begin(world, arn)
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is None
    assert ReleaseState.from_value(world.services.parameter(MODEL.release_parameter)).champion is None
    finish_release(
        {"package_arn": arn, "execution": "release-1", "outcome": "failed", "cause": {"Error": "ArtifactChangedError"}},
        world.services,
    )
    assert "ArtifactChangedError" in world.alerts()[0]


def test_release_waits_for_the_one_under_way(world: World) -> None:
    begin(world, register(world, 1), "first")
    with pytest.raises(ReleaseInProgressError):
        begin(world, register(world, 2), "second")


def test_dead_release_that_took_effect_is_finished(world: World) -> None:
    arn = register(world, 1)
    begin(world, arn, "dies")
    update_serving({"model": MODEL.name}, world.services)
    serve(world, arn, "1")
    world.executions.running.clear()
    begin(world, register(world, 2), "next")
    assert world.item(PK, keys.CHAMPION)["package_arn"] == arn


def test_dead_release_that_took_no_effect_is_undone(world: World) -> None:
    begin(world, register(world, 1), "dies")
    world.executions.running.clear()
    finish_release({"execution": "dies", "status": "ABORTED"}, world.services)
    assert world.services.parameter(MODEL.release_parameter) == ReleaseState().to_value()
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is None
    assert world.services.ledger.get(PK, keys.CHAMPION) is None
    assert "undone" in world.alerts()[0]


def test_dead_release_whose_stack_still_moves_is_left_to_the_next(world: World) -> None:
    begin(world, register(world, 1), "dies")
    world.executions.running.clear()
    world.stack.status = "UPDATE_IN_PROGRESS"
    finish_release({"execution": "dies", "status": "TIMED_OUT"}, world.services)
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is not None
    assert read_serving({"model": MODEL.name}, world.services)["status"] == "updating"


def test_failed_update_is_told_with_its_reason_and_restored(world: World) -> None:
    release = begin(world, register(world, 1))
    world.stack.status = "UPDATE_ROLLBACK_COMPLETE"
    serving = read_serving({"model": MODEL.name}, world.services)
    assert serving["status"] == "failed"
    assert "did not answer /ping" in serving["reason"]
    assert update_serving({"model": MODEL.name, "restore": release}, world.services) == {"changed": False}
    assert read_serving({"model": MODEL.name}, world.services)["status"] == "complete"


def test_failed_rollback_is_continued(world: World) -> None:
    release = begin(world, register(world, 1))
    world.stack.status = "UPDATE_ROLLBACK_FAILED"
    assert update_serving({"model": MODEL.name, "restore": release}, world.services) == {"changed": True}
    assert read_serving({"model": MODEL.name}, world.services)["status"] == "complete"


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
        verify_release({"release": release}, world.services)
    update_serving({"model": MODEL.name}, world.services)
    with pytest.raises(VerificationFailedError, match="should lead to"):
        verify_release({"release": release}, world.services)
    serve(world, arn, "1")
    for answer in ("0.51", "0.5\n0.5", "<html>", "nan"):
        world.endpoint.answer = partial(str.format, answer)
        with pytest.raises(VerificationFailedError):
            verify_release({"release": release}, world.services)


def test_endpoint_that_captures_for_another_version_fails_the_verification(world: World) -> None:
    arn = register(world, 1)
    release = begin(world, arn)
    update_serving({"model": MODEL.name}, world.services)
    serve(world, arn, "1", captured_as="7")
    with pytest.raises(VerificationFailedError, match=r"captures traffic to .*/v7, not to .*/v1$"):
        verify_release({"release": release}, world.services)


def test_failure_that_the_flow_recorded_is_undone_after_its_end(world: World) -> None:
    release = begin(world, register(world, 1), "fails")
    failed = {
        "package_arn": release["package_arn"],
        "execution": "fails",
        "outcome": "failed",
        "cause": "restoring failed",
    }
    finish_release(failed, world.services)
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is not None
    world.executions.running.clear()
    finish_release({"execution": "fails", "status": "FAILED"}, world.services)
    assert world.services.ledger.get(PK, keys.RELEASE_LOCK) is None
    assert world.services.parameter(MODEL.release_parameter) == ReleaseState().to_value()
    assert len(world.alerts()) == 1
