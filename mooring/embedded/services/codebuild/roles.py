"""Service roles under which builds run."""

from mooring.embedded import identity
from mooring.embedded.services.codebuild.errors import CodeBuildError, invalid
from mooring.embedded.sessions import RoleSession

SERVICE = "codebuild.amazonaws.com"


def assume(role_arn: str, build_id: str, project_arn: str) -> RoleSession:
    """Return a session of the role for a build.

    Raises
    ------
    AccessDeniedError
        The role does not exist, or does not trust CodeBuild for this project.
    """
    name = f"AWSCodeBuild-{build_id.rpartition(':')[2]}"
    return RoleSession(role_arn, name, service=SERVICE, source_arn=project_arn)


def check(role_arn: str, project_arn: str) -> None:
    """Check that the caller may pass the role to CodeBuild and that CodeBuild may assume it for the project.

    Raises
    ------
    CodeBuildError
        One of the two is not allowed; the message has IAM's reason.
    """
    try:
        identity.check_pass_role(role_arn, SERVICE)
    except identity.AccessDeniedError as error:
        raise CodeBuildError("AccessDeniedException", str(error)) from error
    try:
        identity.require_trust(role_arn, SERVICE, source_arn=project_arn)
    except identity.AccessDeniedError as error:
        raise invalid(f"CodeBuild is not authorized to perform: sts:AssumeRole on {role_arn} ({error})") from error
