"""Errors of CodeBuild's API."""

from mooring.embedded.errors import ServiceError


class CodeBuildError(ServiceError):
    """Refusal of a request by CodeBuild."""


def invalid(message: str) -> CodeBuildError:
    """Return the error for a request that breaks a rule of CodeBuild."""
    return CodeBuildError("InvalidInputException", message)


def unsupported(what: str) -> CodeBuildError:
    """Return the error for an operation or a value that AWS supports and the embedded AWS does not."""
    return invalid(
        f"{what} is not supported by the embedded AWS"
        " (docs/reference/embedded-aws.md says what CodeBuild supports there)"
    )


def missing(message: str) -> CodeBuildError:
    """Return the error for a project or build that does not exist."""
    return CodeBuildError("ResourceNotFoundException", message)


def too_many(message: str) -> CodeBuildError:
    """Return the error for a project or build beyond a limit of the account or project."""
    return CodeBuildError("AccountLimitExceededException", message)
