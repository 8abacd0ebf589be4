"""Approving a model package: the only place that changes a package's status."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.aws.clients import Services, read_settings
from pipelines.aws.packages import describe, model_of
from pipelines.interface import keys
from pipelines.interface.times import written

MAX_DESCRIPTION = 1024
"""SageMaker's limit for an ApprovalDescription, in characters."""


class OwnApprovalError(PermissionError):
    """The author asks for approval where the stage wants two people."""


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
