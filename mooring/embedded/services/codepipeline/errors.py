"""Errors of CodePipeline's API."""

from mooring.embedded.errors import ServiceError


class CodePipelineError(ServiceError):
    """Refusal of a request by CodePipeline."""


def invalid(message: str) -> CodePipelineError:
    return CodePipelineError("ValidationException", message)


def unsupported(what: str) -> CodePipelineError:
    """Return the error for an operation or a value that AWS supports and the embedded AWS does not."""
    return invalid(
        f"{what} is not supported by the embedded AWS"
        " (docs/reference/embedded-aws.md says what CodePipeline supports there)"
    )


def missing(what: str) -> CodePipelineError:
    """Return the error for a ``Pipeline``, ``Stage``, ``Action`` or ``PipelineExecution`` that does not exist."""
    return CodePipelineError(f"{what}NotFoundException", f"The {what} does not exist")
