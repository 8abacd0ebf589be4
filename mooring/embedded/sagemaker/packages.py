"""Model registry: package groups, their versions, approval and its events."""

import json

from ministack.core.responses import get_account_id

from mooring.embedded.sagemaker import events, models, store
from mooring.embedded.sagemaker.errors import in_use, invalid, missing, unsupported
from mooring.embedded.sagemaker.store import Record

_KEPT = [
    "ModelPackageDescription",
    "InferenceSpecification",
    "MetadataProperties",
    "ModelMetrics",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "SourceUri",
    "ModelCard",
    "SkipModelValidation",
]


def create_group(request: Record) -> Record:
    """Handle CreateModelPackageGroup."""
    record = {"ModelPackageGroupStatus": "Completed"}
    if "ModelPackageGroupDescription" in request:
        record["ModelPackageGroupDescription"] = request["ModelPackageGroupDescription"]
    stored = store.add("model-package-group", request["ModelPackageGroupName"], record, request.get("Tags", []))
    return {"ModelPackageGroupArn": stored["ModelPackageGroupArn"]}


def describe_group(request: Record) -> Record:
    """Handle DescribeModelPackageGroup."""
    return _group(request["ModelPackageGroupName"])


def delete_group(request: Record) -> Record:
    """Handle DeleteModelPackageGroup."""
    group = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    if left := _versions(group):
        raise in_use(f"The model package group {group} still has {len(left)} model packages; delete them first")
    store.remove("model-package-group", group)
    store.region().policies.pop(group, None)
    return {}


def list_groups(request: Record) -> Record:
    """Handle ListModelPackageGroups."""
    fields = "ModelPackageGroupDescription ModelPackageGroupStatus"
    found, token = store.page(store.listing("model-package-group", request, fields=fields), request)
    return {"ModelPackageGroupSummaryList": found, **token}


def put_policy(request: Record) -> Record:
    """Handle PutModelPackageGroupPolicy: store the policy, which is not evaluated."""
    group = _group(request["ModelPackageGroupName"])
    try:
        json.loads(request["ResourcePolicy"])
    except ValueError as error:
        raise invalid(f"ResourcePolicy is not JSON: {error}") from None
    store.region().policies[group["ModelPackageGroupName"]] = request["ResourcePolicy"]
    return {"ModelPackageGroupArn": group["ModelPackageGroupArn"]}


def get_policy(request: Record) -> Record:
    """Handle GetModelPackageGroupPolicy."""
    group = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    if group not in store.region().policies:
        raise missing(f"a resource policy of the model package group {group}")
    return {"ResourcePolicy": store.region().policies[group]}


def delete_policy(request: Record) -> Record:
    """Handle DeleteModelPackageGroupPolicy."""
    group = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    store.region().policies.pop(group, None)
    return {}


def create_package(request: Record) -> Record:
    """Handle CreateModelPackage; a repeated ClientToken returns the package that the first request created."""
    if "ModelPackageGroupName" not in request:
        raise unsupported("CreateModelPackage without ModelPackageGroupName (unversioned packages)")
    state = store.region()
    group = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    with state.lock:
        token = request.get("ClientToken")
        if token in state.client_tokens:
            return {"ModelPackageArn": state.client_tokens[str(token)]}
        version = state.versions.get(group, 0) + 1
        state.versions[group] = version
        record = {name: request[name] for name in _KEPT if name in request}
        record |= {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
            "CertifyForMarketplace": False,
            "LastModifiedTime": store.now(),
            "CreatedBy": {},
        }
        stored = store.add("model-package", f"{group}/{version}", record, request.get("Tags", []))
        if token:
            state.client_tokens[token] = stored["ModelPackageArn"]
    _publish_state(stored)
    return {"ModelPackageArn": stored["ModelPackageArn"]}


def describe_package(request: Record) -> Record:
    """Handle DescribeModelPackage."""
    package = models.find_package(request["ModelPackageName"])
    # A versioned package has no name of its own; it is identified by its ARN.
    return {name: value for name, value in package.items() if name != "ModelPackageName"}


def update_package(request: Record) -> Record:
    """Handle UpdateModelPackage: change the approval and the customer's metadata."""
    package = models.find_package(request["ModelPackageArn"])
    kept: Record = {name: request[name] for name in ("ModelApprovalStatus", "ApprovalDescription") if name in request}
    metadata = package.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
    for name in request.get("CustomerMetadataPropertiesToRemove", []):
        metadata.pop(name, None)
    package |= {**kept, "CustomerMetadataProperties": metadata, "LastModifiedTime": store.now()}
    _publish_state(package)
    return {"ModelPackageArn": package["ModelPackageArn"]}


def delete_package(request: Record) -> Record:
    """Handle DeleteModelPackage."""
    package = models.find_package(request["ModelPackageName"])
    store.remove("model-package", f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}")
    return {}


def list_packages(request: Record) -> Record:
    """Handle ListModelPackages; the default order is ascending by creation time."""
    fields = "ModelPackageGroupName ModelPackageVersion ModelPackageDescription ModelPackageStatus ModelApprovalStatus"
    found = store.listing("model-package", request, fields=fields)
    if group := request.get("ModelPackageGroupName"):
        group = _group(group)["ModelPackageGroupName"]
        found = [package for package in found if package["ModelPackageGroupName"] == group]
    if approval := request.get("ModelApprovalStatus"):
        found = [package for package in found if package["ModelApprovalStatus"] == approval]
    found = [{name: value for name, value in item.items() if name != "ModelPackageName"} for item in found]
    found, token = store.page(found, request)
    return {"ModelPackageSummaryList": found, **token}


def _group(name_or_arn: str) -> Record:
    return store.get("model-package-group", name_or_arn.rpartition(":model-package-group/")[2])


def _versions(group: str) -> list[Record]:
    packages = store.region().records["model-package"].values()
    return [package for package in packages if package["ModelPackageGroupName"] == group]


def _publish_state(package: Record) -> None:
    names = [
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "ModelPackageDescription",
        "CreationTime",
        "InferenceSpecification",
        "ModelPackageStatus",
        "ModelPackageStatusDetails",
        "CertifyForMarketplace",
        "ModelApprovalStatus",
        "ApprovalDescription",
        "CustomerMetadataProperties",
        "LastModifiedTime",
    ]
    detail = {name: package[name] for name in names if name in package}
    detail |= {
        "ModelPackageName": f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}",
        "Tags": store.region().tags.get(package["ModelPackageArn"], {}),
        "CreatedBy": {"AccountId": get_account_id()},
    }
    events.emit("SageMaker Model Package State Change", package["ModelPackageArn"], detail)
