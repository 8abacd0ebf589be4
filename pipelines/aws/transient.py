"""Errors of AWS that a repetition mends: throttling, failures of the service itself, a stack that is being updated.

boto3 repeats a call for some seconds, a state machine the whole function for minutes. It knows the error by the
name of its class.
"""

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from pipelines.aws.client import code_of

THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "OperationInProgressException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TooManyUpdates",
        "TransactionInProgressException",
    }
)
"""The services' codes for "later"; SSM's ``TooManyUpdates`` is for one parameter."""


class TransientError(RuntimeError):
    """AWS did not do what was asked, and will probably do it in some minutes."""


def is_throttled(error: ClientError) -> bool:
    """Return whether the service asks to repeat the call later."""
    return code_of(error) in THROTTLING or _status_of(error) == 429


def transient(error: Exception) -> TransientError | None:
    """Return the error to raise instead of ``error`` if a repetition may mend it, else None."""
    if isinstance(error, ClientError):
        again = is_throttled(error) or _status_of(error) >= 500 or _is_stack_busy(error)
    else:
        again = isinstance(error, HTTPClientError | ConnectionError)
    return TransientError(f"{type(error).__name__}: {error}") if again else None


def _status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_stack_busy(error: ClientError) -> bool:
    """Return whether CloudFormation refuses an update during another one: it has no code for that."""
    return code_of(error) == "ValidationError" and "_IN_PROGRESS state" in str(error)
