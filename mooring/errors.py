"""The error that the command line shows: what was wrong, and what to do about it."""


class MooringError(Exception):
    """Error with a remedy. ``message`` names what was wrong and the value, ``remedy`` what to do next."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
