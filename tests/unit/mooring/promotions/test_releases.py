"""Every state of a release is read from what CodePipeline lists, with its cause and what to do."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from mooring.promotions.releases import Release
from mooring.promotions.states import StageState
from tests.support.pipeline_world import (
    DIGEST,
    EXECUTION,
    PipelineWorld,
    action,
    machine,
    record,
    skipped,
    source,
    summary,
    waiting,
)

STAGING = [source(), action("staging", "Import", minute=1), action("staging", "Release", minute=2)]
IMPORTED = [*STAGING, action("prod", "Import", minute=3)]
APPROVED = [*IMPORTED, action("prod", "Approve", minute=4, by="arn:aws:sts::333333333331:assumed-role/a/cleo")]


def read(actions: Sequence[dict[str, Any]], status: str = "InProgress", **more: Any) -> Release:
    world = PipelineWorld(executions=[summary(status)], actions=actions, **more)
    team, kind = world.team(), world.kind
    (found,) = team.executions(kind)
    return team.release(kind, found, team.stages(kind))


def states(release: Release) -> list[str]:
    return [str(stage.state) for stage in release.stages]


def failed(name: str, cause: str, *, error: str = "PromotionFailedError", ended: str = "FAILED") -> Release:
    """Return a release whose action of that name in prod failed with its machine."""
    before = IMPORTED[:-1] if name == "Import" else APPROVED
    last = action("prod", name, "Failed", minute=5, result={"externalExecutionId": machine("m")})
    ends = {machine("m"): {"status": ended, "error": error, "cause": cause}}
    return read([*before, last], "Failed", machines=ends)


def test_release_tells_what_its_record_holds() -> None:
    release = read(STAGING)
    assert (release.name, release.to, release.revision) == ("late-arrival v3", "prod", DIGEST)
    assert (release.requested_by, release.trained_by) == ("ann", "ben")


@pytest.mark.parametrize(
    ("actions", "status", "expected"),
    [
        ([], "InProgress", ["pending", "pending", "pending"]),
        ([source()], "InProgress", ["released", "pending", "pending"]),
        ([source(), action("staging", "Import", "InProgress", minute=1)], "InProgress", [..., "running", "pending"]),
        (STAGING[:2], "InProgress", [..., "running", "pending"]),
        (STAGING, "InProgress", [..., "released", "pending"]),
        ([*IMPORTED, waiting("prod", minute=4)], "InProgress", [..., "released", "waiting for approval"]),
        (APPROVED, "InProgress", [..., "released", "running"]),
        ([*APPROVED, action("prod", "Release", minute=5)], "Succeeded", [..., "released", "released"]),
        (STAGING, "Succeeded", [..., "released", "skipped"]),
        (STAGING, "Stopped", [..., "released", "stopped"]),
        (IMPORTED, "Stopped", [..., "released", "stopped"]),
        ([*IMPORTED, waiting("prod", minute=4)], "Stopping", [..., "released", "stopped"]),
        ([*IMPORTED, action("prod", "Approve", "Abandoned", minute=4)], "Stopped", [..., "released", "stopped"]),
        (STAGING, "Superseded", [..., "released", "superseded"]),
        (IMPORTED, "Superseded", [..., "released", "superseded"]),
        (STAGING, "Cancelled", [..., "released", "superseded"]),
    ],
)
def test_state_follows_from_the_actions_and_the_executions_status(
    actions: list[dict[str, Any]], status: str, expected: list[Any]
) -> None:
    found = states(read(actions, status))
    assert [each if wanted is not ... else ... for each, wanted in zip(found, expected, strict=True)] == expected


def test_stage_that_its_rule_keeps_out_is_skipped() -> None:
    assert states(read([source()], rules=[skipped("staging")])) == ["released", "skipped", "pending"]


def test_stages_after_the_last_one_asked_for_are_skipped_before_they_are_reached() -> None:
    assert states(read([source()], record=record(to="staging"))) == ["released", "pending", "skipped"]


def test_waiting_stage_tells_since_when_and_who_must_approve() -> None:
    stage = read([*IMPORTED, waiting("prod", minute=4)]).stages[-1]
    assert stage.since.startswith("2026-12-01T16:04:00")
    assert stage.approver == (
        "a person with the role arrivals-tooling-eu-west-1-approver other than ann (requested it) and ben (trained it)"
    )


def test_release_that_failed_in_a_region_is_returned_in_all() -> None:
    lambda_error = json.dumps({"errorMessage": "nothing serves", "errorType": "PromotionFailedError"})
    causes = json.dumps([f"arrivals-prod-us-east-1: FAILED: PromotionFailedError: {lambda_error}", ""])
    stage = failed("Release", causes).stages[-1]
    assert stage.state == StageState.RETURNED
    assert stage.cause == "arrivals-prod-us-east-1: FAILED: PromotionFailedError: nothing serves"
    assert stage.remedy == "remove the cause, then start again: mooring promote late-arrival 3 --to prod"


@pytest.mark.parametrize(
    ("name", "cause", "error", "ended", "remedy"),
    [
        ("Import", "a: FAILED: AlteredFileError: x", "PromotionFailedError", "FAILED", "start again: mooring promote"),
        ("Import", "throttled", "Lambda.Unknown", "FAILED", "then: mooring promotions retry 3f2a91c0"),
        ("Release", "not returned everywhere", "ReturnFailedError", "FAILED", "then: mooring promotions retry"),
        ("Release", "", "States.Timeout", "TIMED_OUT", "then: mooring promotions retry"),
        ("Release", "a: FAILED: ReturnedError: x", "PromotionFailedError", "FAILED", "start again: mooring promote"),
        ("Release", "a: FAILED: OwnApprovalError: ann", "PromotionFailedError", "FAILED", "another person gives it"),
    ],
)
def test_failure_that_returned_nothing_tells_its_cause_and_remedy(
    name: str, cause: str, error: str, ended: str, remedy: str
) -> None:
    stage = failed(name, cause, error=error, ended=ended).stages[-1]
    assert (stage.state, stage.action) == (StageState.FAILED, name)
    assert stage.cause == (cause or error)
    assert remedy in stage.remedy


def test_rejection_tells_by_whom_and_why() -> None:
    result = {"externalExecutionId": "x", "externalExecutionSummary": "wait for the audit"}
    rejected = action("prod", "Approve", "Failed", minute=4, result=result, by="arn:aws:sts::1:assumed-role/a/cleo")
    stage = read([*IMPORTED, rejected], "Failed").stages[-1]
    assert (stage.state, stage.cause) == (StageState.FAILED, "rejected by cleo: wait for the audit")


def test_cause_of_an_execution_that_step_functions_has_forgotten_is_codepipelines() -> None:
    result = {"externalExecutionId": machine("old"), "errorDetails": {"code": "JobFailed", "message": "it failed"}}
    stage = read([*STAGING, action("prod", "Import", "Failed", minute=3, result=result)], "Failed").stages[-1]
    assert stage.cause == "it failed"


def test_retry_of_the_whole_stage_hides_the_failure_before() -> None:
    before = [*APPROVED, action("prod", "Release", "Failed", minute=5)]
    again = [*before, action("prod", "Import", minute=6)]
    assert states(read(again))[-1] == "running"
    assert states(read([*again, waiting("prod", minute=7)]))[-1] == "waiting for approval"
    assert (
        states(read([*again, action("prod", "Approve", minute=7), action("prod", "Release", minute=8)]))[-1]
        == "released"
    )


def test_archive_that_is_none_leaves_the_release_without_a_model() -> None:
    release = read([source()], record=b"no archive")
    assert (release.model, release.revision, release.name) == ("", DIGEST, f"models {DIGEST[:8]}")


def test_code_shows_its_revision_and_asks_anyone_with_the_role() -> None:
    revision = [{"actionName": "Source", "revisionId": "4f1c2d3e5a"}]
    world = PipelineWorld(
        kind="code",
        executions=[summary(sourceRevisions=revision)],
        actions=[action("Source", "Source", minute=0), action("Build", "Build", minute=1), waiting("prod", minute=2)],
    )
    team = world.team()
    (found,) = team.executions("code")
    release = team.release("code", found, team.stages("code"))
    assert (release.name, release.execution) == ("code 4f1c2d3e", EXECUTION)
    assert release.stages[-1].approver == "anyone with the role arrivals-tooling-eu-west-1-approver"
