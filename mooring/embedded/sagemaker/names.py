"""Resource ARNs on which IAM evaluates the action of each operation."""

from typing import Any

from mooring.embedded.sagemaker import store

_KIND_OF = {prefix: kind for kind, prefix in store.KINDS.items()}


def resource_arn(operation: str, request: dict[str, Any]) -> str:
    """Return the ARN on which IAM evaluates the operation; ``*`` for listings.

    >>> resource_arn("StopTrainingJob", {"TrainingJobName": "a"})
    'arn:aws:sagemaker:us-east-1:000000000000:training-job/a'
    """
    if operation in ("AddTags", "ListTags", "DeleteTags"):
        return str(request.get("ResourceArn", "*"))
    if operation == "ListModelPackages" and "ModelPackageGroupName" in request:
        return store.arn("model-package", f"{str(request['ModelPackageGroupName']).rpartition('/')[2]}/*")
    if operation.startswith("List"):
        return "*"
    if operation == "CreateModelPackage":
        group = str(request.get("ModelPackageGroupName", "")).rpartition("/")[2]
        return store.arn("model-package", f"{group}/{store.region().versions.get(group, 0) + 1}")
    noun = operation
    for verb in ("Create", "Describe", "Delete", "Update", "Stop", "Put", "Get"):
        noun = noun.removeprefix(verb)
    noun = noun.removesuffix("Policy")
    if noun not in _KIND_OF:
        return "*"
    name = str(request.get(f"{noun}Name") or request.get(f"{noun}Arn") or "*")
    return name if name.startswith("arn:") else store.arn(_KIND_OF[noun], name)


def conditions(operation: str, request: dict[str, Any]) -> dict[str, str]:
    """Return SageMaker's own condition keys of a request, as the strings that IAM compares.

    >>> conditions("CreateModel", {"EnableNetworkIsolation": True})
    {'sagemaker:NetworkIsolation': 'true'}
    """
    if operation not in ("CreateTrainingJob", "CreateProcessingJob", "CreateModel"):
        return {}
    given = request.get("NetworkConfig") or {} if operation == "CreateProcessingJob" else request
    return {"sagemaker:NetworkIsolation": str(given.get("EnableNetworkIsolation", False)).lower()}


def more_permissions(operation: str, request: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the further permissions that AWS evaluates for the operation, as (action, resource)."""
    more = []
    if operation in ("CreateEndpoint", "UpdateEndpoint") and "EndpointConfigName" in request:
        config = store.arn("endpoint-config", request["EndpointConfigName"])
        more.append((f"sagemaker:{operation}", config))
    if operation.startswith("Create") and request.get("Tags"):
        more.append(("sagemaker:AddTags", resource_arn(operation, request)))
    return more
