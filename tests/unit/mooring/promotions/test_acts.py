"""People approve, reject, retry and stop what is there, and authors do not approve their own."""

from typing import Any

import pytest

from mooring.errors import MooringError
from mooring.promotions.acts import answer_approval, find_release, retry, stop
from mooring.promotions.request import require_none_under_way
from tests.support.pipeline_world import (
    APPROVAL_ID,
    EXECUTION,
    START,
    PipelineWorld,
    action,
    machine,
    place,
    source,
    summary,
    waiting,
)

STAGING = [source(), action("staging", "Import", minute=1), action("staging", "Release", minute=2)]
WAITING = [*STAGING, action("prod", "Import", minute=3), waiting("prod", minute=4)]
MODELS = place().names.pipeline("models")
CODE = place().names.pipeline("code")


def answer(world: PipelineWorld, *, by: str = "cleo", approved: bool = True, stage: str = "prod") -> None:
    team, release = find_release([world.team()], "3f2a91c0")
    answer_approval(team, release, stage, by=by, comment="checked", approved=approved)


def after_failure(cause: str) -> PipelineWorld:
    failed = action("prod", "Release", "Failed", minute=6, result={"externalExecutionId": machine("m")})
    ended = {"status": "FAILED", "error": "PromotionFailedError", "cause": cause}
    actions = [*WAITING[:-1], action("prod", "Approve", minute=5), failed]
    return PipelineWorld(executions=[summary("Failed")], actions=actions, machines={machine("m"): ended})


@pytest.mark.parametrize(("approved", "status"), [(True, "Approved"), (False, "Rejected")])
def test_approval_of_a_parallel_pipeline_is_named_by_its_action(approved: bool, status: str) -> None:
    world = PipelineWorld(actions=WAITING)
    answer(world, approved=approved)
    assert world.calls == [
        (
            "put_approval_result",
            {
                "pipelineName": MODELS,
                "stageName": "prod",
                "actionName": "Approve",
                "result": {"summary": "checked", "status": status},
                "token": APPROVAL_ID,
            },
        )
    ]


def code_world(execution: str) -> PipelineWorld:
    latest = {"status": "InProgress", "token": "bbbbbbbb-0000-4000-8000-000000000001", "lastStatusChange": START}
    stage = {
        "stageName": "prod",
        "latestExecution": {"pipelineExecutionId": execution, "status": "InProgress"},
        "actionStates": [{"actionName": "Approve", "latestExecution": latest}],
    }
    return PipelineWorld(kind="code", actions=[waiting("prod", minute=1)], state={"stageStates": [stage]})


def test_approval_of_code_takes_its_token_from_the_pipelines_state() -> None:
    world = code_world(EXECUTION)
    answer(world, by="ann")
    assert world.calls[0][1]["token"] == "bbbbbbbb-0000-4000-8000-000000000001"


def test_code_that_another_push_has_superseded_is_not_approved() -> None:
    with pytest.raises(MooringError, match="no longer in stage prod"):
        answer(code_world("other"))


@pytest.mark.parametrize(("by", "reason"), [("ann", "requested the promotion"), ("ben", "trained the model")])
def test_author_does_not_approve_but_may_reject(by: str, reason: str) -> None:
    world = PipelineWorld(actions=WAITING)
    with pytest.raises(MooringError, match=f"{by} {reason} of late-arrival v3, and stage prod wants two people"):
        answer(world, by=by)
    assert world.calls == []
    answer(world, by=by, approved=False)
    assert len(world.calls) == 1


def test_nothing_is_approved_that_does_not_wait() -> None:
    with pytest.raises(MooringError, match=r"in stage staging of late-arrival v3 \(3f2a91c0\): it is released"):
        answer(PipelineWorld(actions=WAITING), stage="staging")
    with pytest.raises(MooringError, match="no stage 'qa'") as unknown:
        answer(PipelineWorld(actions=WAITING), stage="qa")
    assert unknown.value.remedy == "use one of Source, staging, prod"


def test_second_answer_is_refused() -> None:
    with pytest.raises(MooringError, match="answered in the meantime"):
        answer(PipelineWorld(actions=WAITING, refuses="ApprovalAlreadyCompletedException"))


@pytest.mark.parametrize(
    ("cause", "mode", "anew"),
    [
        ("a: FAILED: OwnApprovalError: ann requested it", "ALL_ACTIONS", True),
        ("a: FAILED: PromotionFailedError: no capacity", "FAILED_ACTIONS", False),
    ],
)
def test_retry_asks_for_the_approval_again_if_the_approver_was_refused(cause: str, mode: str, anew: bool) -> None:
    world = after_failure(cause)
    assert retry(*find_release([world.team()], EXECUTION)) == ("prod", anew)
    assert world.calls == [
        (
            "retry_stage_execution",
            {"pipelineName": MODELS, "stageName": "prod", "pipelineExecutionId": EXECUTION, "retryMode": mode},
        )
    ]


def test_retry_without_a_failure_is_refused() -> None:
    with pytest.raises(MooringError, match="no stage of late-arrival v3"):
        retry(*find_release([PipelineWorld(actions=WAITING).team()], EXECUTION))


def test_retry_that_codepipeline_refuses_tells_how_to_start_again() -> None:
    world = after_failure("x")
    world.refuses = "StageNotRetryableException"
    with pytest.raises(MooringError, match="cannot be retried") as refused:
        retry(*find_release([world.team()], EXECUTION))
    assert refused.value.remedy == "start again: mooring promote late-arrival 3 --to prod"


@pytest.mark.parametrize("abandon", [True, False])
def test_stop_tells_codepipeline_who_and_how(abandon: bool) -> None:
    world = PipelineWorld(actions=WAITING)
    stop(*find_release([world.team()], EXECUTION), by="ann", abandon=abandon)
    assert world.calls[0][1] == {
        "pipelineName": MODELS,
        "pipelineExecutionId": EXECUTION,
        "abandon": abandon,
        "reason": "stopped by ann",
    }


def test_ended_execution_is_not_stopped() -> None:
    with pytest.raises(MooringError, match="is not under way: its execution is Failed"):
        stop(*find_release([after_failure("x").team()], EXECUTION), by="ann", abandon=False)


@pytest.mark.parametrize(("given", "message"), [("3f2", "begins the ids of"), ("9", "there is no execution '9'")])
def test_execution_is_found_by_a_beginning_that_is_unique(given: str, message: str) -> None:
    other = summary(execution="3f2b0000-0000-4000-8000-000000000002")
    world = PipelineWorld(executions=[summary(), other])
    assert find_release([world.team()], "3f2a")[1].execution == EXECUTION
    with pytest.raises(MooringError, match=message):
        find_release([world.team()], given)


@pytest.mark.parametrize(
    ("status", "version", "to"), [("Failed", 3, "prod"), ("InProgress", 4, "prod"), ("InProgress", 3, "staging")]
)
def test_other_promotions_do_not_hinder_a_request(status: str, version: int, to: str) -> None:
    world = PipelineWorld(executions=[summary(status)], actions=STAGING)
    require_none_under_way(world.team(), "late-arrival", version, to)


def test_same_promotion_under_way_is_refused_with_how_to_stop_it() -> None:
    world: Any = PipelineWorld(actions=STAGING)
    with pytest.raises(MooringError, match=r"late-arrival v3 to prod is under way .* requested by ann") as refused:
        require_none_under_way(world.team(), "late-arrival", 3, "prod")
    assert refused.value.remedy == "stop it first: mooring promotions stop 3f2a91c0"
