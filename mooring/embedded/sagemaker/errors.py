"""What SageMaker answers when it refuses."""

from typing import Any


class SageMakerError(Exception):
    """A refusal with SageMaker's own error code; ``details`` are further members of the answer."""

    def __init__(self, code: str, message: str, *, status: int = 400, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}


def invalid(message: str) -> SageMakerError:
    """The request breaks a rule of SageMaker."""
    return SageMakerError("ValidationException", message)


def unsupported(what: str) -> SageMakerError:
    """AWS may support it, the embedded AWS does not."""
    return SageMakerError(
        "ValidationException",
        f"{what} is not supported by the embedded AWS (docs/reference/embedded-sagemaker.md lists what is)",
    )


def missing(what: str) -> SageMakerError:
    """SageMaker answers ValidationException for most resources that do not exist."""
    return SageMakerError("ValidationException", f"Could not find {what}.")


def in_use(message: str) -> SageMakerError:
    """The name is taken, or was taken once."""
    return SageMakerError("ResourceInUse", message)
