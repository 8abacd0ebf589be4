"""Approves model packages; no other code changes a package's status."""

from datetime import UTC, datetime

from pipelines.aws.clients import Services
from pipelines.aws.packages import APPROVED, model_of, read_package
from pipelines.interface import keys, log
from pipelines.interface.records import RunApproval
from pipelines.interface.requests import ApproveRequest, PackageVersion
from pipelines.interface.times import format_time

MAX_DESCRIPTION = 1024
"""SageMaker's limit for an ApprovalDescription, in characters."""


class OwnApprovalError(PermissionError):
    """The author approves the package in a stage that requires two people."""


def approve_package(request: ApproveRequest, services: Services) -> PackageVersion:
    """Approve a package on behalf of ``by``; record it in the package and with the run that made it.

    Raises
    ------
    UnknownPackageError
        There is no such package in this environment.
    OwnApprovalError
        ``by`` started the run that made the package, and the stage requires two people.
    """
    package, model = read_package(services, request.package_arn), model_of(services, request.package_arn)
    run_id = package.metadata.run
    key = keys.run(model.name, run_id)
    run = services.ledger.get(key)
    if run and services.settings(model.name).two_people and request.by in (run.trigger.by, run.execution):
        raise OwnApprovalError(
            f"{request.by} started the run {run_id} that made {package.arn}: another person must approve it"
        )
    answer = PackageVersion(package_arn=package.arn, version=package.version)
    moment = format_time(datetime.now(UTC))
    if package.status != APPROVED:
        services.client("sagemaker").update_model_package(
            ModelPackageArn=package.arn,
            ModelApprovalStatus=APPROVED,
            ApprovalDescription=f"approved by {request.by} at {moment}: {request.comment}"[:MAX_DESCRIPTION],
        )
    elif run is None or run.approved_by:
        return answer
    if run:
        approval = RunApproval(approved_by=request.by, approved_at=moment, approval_comment=request.comment)
        services.ledger.update(key, approval)
    with log.bound(model=model.name, run=run_id):
        log.info("package approved", package=package.arn, by=request.by)
    return answer
