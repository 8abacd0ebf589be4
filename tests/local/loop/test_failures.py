"""Bad input and dying processes: each ends in a clear error where the user looks, and the champion keeps serving.

One environment is deployed by the unmodified CDK CLI and has a champion; every test leaves it as it found it.
"""

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mooring.demo.chapters import DATASET, MODEL, serving_package
from mooring.deployed import DeployedEnvironment, Execution, wait
from pipelines.interface import keys as ledger
from pipelines.interface.paths import run_prefix
from pipelines.interface.settings import ModelSettings
from pipelines.models import flights
from tests.local.loop.conftest import Deployment


@pytest.fixture
def alerts(arrivals: DeployedEnvironment, admin: Any) -> Iterator[Any]:
    """Reads the next message of the alert topic."""
    sqs, sns = admin("sqs"), admin("sns")
    queue = sqs.create_queue(QueueName="alerts-reader")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    topic = arrivals.environment.topic_arn
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]

    def read() -> str | None:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return str(json.loads(message["Body"])["Message"])
        return None

    yield lambda: wait(read, what="an alert", timeout_s=30)
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=queue)


@pytest.fixture
def head(arrivals: DeployedEnvironment, admin: Any) -> Iterator[None]:
    """Puts the dataset's head back after the test."""
    key = {"pk": {"S": ledger.dataset_pk(DATASET)}, "sk": {"S": ledger.HEAD}}
    table = arrivals.environment.ledger_table
    dynamodb = admin("dynamodb")
    item = dynamodb.get_item(TableName=table, Key=key)["Item"]
    yield
    dynamodb.put_item(TableName=table, Item=item)


def run(deployed: DeployedEnvironment, reason: str) -> Execution:
    return deployed.wait_for(deployed.start_retraining(MODEL, by="tester", reason=reason), timeout_s=120)


def record_of(deployed: DeployedEnvironment, execution: Execution) -> dict[str, Any]:
    return next(item for item in deployed.model_items(MODEL, "run#") if item["execution"] == execution.arn)


def assert_failed(deployed: DeployedEnvironment, execution: Execution, alert: str, *words: str) -> None:
    record = record_of(deployed, execution)
    assert execution.status == "FAILED"
    assert record["outcome"] == "failed"
    for where, text in {"execution": execution.cause, "ledger": record["cause"], "alert": alert}.items():
        for word in words:
            assert word in text, f"{where} does not say {word!r}: {text}"
    lease = next(iter(deployed.model_items(MODEL, ledger.LEASE)))
    assert not lease.get("holder"), "the lease was not freed"
    assert serving_package(deployed, MODEL) == deployed.package_arn(MODEL, 1)


@pytest.mark.usefixtures("head")
def test_broken_contract(arrivals: DeployedEnvironment, admin: Any, alerts: Any, tmp_path: Path) -> None:
    file, rows = tmp_path / "april.csv.gz", flights.month_rows(4).drop(columns="distance")
    rows.loc[0, "origin"] = "Ada"
    rows.to_csv(file, index=False)
    arrivals.dataset(DATASET).commit({flights.month_name(4): file}, author="tester", message="no distance")
    execution, alert = run(arrivals, "broken contract"), alerts()
    assert_failed(arrivals, execution, alert, "distance", "origin")
    prefix = f"{run_prefix(MODEL, record_of(arrivals, execution)['run_id'])}validation/"
    bucket = arrivals.environment.bucket("artifacts")
    report, examples = (
        json.loads(admin("s3").get_object(Bucket=bucket, Key=f"{prefix}{name}.json")["Body"].read())
        for name in ("validation", "examples")
    )
    assert [(found["column"], found["rule"], found["count"]) for found in report["violations"]] == [
        ("origin", "allowed", 1),
        ("distance", "missing", len(rows)),
    ]
    assert [example["values"] for example in examples["examples"]] == [{"origin": "Ada"}]
    kept = (execution.cause, record_of(arrivals, execution)["cause"], alert, json.dumps(report))
    assert not any("Ada" in text for text in kept), "values of rows are in the examples alone"


@pytest.mark.usefixtures("head")
def test_unreadable_file(arrivals: DeployedEnvironment, alerts: Any, tmp_path: Path) -> None:
    file = tmp_path / "april.csv.gz"
    file.write_bytes(b"\x1f\x8b\x08\x00 this is no gzip")
    arrivals.dataset(DATASET).commit({flights.month_name(4): file}, author="tester", message="garbage")
    execution = run(arrivals, "unreadable file")
    assert_failed(arrivals, execution, alerts(), flights.month_name(4))


@pytest.fixture
def settings(arrivals: DeployedEnvironment, admin: Any) -> Iterator[Any]:
    """Writes other settings for one test, as a deployment would."""
    parameter = arrivals.model(MODEL).settings_parameter
    ssm = admin("ssm")
    before = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]

    def write(**hyperparameters: str) -> None:
        document = json.loads(before)
        document["hyperparameters"] |= hyperparameters
        ssm.put_parameter(Name=parameter, Value=ModelSettings.from_json(json.dumps(document)).to_json(), Overwrite=True)

    yield write
    ssm.put_parameter(Name=parameter, Value=before, Overwrite=True)


def test_training_program_that_crashes(arrivals: DeployedEnvironment, alerts: Any, settings: Any) -> None:
    settings(learning_rate="fast")
    execution = run(arrivals, "crash")
    assert_failed(arrivals, execution, alerts(), "learning", "fast")


def test_killed_training_process(
    arrivals: DeployedEnvironment, alerts: Any, settings: Any, training_process: Any
) -> None:
    settings(max_iter="20000")
    arn = arrivals.start_retraining(MODEL, by="tester", reason="kill")
    victim = wait(training_process, what="the training process", timeout_s=60)
    time.sleep(0.5)
    victim.send_signal(signal.SIGKILL)
    execution = arrivals.wait_for(arn, timeout_s=60)
    assert_failed(arrivals, execution, alerts(), "kill")


@pytest.fixture
def training_process(deployment: Deployment) -> Callable[[], psutil.Process | None]:
    """Finds the training process of this deployment's server, and no other on the machine."""

    def find() -> psutil.Process | None:
        for process in psutil.Process(deployment.server.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(argument == "train.py" or argument.endswith("/train.py") for argument in process.cmdline()):
                    return process
        return None

    return find


def test_aborted_execution_frees_its_lease(
    arrivals: DeployedEnvironment, settings: Any, alerts: Any, training_process: Any
) -> None:
    settings(max_iter="20000")
    arn = arrivals.start_retraining(MODEL, by="tester", reason="abort")
    victim = wait(training_process, what="the training process", timeout_s=60)
    arrivals.client("stepfunctions", "operator").stop_execution(executionArn=arn, cause="a person stopped it")
    wait(
        lambda: True if not next(iter(arrivals.model_items(MODEL, ledger.LEASE))).get("holder") else None,
        what="the lease to be freed",
        timeout_s=30,
    )
    psutil.wait_procs([victim], timeout=30)
    assert not victim.is_running(), "the stopped execution left its training job running"
    assert "ABORTED" in alerts()


def test_twenty_triggers_give_one_run(arrivals: DeployedEnvironment) -> None:
    before = {item["sk"] for item in arrivals.model_items(MODEL, "refusal#")}
    arns = [arrivals.start_retraining(MODEL, by="tester", reason="stampede") for _ in range(20)]
    ended = [arrivals.wait_for(arn, timeout_s=120) for arn in arns]
    assert [execution.status for execution in ended] == ["SUCCEEDED"] * 20
    runs = [item for item in arrivals.model_items(MODEL, "run#") if item["execution"] in arns]
    refusals = [item for item in arrivals.model_items(MODEL, "refusal#") if item["sk"] not in before]
    assert (len(runs), len(refusals)) == (1, 19)
