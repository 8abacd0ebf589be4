"""Service Quotas of the embedded AWS, and a SageMaker that refuses what is beyond them and may lack instances."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from infra.components import asl
from pipelines.aws.causes import reason_of
from pipelines.interface.quotas import CODES, NO_QUOTA
from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.functions import finish
from tests.support.sagemaker_world import World, constant_model, world

__all__ = ["world"]

TRAINING = "ml.m5.large for training job usage"
REFUSAL = (
    f"The account-level service limit '{TRAINING}' is {{limit}} Instances, with current utilization of {{used}} "
    "Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota."
)


def set_quota(aws: EmbeddedAws, name: str, value: float) -> None:
    client = aws.client("service-quotas")
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    code = next(quota["QuotaCode"] for page in pages for quota in page["Quotas"] if quota["QuotaName"] == name)
    client.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=value)


@pytest.fixture
def training_quota(embedded_aws: EmbeddedAws) -> Iterator[Any]:
    """Yield a function that sets the quota for training; restore the quota after the test."""
    code = CODES[TRAINING]
    before = embedded_aws.client("service-quotas").get_service_quota(ServiceCode="sagemaker", QuotaCode=code)["Quota"]
    yield lambda value: set_quota(embedded_aws, TRAINING, value)
    set_quota(embedded_aws, TRAINING, before["Value"])


def test_quotas_are_listed_in_pages_and_read_one_by_one(embedded_aws: EmbeddedAws) -> None:
    client = embedded_aws.client("service-quotas")
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    found = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    assert {name: found[name]["QuotaCode"] for name in CODES} == CODES
    assert len({quota["QuotaCode"] for quota in found.values()}) == len(found) > 600
    assert client.get_service_quota(ServiceCode="sagemaker", QuotaCode=CODES[TRAINING])["Quota"] == found[TRAINING]
    with pytest.raises(ClientError, match=r"NoSuchResourceException.* has no quota L-0 of sagemaker"):
        client.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-0")
    with pytest.raises(ClientError, match="does not support ListServices"):
        client.list_services()


def test_only_who_may_reads_and_raises_quotas(embedded_aws: EmbeddedAws) -> None:
    read = {"Effect": "Allow", "Action": ["servicequotas:GetServiceQuota"], "Resource": "*"}
    role = embedded_aws.create_role(f"reader-{uuid4().hex[:8]}", [read])
    client, quota = embedded_aws.client("service-quotas", role=role), {"QuotaCode": CODES[TRAINING]}
    assert client.get_service_quota(ServiceCode="sagemaker", **quota)["Quota"]["QuotaName"] == TRAINING
    with pytest.raises(ClientError, match="servicequotas:RequestServiceQuotaIncrease"):
        client.request_service_quota_increase(ServiceCode="sagemaker", DesiredValue=3.0, **quota)


def test_jobs_beyond_the_quota_are_refused_in_sagemakers_words(world: World, training_quota: Any) -> None:
    training_quota(0)
    request = world.training_request("beyond-0", "pass")
    with pytest.raises(ClientError) as refused:
        world.client("sagemaker").create_training_job(**request)
    assert refused.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    assert REFUSAL.format(limit=0, used=0) in refused.value.response["Error"]["Message"]
    training_quota(1)
    world.client("sagemaker").create_training_job(**world.training_request("within-1", "import time\ntime.sleep(2)"))
    with pytest.raises(ClientError) as refused:
        world.client("sagemaker").create_training_job(**world.training_request("beyond-1", "pass"))
    assert REFUSAL.format(limit=1, used=1) in refused.value.response["Error"]["Message"]
    assert world.training_end("within-1")["TrainingJobStatus"] == "Completed"
    assert world.train("after-1", "pass")["TrainingJobStatus"] == "Completed", "an ended job uses no instance"


def test_an_update_of_an_endpoint_needs_its_instances_twice(world: World) -> None:
    # No other test's endpoint on this server has this type.
    name = "ml.c5.9xlarge for endpoint usage"
    sagemaker = world.client("sagemaker")
    for number in (1, 2):
        model = world.model(f"twice-{number}", constant_model(float(number)))
        variant: dict[str, Any] = {"VariantName": "main", "ModelName": model, "InstanceType": "ml.c5.9xlarge"}
        variant |= {"InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
        sagemaker.create_endpoint_config(EndpointConfigName=f"twice-{number}", ProductionVariants=[variant])
    set_quota(world.aws, name, 1)
    sagemaker.create_endpoint(EndpointName="twice", EndpointConfigName="twice-1")
    assert world.endpoint_settled("twice")["EndpointStatus"] == "InService"
    with pytest.raises(ClientError, match=f"'{name}' is 1 Instances, with current utilization of 1 Instances"):
        sagemaker.update_endpoint(EndpointName="twice", EndpointConfigName="twice-2")
    set_quota(world.aws, name, 2)
    sagemaker.update_endpoint(EndpointName="twice", EndpointConfigName="twice-2")
    assert world.endpoint_settled("twice")["EndpointConfigName"] == "twice-2"


def flow(request: dict[str, Any]) -> dict[str, Any]:
    """Return a machine with the states of one job, as the retraining has them, whose waits are short."""
    name = request["TrainingJobName"]

    def attempt(task: str) -> dict[str, Any]:
        words = f"States.Format('{name}-{task}{{}}', $$.State.RetryCount)"
        return {key: value for key, value in request.items() if key != "TrainingJobName"} | {"TrainingJobName.$": words}

    states = copy.deepcopy(
        asl.run_job("Train", "Training", attempt, then="Done", on_failure="Failed", timeout_s=60, keep="job")
    )
    for state in states.values():
        if state["Type"] == "Wait":
            state["Seconds"] = 1
        for retry in state.get("Retry", []):
            retry |= {"IntervalSeconds": 1, "MaxDelaySeconds": 1}
    ends = {"Done": {"Type": "Succeed"}, "Failed": asl.fail(), asl.SAY_NO_QUOTA: asl.say_no_quota("Failed")}
    return {"StartAt": "Train", "States": {**states, **ends}}


def run(world: World, request: dict[str, Any]) -> str:
    jobs = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*"
    actions = ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"]
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": actions, "Resource": jobs},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": world.role},
    ]
    name = f"job-{uuid4().hex[:8]}"
    role = world.aws.create_role(name, statements, trusted={"Service": "states.amazonaws.com"})
    states = world.client("stepfunctions")
    definition = json.dumps(flow(request))
    machine = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    return str(states.start_execution(stateMachineArn=machine, input="{}")["executionArn"])


def jobs_of(world: World, prefix: str) -> dict[str, str]:
    found = world.client("sagemaker").list_training_jobs(NameContains=prefix)["TrainingJobSummaries"]
    return {job["TrainingJobName"]: job["TrainingJobStatus"] for job in found}


def test_quota_of_0_ends_the_flow_at_once_with_the_quotas_code(world: World, training_quota: Any) -> None:
    training_quota(0)
    ended = finish(world.aws, run(world, world.training_request("none", "pass")))
    assert (ended["status"], ended["error"]) == ("FAILED", NO_QUOTA)
    assert REFUSAL.format(limit=0, used=0) in ended["cause"]
    assert jobs_of(world, "none-") == {}
    history = world.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    assert entered == ["Train", "Train: why not?", asl.SAY_NO_QUOTA, "Failed"], "the flow waited"
    reason = reason_of({"Error": ended["error"], "Cause": ended["cause"]})
    assert f"--quota-code {CODES[TRAINING]} --desired-value" in reason


def test_quota_in_use_is_waited_out(world: World, training_quota: Any) -> None:
    training_quota(1)
    slow = world.training_request("in-use", "import time\ntime.sleep(3)")
    world.client("sagemaker").create_training_job(**slow)
    ended = finish(world.aws, run(world, world.training_request("waits", "pass")), within_s=30)
    assert ended["status"] == "SUCCEEDED", ended
    assert list(jobs_of(world, "waits-").values()) == ["Completed"]


@pytest.fixture
def lacks(world: World) -> Iterator[Any]:
    """Yield a function that takes an instance type out of stock for that many jobs."""
    file = world.aws.server.home / "sagemaker" / "out-of-stock"
    file.parent.mkdir(exist_ok=True)
    yield lambda jobs: file.write_text("ml.m5.large\n" * jobs)
    file.write_text("")


def test_accepted_job_without_an_instance_is_started_again_once(world: World, lacks: Any) -> None:
    lacks(1)
    ended = finish(world.aws, run(world, world.training_request("once", "pass")), within_s=30)
    assert ended["status"] == "SUCCEEDED", ended
    assert jobs_of(world, "once-") == {"once-0": "Failed", "once-b0": "Completed"}
    first = world.client("sagemaker").describe_training_job(TrainingJobName="once-0")
    assert first["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity")
    lacks(2)
    ended = finish(world.aws, run(world, world.training_request("twice-short", "pass")), within_s=30)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert jobs_of(world, "twice-short-") == {"twice-short-0": "Failed", "twice-short-b0": "Failed"}


def test_any_other_failure_is_not_repeated(world: World) -> None:
    program = 'raise ValueError(\'"FailureReason":"CapacityError: it only says so\')'
    ended = finish(world.aws, run(world, world.training_request("fails", program)), within_s=30)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert jobs_of(world, "fails-") == {"fails-0": "Failed"}
