"""Reads from CodePipeline who approved a release."""

from collections.abc import Iterator

from pipelines.aws.client import Answer
from pipelines.aws.clients import Services
from pipelines.interface.requests import DriveRequest

PIPELINE = "models"


class MissingApprovalError(RuntimeError):
    """The stage needs a person's approval, and the pipeline's execution has none."""


def approver(services: Services, request: DriveRequest) -> str:
    """Return the ARN of the person who approved the request's stage; without an approval the pipeline execution's.

    Raises
    ------
    MissingApprovalError
        The stage needs an approval, and CodePipeline names nobody who gave it.
    """
    given = [action for action in _actions(services, request) if _is_approval(action, request.stage)]
    if given:
        newest = max(given, key=lambda action: action["lastUpdateTime"])
        if by := str(newest.get("updatedBy", "")):
            return by
    if given or request.approval:
        raise MissingApprovalError(
            f"nobody approved stage {request.stage} in execution {request.execution} of"
            f" {services.environment.pipeline(PIPELINE)}, which needs a person's approval"
        )
    return f"{services.environment.pipeline_arn(PIPELINE)}/{request.execution}"


def _actions(services: Services, request: DriveRequest) -> Iterator[Answer]:
    pages = services.client("codepipeline").get_paginator("list_action_executions")
    for page in pages.paginate(
        pipelineName=services.environment.pipeline(PIPELINE),
        filter={"pipelineExecutionId": request.execution},
    ):
        yield from page["actionExecutionDetails"]


def _is_approval(action: Answer, stage: str) -> bool:
    kind = action.get("input", {}).get("actionTypeId", {}).get("category")
    return bool(action["stageName"] == stage and kind == "Approval" and action["status"] == "Succeeded")
