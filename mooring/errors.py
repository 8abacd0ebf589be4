"""The one error that the operator's tool shows: what was wrong, and what to do about it."""


class MooringError(Exception):
    """``message`` says what was wrong and with which value; ``remedy`` what to do next."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
