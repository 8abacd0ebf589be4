"""A job that is refused, or finds no instance, is told apart from one that failed, in the definition itself."""

import json
import re
from typing import Any

import pytest

from infra.components import asl
from infra.components.retraining_flow import retraining_flow
from pipelines.interface.names import Environment

FLOW = retraining_flow(Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1"))["States"]
JOBS = ("Validate data", "Train candidate", "Evaluate candidate")
LIMIT = (
    "The account-level service limit '{name}' is {limit} Instances, with current utilization of {used} Instances and a "
    "request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota. (Service: "
    "AmazonSageMaker; Status Code: 400; Error Code: ResourceLimitExceeded)"
)
TRAINING = "ml.m5.large for training job usage"


def holds(rule: dict[str, Any], failure: dict[str, str]) -> bool:
    if "And" in rule:
        return all(holds(inner, failure) for inner in rule["And"])
    value = failure.get(rule["Variable"].removeprefix("$.failure."))
    if "IsPresent" in rule:
        return bool((value is not None) == rule["IsPresent"])
    assert value is not None, "Step Functions ends an execution whose choice reads an absent field"
    return re.fullmatch(re.escape(rule["StringMatches"]).replace(r"\*", ".*"), value, re.DOTALL) is not None


def next_after(job: str, failure: dict[str, str]) -> Any:
    """Return the state to which the definition goes when a job's first task ends with ``failure``."""
    (caught,) = FLOW[job]["Catch"]
    assert caught["ErrorEquals"] == ["States.ALL"]
    choice = FLOW[caught["Next"]]
    return next((rule["Next"] for rule in choice["Choices"] if holds(rule, failure)), choice["Default"])


def job_failed(reason: str) -> dict[str, str]:
    described = {"TrainingJobName": "m-train-x-0", "TrainingJobStatus": "Failed", "FailureReason": reason}
    return {"Error": "States.TaskFailed", "Cause": json.dumps(described, separators=(",", ":"))}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("error", ["SageMaker.ResourceLimitExceededException", "SageMaker.ResourceLimitExceeded"])
def test_quota_of_0_ends_the_run_and_a_quota_in_use_is_waited_for(job: str, error: str) -> None:
    none = {"Error": error, "Cause": LIMIT.format(name=TRAINING, limit=0, used=0)}
    assert next_after(job, none) == asl.SAY_NO_QUOTA
    for limit in (1, 10):
        in_use = {"Error": error, "Cause": LIMIT.format(name=TRAINING, limit=limit, used=limit)}
        assert next_after(job, in_use) == f"{job}: again"
    assert asl.NO_CAPACITY in FLOW[f"{job}: again"]["Retry"]
    assert FLOW[asl.SAY_NO_QUOTA]["Next"] == "Record failure"


@pytest.mark.parametrize("job", JOBS)
def test_accepted_job_without_an_instance_is_repeated_once_after_a_wait(job: str) -> None:
    reason = "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different type."
    assert next_after(job, job_failed(reason)) == f"{job}: wait"
    assert FLOW[f"{job}: wait"] == {"Type": "Wait", "Seconds": asl.CAPACITY_RETRY_S, "Next": f"{job}: again"}
    again = FLOW[f"{job}: again"]
    assert [caught["Next"] for caught in again["Catch"]] == ["Record failure"]
    assert again["Next"] == FLOW[job]["Next"]


@pytest.mark.parametrize(
    "failure",
    [
        job_failed("AlgorithmError: ValueError, exit code: 1"),
        job_failed('AlgorithmError: "FailureReason":"CapacityError: says the program'),
        job_failed("InternalServerError: We encountered an internal error. Please try again."),
        {"Error": "SageMaker.AmazonSageMakerException", "Cause": "not authorized; the disk is 0 Instances large"},
        {"Error": "States.Timeout"},
        {"Error": "States.Timeout", "Cause": ""},
    ],
    ids=str,
)
@pytest.mark.parametrize("job", JOBS)
def test_any_other_failure_ends_the_run(job: str, failure: dict[str, str]) -> None:
    assert next_after(job, failure) == "Record failure"


@pytest.mark.parametrize("job", JOBS)
def test_both_tasks_make_the_same_request_under_names_of_their_own(job: str) -> None:
    first, second = (dict(FLOW[title]["Parameters"]) for title in (job, f"{job}: again"))
    (named,) = {key for key in first if key.endswith("JobName.$")}
    assert first.pop(named).replace("-{}'", "-b{}'") == second.pop(named)
    assert first == second
