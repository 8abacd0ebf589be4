"""Errors of SageMaker's API."""

from mooring.embedded.errors import ServiceError


class SageMakerError(ServiceError):
    """Refusal of a request by SageMaker."""


def invalid(message: str) -> SageMakerError:
    """Return the error for a request that breaks a rule of SageMaker."""
    return SageMakerError("ValidationException", message)


def unsupported(what: str) -> SageMakerError:
    """Return the error for an operation or a value that AWS may support and the embedded AWS does not."""
    return SageMakerError(
        "ValidationException",
        f"{what} is not supported by the embedded AWS"
        " (docs/reference/embedded-sagemaker.md lists the supported operations and values)",
    )


def missing(what: str) -> SageMakerError:
    """Return the error for a resource that does not exist: ValidationException, as for most types on SageMaker."""
    return SageMakerError("ValidationException", f"Could not find {what}.")


def in_use(message: str) -> SageMakerError:
    """Return the error for a name that is taken, or for a resource that is in use or being changed."""
    return SageMakerError("ResourceInUse", message)
