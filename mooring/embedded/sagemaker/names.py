"""Which resource an operation is about: what IAM evaluates its action on."""

from typing import Any

from mooring.embedded.sagemaker import store

_KIND_OF = {prefix: kind for kind, prefix in store.KINDS.items()}


def resource(operation: str, request: dict[str, Any]) -> str:
    """The ARN that the operation's permission is evaluated on; ``*`` for listings.

    >>> resource("StopTrainingJob", {"TrainingJobName": "a"})
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


def also(operation: str, request: dict[str, Any]) -> list[tuple[str, str]]:
    """Further permissions that AWS evaluates: (action, resource)."""
    more = []
    if operation in ("CreateEndpoint", "UpdateEndpoint") and "EndpointConfigName" in request:
        config = store.arn("endpoint-config", request["EndpointConfigName"])
        more.append((f"sagemaker:{operation}", config))
    if operation.startswith("Create") and request.get("Tags"):
        more.append(("sagemaker:AddTags", resource(operation, request)))
    return more
