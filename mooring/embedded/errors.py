"""Base of the errors of the services that the embedded AWS adds."""

from typing import Any


class ServiceError(Exception):
    """Refusal of a request, with the service's error code; ``details`` are further members of the answer."""

    def __init__(self, code: str, message: str, *, status: int = 400, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}
