"""Dispatch CodePipeline's operations, for HTTP requests and for calls from inside the server."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from mooring.embedded import identity
from mooring.embedded.answers import Answer, answer
from mooring.embedded.services.codepipeline import declarations, operations, starts, store, views
from mooring.embedded.services.codepipeline.errors import CodePipelineError
from mooring.embedded.services.codepipeline.store import Record

HANDLERS: dict[str, Callable[[Record], Record]] = {
    "CreatePipeline": declarations.create,
    "UpdatePipeline": declarations.update,
    "DeletePipeline": declarations.delete,
    "GetPipeline": views.get,
    "ListPipelines": views.list_pipelines,
    "GetPipelineState": views.state,
    "StartPipelineExecution": starts.start,
    "StopPipelineExecution": starts.stop,
    "GetPipelineExecution": views.execution,
    "ListPipelineExecutions": views.list_executions,
    "ListActionExecutions": views.list_actions,
    "ListRuleExecutions": views.list_rules,
    "RetryStageExecution": starts.retry,
    "PutApprovalResult": starts.approve,
    "EnableStageTransition": partial(starts.set_transition, enabled=True),
    "DisableStageTransition": partial(starts.set_transition, enabled=False),
    "TagResource": declarations.tag,
    "UntagResource": declarations.untag,
    "ListTagsForResource": declarations.list_tags,
}
_OF_STAGES = ("RetryStageExecution", "EnableStageTransition", "DisableStageTransition")


def call(operation: str, request: Record) -> Record:
    """Carry out one operation for the acting principal and return its answer, in the current account and region.

    Raises
    ------
    CodePipelineError
        The request is refused: it is not valid, not supported, not authorized, or not possible now.
    """
    operations.API.check(operation, request)
    tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
    context: Record = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    try:
        identity.authorize(f"codepipeline:{operation}", resource(operation, request), context=context)
    except identity.AccessDeniedError as error:
        raise CodePipelineError("AccessDeniedException", str(error)) from error
    return HANDLERS[operation](request)


def resource(operation: str, request: Record) -> str:
    """Return the ARN on which IAM evaluates the operation: a pipeline, a stage or an action.

    >>> resource("PutApprovalResult", {"pipelineName": "p", "stageName": "prod", "actionName": "Approve"})
    'arn:aws:codepipeline:us-east-1:000000000000:p/prod/Approve'
    """
    if operation == "ListPipelines":
        return "*"
    if arn := request.get("resourceArn"):
        return str(arn)
    declared = request.get("pipeline")
    name = (
        request.get("pipelineName")
        or request.get("name")
        or (declared.get("name") if isinstance(declared, dict) else None)
    )
    parts = [name]
    if operation in _OF_STAGES:
        parts = [name, request.get("stageName")]
    if operation == "PutApprovalResult":
        parts = [name, request.get("stageName"), request.get("actionName")]
    # The request is authorized before it is checked.
    return store.arn(*map(str, parts)) if all(isinstance(part, str) for part in parts) else "*"


async def handle_request(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
) -> Answer:
    """Answer an HTTP request; MiniStack calls this and has authorized the action."""
    return await asyncio.to_thread(answer, _answer, headers.get("x-amz-target", "").rpartition(".")[2], body)


def _answer(operation: str, request: Record) -> Record:
    operations.API.check(operation, request)
    return HANDLERS[operation](request)
