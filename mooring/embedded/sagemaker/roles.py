"""Execution roles that SageMaker assumes for jobs and endpoints."""

from mooring.embedded import identity
from mooring.embedded.sagemaker.errors import SageMakerError
from mooring.embedded.sessions import RoleSession

SERVICE = "sagemaker.amazonaws.com"


def assume(role_arn: str) -> RoleSession:
    """Return a session of the role for a job or an endpoint."""
    return RoleSession(role_arn, "SageMaker", service=SERVICE)


def check_role(role_arn: str) -> None:
    """Check that the caller may pass the role to SageMaker and that SageMaker may assume it.

    Raises
    ------
    SageMakerError
        One of the two is not allowed; the message has IAM's reason.
    """
    try:
        identity.check_pass_role(role_arn, SERVICE)
    except identity.AccessDeniedError as error:
        raise SageMakerError("AccessDeniedException", str(error)) from error
    try:
        identity.require_trust(role_arn, SERVICE)
    except identity.AccessDeniedError as error:
        raise SageMakerError(
            "ValidationException",
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal"
            f" '{SERVICE}' to assume the role. ({error})",
        ) from error
