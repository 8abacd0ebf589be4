"""Building blocks of the state machines' definitions: tasks retry transient errors and catch all others."""

from collections.abc import Callable, Iterator
from typing import Any

from pipelines.interface.names import Environment
from pipelines.interface.quotas import NO_QUOTA

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
    # Other jobs use all instances that the quota admits.
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


CAPACITY_RETRY_S = 600
"""Seconds until a job is started again that SageMaker accepted, but found no instance for."""
SAY_NO_QUOTA = "Say that there is no quota"


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
    title: str,
    kind: str,
    request: Callable[[str], dict[str, Any]],
    *,
    then: str,
    on_failure: str,
    timeout_s: int,
    keep: str,
) -> dict[str, State]:
    """Return the states of a SageMaker job, by title; ``kind`` is Processing or Training.

    ``request`` makes a job's request from what precedes the number of the attempt in the job's name. A Retry knows an
    error by its name alone, and the refusal for a quota of 0 has the same name as that for a quota in use. So the first
    task catches its error, a choice reads the cause, and a second task waits for instances: at once if the quota is in
    use, later if SageMaker itself had none. A quota of 0, and any other failure, ends the run.
    """
    why, wait, again = f"{title}: why not?", f"{title}: wait", f"{title}: again"
    task: State = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::sagemaker:create{kind}Job.sync",
        "ResultPath": f"$.{keep}",
        "TimeoutSeconds": timeout_s,
        "Next": then,
    }
    return {
        title: {**task, "Parameters": request(""), "Retry": [THROTTLED], "Catch": [catch(why)]},
        why: {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.failure.Cause", "IsPresent": False, "Next": on_failure},
                {"And": [_refused(), _failed("Cause", "* is 0 Instances*")], "Next": SAY_NO_QUOTA},
                {**_refused(), "Next": again},
                {
                    "And": [
                        _failed("Error", "States.TaskFailed"),
                        _failed("Cause", '*"FailureReason":"CapacityError: *'),
                    ],
                    "Next": wait,
                },
            ],
            "Default": on_failure,
        },
        wait: {"Type": "Wait", "Seconds": CAPACITY_RETRY_S, "Next": again},
        again: {
            **task,
            "Parameters": request("b"),
            "Retry": [NO_CAPACITY, THROTTLED],
            "Catch": [catch(on_failure)],
        },
    }


def _refused() -> State:
    return _failed("Error", "SageMaker.ResourceLimitExceeded*")


def _failed(what: str, pattern: str) -> State:
    return {"Variable": f"$.failure.{what}", "StringMatches": pattern}


def say_no_quota(then: str) -> State:
    """Return the state that names the refusal of a job whose quota is 0."""
    failure = {"Error": NO_QUOTA, "Cause.$": "$.failure.Cause"}
    return {"Type": "Pass", "Parameters": failure, "ResultPath": "$.failure", "Next": then}


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
