"""Approving a model package: the only place that changes a package's status."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from pipelines.clients import Services
from pipelines.contract import ledger as keys
from pipelines.contract.names import Model
from pipelines.moments import written
from pipelines.retraining.lease import read_settings

MAX_DESCRIPTION = 1024
"""SageMaker's limit for an ApprovalDescription, in characters."""


class UnknownPackageError(LookupError):
    """There is no such package in this environment."""


class OwnApprovalError(PermissionError):
    """The author asks for approval where the stage wants two people."""


def model_of(services: Services, package_arn: str) -> Model:
    """The model that a package of this environment belongs to; ``UnknownPackageError`` for any other ARN."""
    environment = services.environment
    prefix = environment.arn("sagemaker", f"model-package/{environment.id}-")
    matched = re.fullmatch(re.escape(prefix) + r"([a-z0-9-]+)/[0-9]+", package_arn)
    if not matched:
        raise UnknownPackageError(
            f"{package_arn!r} is no package of {environment.id}: those are {prefix}<model>/<version>"
        )
    return environment.model(matched.group(1))


def describe(services: Services, package_arn: str) -> dict[str, Any]:
    """The package's description; raises ``UnknownPackageError`` if there is none."""
    model_of(services, package_arn)
    try:
        return services.package(package_arn)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("ValidationException", "ResourceNotFound"):
            raise UnknownPackageError(f"there is no package {package_arn}: {error}") from error
        raise


def approve_package(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """Approve ``package_arn`` on behalf of ``by``; recorded in the package and in the ledger.

    Raises
    ------
    UnknownPackageError
        No such package here.
    OwnApprovalError
        ``by`` started the run that made the package, and the stage wants two people.
    """
    arn, by, comment = event["package_arn"], str(event["by"]), str(event.get("comment", ""))
    package = describe(services, arn)
    model = model_of(services, arn)
    settings = read_settings(services, model.name)
    run_id = package.get("CustomerMetadataProperties", {}).get("run", "")
    run = services.ledger.get(keys.model_pk(model.name), keys.run_sk(run_id)) or {}
    author = run.get("trigger", {}).get("by")
    if settings.two_people and by in (author, run.get("execution")):
        raise OwnApprovalError(f"{by} started the run {run_id} that made {arn}: another person must approve it")
    answer = {"package_arn": arn, "version": int(arn.rpartition("/")[2])}
    if package["ModelApprovalStatus"] == "Approved":
        return answer
    moment = written(datetime.now(UTC))
    services.client("sagemaker").update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription=f"approved by {by} at {moment}: {comment}"[:MAX_DESCRIPTION],
    )
    approval = {"approved_by": by, "approved_at": moment, "approval_comment": comment}
    services.ledger.update(keys.model_pk(model.name), keys.run_sk(run_id), approval)
    return answer
