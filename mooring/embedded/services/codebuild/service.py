"""Dispatch CodeBuild's operations, for HTTP requests and for calls from inside the server."""

import asyncio
from collections.abc import Callable
from typing import Any

from mooring.embedded import identity
from mooring.embedded.answers import Answer, answer
from mooring.embedded.services.codebuild import builds, operations, projects, store
from mooring.embedded.services.codebuild.errors import CodeBuildError
from mooring.embedded.services.codebuild.store import Record

HANDLERS: dict[str, Callable[[Record], Record]] = {
    "CreateProject": projects.create,
    "UpdateProject": projects.update,
    "DeleteProject": projects.delete,
    "BatchGetProjects": projects.batch_get,
    "ListProjects": projects.list_names,
    "StartBuild": builds.start,
    "StopBuild": builds.stop,
    "RetryBuild": builds.retry,
    "BatchGetBuilds": builds.batch_get,
    "ListBuilds": builds.list_ids,
    "ListBuildsForProject": builds.list_ids,
}


def call(operation: str, request: Record, *, initiator: str = "") -> Record:
    """Carry out one operation for the acting principal and return its answer, in the current account and region.

    ``initiator`` is given by a pipeline that starts a build, as ``codepipeline/NAME``: then sources and artifacts may
    have the type CODEPIPELINE, and ``plans.plan`` says how their locations are given.

    Raises
    ------
    CodeBuildError
        The request is refused: it is not valid, not supported, not authorized, or not possible now.
    """
    operations.API.check(operation, request)
    tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
    context: Record = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    if tags:
        context["aws:TagKeys"] = list(tags)
    _authorize(operation, resources(operation, request), context)
    if initiator and operation == "StartBuild":
        return builds.start(request, initiator=initiator)
    return HANDLERS[operation](request)


def resources(operation: str, request: Record) -> list[str]:
    """Return the ARNs on which IAM evaluates the operation: projects, also for builds, as on AWS.

    >>> resources("StopBuild", {"id": "site:6c0e"})
    ['arn:aws:codebuild:us-east-1:000000000000:project/site']
    """
    if operation in ("ListProjects", "ListBuilds"):
        return ["*"]
    # The request is authorized before it is checked.
    lists = [request.get(name) for name in ("names", "ids")]
    found = [item for items in lists if isinstance(items, list) for item in items]
    found += [request[name] for name in ("name", "projectName", "id") if name in request]
    projects_named = dict.fromkeys(store.name_of(str(name)).partition(":")[0] for name in found)
    return [store.arn("project", name) for name in projects_named] or ["*"]


def _authorize(operation: str, arns: list[str], context: Record) -> None:
    try:
        for arn in arns:
            identity.authorize(f"codebuild:{operation}", arn, context=context)
    except identity.AccessDeniedError as error:
        raise CodeBuildError("AccessDeniedException", str(error)) from error


async def handle_request(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
) -> Answer:
    """Answer an HTTP request; MiniStack calls this and has authorized the action on the first resource."""
    return await asyncio.to_thread(answer, _answer, headers.get("x-amz-target", "").rpartition(".")[2], body)


def _answer(operation: str, request: Record) -> Record:
    operations.API.check(operation, request)
    _authorize(operation, resources(operation, request)[1:], {})
    return HANDLERS[operation](request)
