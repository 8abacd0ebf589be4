"""Errors of AWS that a repetition mends: throttling, failures of the service itself, a stack that is being updated.

boto3 repeats a call for some seconds, a state machine the whole function for minutes. It knows the error by the
name of its class. A function that no state machine calls repeats its own work with ``persistently``.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from pipelines.aws.client import code_of

R = TypeVar("R")

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


FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 30.0


class TransientError(RuntimeError):
    """AWS did not do what was asked, and will probably do it in some minutes."""


def is_throttled(error: ClientError) -> bool:
    """Return whether the service asks to repeat the call later."""
    return code_of(error) in THROTTLING or _status_of(error) == 429


def transient(error: Exception) -> TransientError | None:
    """Return the error to raise instead of ``error`` if a repetition may mend it, else None."""
    if isinstance(error, TransientError):
        return error
    if isinstance(error, ClientError):
        again = is_throttled(error) or _status_of(error) >= 500 or _is_stack_busy(error)
    else:
        # A body that ends early raises no error of the connection.
        again = isinstance(error, HTTPClientError | ConnectionError | IncompleteReadError)
    return TransientError(f"{type(error).__name__}: {error}") if again else None


def persistently(
    act: Callable[[], R],
    *,
    for_s: float,
    sleep: Callable[[float], None] = time.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> R:
    """Call ``act`` again after each transient error, for at most ``for_s`` seconds; return its answer.

    The waits grow by a factor of two and have jitter. ``seconds`` is a monotonic clock.
    """
    end, wait_s = seconds() + for_s, FIRST_WAIT_S
    while True:
        try:
            return act()
        except Exception as error:
            if transient(error) is None or seconds() + wait_s > end:
                raise
            sleep(random.uniform(wait_s / 2, wait_s))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_stack_busy(error: ClientError) -> bool:
    """Return whether CloudFormation refuses an update during another one: it has no code for that."""
    return code_of(error) == "ValidationError" and "_IN_PROGRESS state" in str(error)
