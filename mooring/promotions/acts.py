"""What a person does to an execution of a pipeline: approve, reject, retry, stop."""

from collections.abc import Iterable

from botocore.exceptions import ClientError

from mooring.errors import MooringError
from mooring.promotions.causes import failure_of
from mooring.promotions.places import needs_two_people
from mooring.promotions.releases import CODE, MODELS, UNDER_WAY, Release, TeamPipelines
from mooring.promotions.states import StageProgress, StageState, newest_failure, waiting_action
from pipelines.aws.client import Answer, code_of

LONGEST_COMMENT = 512
LONGEST_REASON = 200
RETRYABLE = (StageState.FAILED, StageState.RETURNED, StageState.STOPPED)


def find_release(teams: Iterable[TeamPipelines], execution: str) -> tuple[TeamPipelines, Release]:
    """Return the execution whose id begins with ``execution``, of a team's pipelines of models or of code.

    Raises
    ------
    MooringError
        There is none, or there are several.
    """
    found = [
        (team, kind, summary)
        for team in teams
        for kind in (MODELS, CODE)
        for summary in team.executions(kind)
        if summary["pipelineExecutionId"].startswith(execution)
    ]
    if len(found) != 1:
        listed = ", ".join(summary["pipelineExecutionId"] for _, _, summary in found)
        raise MooringError(
            f"{execution!r} begins the ids of {listed}" if found else f"there is no execution {execution!r}",
            remedy="give more of the id" if found else "list them: mooring promotions, or mooring promotions --code",
        )
    team, kind, summary = found[0]
    return team, team.release(kind, summary, team.stages(kind))


def answer_approval(
    team: TeamPipelines, release: Release, stage: str, *, by: str, comment: str, approved: bool
) -> None:
    """Approve or reject what waits in a stage. AWS records the session's name, which is ``by``.

    Raises
    ------
    MooringError
        Nothing waits there, somebody answered already, or another person than ``by`` must approve.
    """
    progress = _require_stage(release, stage)
    if len(comment) > LONGEST_COMMENT:
        raise MooringError(
            f"the comment has {len(comment)} characters", remedy=f"write at most {LONGEST_COMMENT} characters"
        )
    action = waiting_action(stage, team.actions(release.pipeline, release.execution))
    if action is None:
        raise MooringError(
            f"nothing waits for approval in stage {stage} of {release.name} ({release.short}): it is {progress.state}",
            remedy="see what waits: mooring promotions",
        )
    if approved and needs_two_people(team.place, stage, release.model):
        _require_other_person(release, stage, by)
    try:
        team.client.put_approval_result(
            pipelineName=team.name(release.pipeline),
            stageName=stage,
            actionName=action["actionName"],
            result={"summary": comment, "status": "Approved" if approved else "Rejected"},
            token=_token(team, release, stage, action),
        )
    except ClientError as error:
        if code_of(error) not in ("ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"):
            raise
        raise MooringError(
            f"stage {stage} of {release.name} was answered in the meantime: {error}",
            remedy="see by whom: mooring promotions",
        ) from error


def retry(team: TeamPipelines, release: Release) -> tuple[str, bool]:
    """Retry the stage that failed; return it, and whether all its actions run again, the approval among them.

    Raises
    ------
    MooringError
        No stage failed or was stopped, or CodePipeline does not accept the retry.
    """
    progress = next((each for each in release.stages if each.state in RETRYABLE), None)
    if progress is None:
        raise MooringError(
            f"no stage of {release.name} ({release.short}) has failed: its execution is {release.status}",
            remedy="see where it is: mooring promotions",
        )
    action = newest_failure(progress.stage, team.actions(release.pipeline, release.execution))
    anew = action is not None and failure_of(action, team.services).of_approver
    try:
        team.client.retry_stage_execution(
            pipelineName=team.name(release.pipeline),
            stageName=progress.stage,
            pipelineExecutionId=release.execution,
            retryMode="ALL_ACTIONS" if anew else "FAILED_ACTIONS",
        )
    except ClientError as error:
        if code_of(error) not in (
            "StageNotRetryableException",
            "NotLatestPipelineExecutionException",
            "ConflictException",
        ):
            raise
        raise MooringError(
            f"stage {progress.stage} of {release.name} cannot be retried: {error}",
            remedy=f"start again: {release.again}",
        ) from error
    return progress.stage, anew


def stop(team: TeamPipelines, release: Release, *, by: str, abandon: bool) -> None:
    """Stop an execution after its actions that are in progress, or with ``abandon`` at once.

    Raises
    ------
    MooringError
        The execution is not under way.
    """
    if release.status not in UNDER_WAY:
        raise MooringError(
            f"{release.name} ({release.short}) is not under way: its execution is {release.status}",
            remedy="see where each is: mooring promotions",
        )
    try:
        team.client.stop_pipeline_execution(
            pipelineName=team.name(release.pipeline),
            pipelineExecutionId=release.execution,
            abandon=abandon,
            reason=f"stopped by {by}"[:LONGEST_REASON],
        )
    except ClientError as error:
        if code_of(error) not in ("PipelineExecutionNotStoppableException", "DuplicatedStopRequestException"):
            raise
        raise MooringError(
            f"{release.name} ({release.short}) cannot be stopped: {error}",
            remedy="it ended or is stopping already: mooring promotions; --abandon stops what still runs",
        ) from error


def _require_stage(release: Release, stage: str) -> StageProgress:
    progress = release.stage(stage)
    if progress is None:
        listed = ", ".join(each.stage for each in release.stages)
        raise MooringError(f"there is no stage {stage!r} in the pipeline", remedy=f"use one of {listed}")
    return progress


def _require_other_person(release: Release, stage: str, by: str) -> None:
    """Refuse an author, as the environment does: then the approval need not be asked twice."""
    for author, what in ((release.requested_by, "requested the promotion"), (release.trained_by, "trained the model")):
        if by == author.rpartition("/")[2]:
            raise MooringError(
                f"{by} {what} of {release.name}, and stage {stage} wants two people",
                remedy="let another person approve it",
            )


def _token(team: TeamPipelines, release: Release, stage: str, action: Answer) -> str:
    """Return the token of a waiting approval; the state of a parallel pipeline has none, so its action names it."""
    if release.pipeline == MODELS:
        return str(action["output"]["executionResult"]["externalExecutionId"])
    state = team.client.get_pipeline_state(name=team.name(release.pipeline))
    found = next(each for each in state["stageStates"] if each["stageName"] == stage)
    newest = {each["actionName"]: each.get("latestExecution", {}) for each in found["actionStates"]}
    if found.get("latestExecution", {}).get("pipelineExecutionId") != release.execution:
        raise MooringError(
            f"{release.name} ({release.short}) is no longer in stage {stage}",
            remedy="see where it is: mooring promotions --code",
        )
    return str(newest[action["actionName"]]["token"])
