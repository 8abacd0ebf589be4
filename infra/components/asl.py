"""Building blocks of the state machines' definitions: tasks retry transient errors and catch all others."""

from collections.abc import Iterator
from typing import Any

from pipelines.interface.names import Environment

State = dict[str, Any]

EXECUTION = "$$.Execution.Id"
LAMBDA_TASK_TIMEOUT_S = 330
"""Seconds that a task waits for a function: a little more than the longest time-out of those in a flow."""

TRANSIENT = {
    "ErrorEquals": [
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "IntervalSeconds": 1,
    "MaxAttempts": 6,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}
LATER: State = {
    # A service throttled the function or failed itself, or somebody deploys the stack: at most half an hour in all.
    "ErrorEquals": ["TransientError"],
    "IntervalSeconds": 3,
    "MaxAttempts": 20,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 120,
    "JitterStrategy": "FULL",
}
DIED = {
    # The function timed out or ran out of memory: it is called once more, and then the task fails.
    "ErrorEquals": ["Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"],
    "IntervalSeconds": 2,
    "MaxAttempts": 1,
    "BackoffRate": 1.0,
    "JitterStrategy": "FULL",
}
NO_CAPACITY: State = {
    "ErrorEquals": ["SageMaker.ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"],
    "IntervalSeconds": 60,
    "MaxAttempts": 8,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 900,
    "JitterStrategy": "FULL",
}
THROTTLED = {
    "ErrorEquals": [
        "SageMaker.AmazonSageMakerException",
        "SageMaker.ThrottlingException",
        "SageMaker.SdkClientException",
    ],
    "IntervalSeconds": 2,
    "MaxAttempts": 4,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}


def states_of(definition: State) -> Iterator[State]:
    """Yield all states of a definition, including those inside maps."""
    for state in definition["States"].values():
        yield state
        if state["Type"] == "Map":
            yield from states_of(state["ItemProcessor"])


def catch(target: str, *errors: str) -> State:
    return {"ErrorEquals": list(errors) or ["States.ALL"], "ResultPath": "$.failure", "Next": target}


def call(
    environment: Environment,
    function: str,
    payload: dict[str, Any],
    *,
    then: str | None,
    catches: list[State],
    keep: str | None = None,
) -> State:
    """Return a task that calls a function and keeps its answer at ``keep``; ``catches`` match its named errors."""
    return {
        "Type": "Task",
        "Resource": environment.function_arn(function),
        "Parameters": payload,
        "ResultPath": f"$.{keep}" if keep else None,
        "TimeoutSeconds": LAMBDA_TASK_TIMEOUT_S,
        "Retry": [TRANSIENT, LATER, DIED],
        "Catch": catches,
        **({"Next": then} if then else {"End": True}),
    }


def run_job(
    kind: str, request: dict[str, Any], *, then: str, on_failure: str, timeout_s: int, keep: str | None = None
) -> State:
    """Return a task that runs a SageMaker job and waits for its end; ``kind`` is Processing or Training."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::sagemaker:create{kind}Job.sync",
        "Parameters": request,
        "ResultPath": f"$.{keep}" if keep else None,
        "TimeoutSeconds": timeout_s,
        "Retry": [NO_CAPACITY, THROTTLED],
        "Catch": [catch(on_failure)],
        "Next": then,
    }


def choose(variable: str, branches: dict[str | bool, str], *, otherwise: str) -> State:
    """Return a choice that compares ``variable`` with strings or truth values."""
    choices = [
        {"Variable": variable, "BooleanEquals" if isinstance(value, bool) else "StringEquals": value, "Next": target}
        for value, target in branches.items()
    ]
    return {"Type": "Choice", "Choices": choices, "Default": otherwise}


def fail() -> State:
    """Return a state that ends the execution as failed, with the error caught last."""
    return {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"}
