"""Dispatch SageMaker's operations, for HTTP requests and for calls from inside the server."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mooring.embedded import identity
from mooring.embedded.answers import answer
from mooring.embedded.sagemaker import (
    endpoints,
    models,
    names,
    operations,
    packages,
    processing,
    runtime,
    tags,
    training,
)
from mooring.embedded.sagemaker.errors import SageMakerError, unsupported
from mooring.embedded.sagemaker.store import Record

HANDLERS: dict[str, Callable[[Record], Record]] = {
    "CreateTrainingJob": training.create,
    "DescribeTrainingJob": training.describe,
    "StopTrainingJob": training.stop,
    "ListTrainingJobs": training.list_jobs,
    "CreateProcessingJob": processing.create,
    "DescribeProcessingJob": processing.describe,
    "StopProcessingJob": processing.stop,
    "ListProcessingJobs": processing.list_jobs,
    "CreateModel": models.create_model,
    "DescribeModel": models.describe_model,
    "DeleteModel": models.delete_model,
    "ListModels": models.list_models,
    "CreateEndpointConfig": models.create_config,
    "DescribeEndpointConfig": models.describe_config,
    "DeleteEndpointConfig": models.delete_config,
    "ListEndpointConfigs": models.list_configs,
    "CreateEndpoint": endpoints.create,
    "UpdateEndpoint": endpoints.update,
    "DescribeEndpoint": endpoints.describe,
    "DeleteEndpoint": endpoints.delete,
    "ListEndpoints": endpoints.list_endpoints,
    "CreateModelPackageGroup": packages.create_group,
    "DescribeModelPackageGroup": packages.describe_group,
    "DeleteModelPackageGroup": packages.delete_group,
    "ListModelPackageGroups": packages.list_groups,
    "PutModelPackageGroupPolicy": packages.put_policy,
    "GetModelPackageGroupPolicy": packages.get_policy,
    "DeleteModelPackageGroupPolicy": packages.delete_policy,
    "CreateModelPackage": packages.create_package,
    "DescribeModelPackage": packages.describe_package,
    "UpdateModelPackage": packages.update_package,
    "DeleteModelPackage": packages.delete_package,
    "ListModelPackages": packages.list_packages,
    "AddTags": tags.add,
    "ListTags": tags.list_tags,
    "DeleteTags": tags.remove,
}

# Invocations block until a model answers, so they have threads of their own, apart from the event loop and from the
# control plane.
_invocations = ThreadPoolExecutor(64, thread_name_prefix="invoke")


def call(operation: str, request: Record) -> Record:
    """Carry out one operation for the acting principal and return its answer.

    MiniStack has authorized the action of an HTTP request already; the action of a role that acts inside the server
    is authorized here.

    Raises
    ------
    SageMakerError
        The request is refused: it is not valid, not supported, not authorized, or not possible now.
    """
    operations.API.check(operation, request)
    try:
        if identity.acting_role():
            context = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in request.get("Tags", [])}
            context |= names.conditions(operation, request)
            keys = {"aws:TagKeys": [tag["Key"] for tag in request["Tags"]]} if request.get("Tags") else {}
            identity.authorize(f"sagemaker:{operation}", names.resource_arn(operation, request), context=context | keys)
        for action, resource in names.more_permissions(operation, request):
            identity.authorize(action, resource)
    except identity.AccessDeniedError as error:
        raise SageMakerError("AccessDeniedException", str(error)) from error
    return HANDLERS[operation](request)


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
) -> tuple[int, dict[str, str], bytes]:
    """Answer an HTTP request to SageMaker or to its runtime; MiniStack calls this."""
    run = contextvars.copy_context().run
    loop = asyncio.get_running_loop()
    target = headers.get("x-amz-target", "")
    if not target:
        name = runtime.endpoint_name(path)
        if method != "POST" or name is None:
            return runtime.refusal(unsupported(f"{method} {path}"))
        return await loop.run_in_executor(_invocations, run, runtime.invoke, name, headers, body)
    return await asyncio.to_thread(answer, call, target.rpartition(".")[2], body)
