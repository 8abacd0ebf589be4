"""Bad input and dying processes end in a clear error that the user sees, and the champion keeps serving.

All tests use one deployed environment with a champion, and leave it as it was.
"""

import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mooring.demo.chapters import DATASET, MODEL, serving_package
from mooring.deployed import DeployedEnvironment, StateMachineRun, wait
from mooring.runs import Ending, find_run, follow
from pipelines.interface import keys
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import Run
from pipelines.interface.settings import ModelSettings
from pipelines.models import flights
from tests.local.loop.conftest import Deployment
from tests.local.loop.test_commands import exit_code


@pytest.fixture
def alerts(arrivals: DeployedEnvironment, admin: Any) -> Iterator[Any]:
    """Yield a function that returns the next message of the alert topic."""
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
    """Restore the dataset's head after the test."""
    place = keys.head(DATASET)
    key = {"pk": {"S": place.pk}, "sk": {"S": place.sk}}
    table = arrivals.environment.ledger_table
    dynamodb = admin("dynamodb")
    item = dynamodb.get_item(TableName=table, Key=key)["Item"]
    yield
    dynamodb.put_item(TableName=table, Item=item)


def run(deployed: DeployedEnvironment, reason: str) -> StateMachineRun:
    return deployed.wait_for(deployed.start_retraining(MODEL, by="tester", reason=reason), timeout_s=120)


def record_of(deployed: DeployedEnvironment, execution: StateMachineRun) -> Run:
    run = find_run(deployed, MODEL, execution.arn)
    assert run is not None
    return run


def holder_of(deployed: DeployedEnvironment) -> str | None:
    lease = deployed.ledger.get(keys.lease(MODEL))
    return lease.holder if lease else None


def assert_failed(deployed: DeployedEnvironment, execution: StateMachineRun, alert: str, *words: str) -> None:
    record = record_of(deployed, execution)
    assert execution.status == "FAILED"
    assert record.outcome == "failed"
    for where, text in {"execution": execution.cause, "ledger": record.cause, "alert": alert}.items():
        for word in words:
            assert word in text, f"{where} lacks {word!r}: {text}"
    assert not holder_of(deployed), "the lease was not freed"
    assert serving_package(deployed, MODEL) == deployed.environment.model(MODEL).package_arn(1)


@pytest.mark.usefixtures("head")
def test_broken_contract_fails_the_run(arrivals: DeployedEnvironment, admin: Any, alerts: Any, tmp_path: Path) -> None:
    file, rows = tmp_path / "april.csv.gz", flights.month_rows(4).drop(columns="distance")
    rows.loc[0, "origin"] = "Ada"
    rows.to_csv(file, index=False)
    arrivals.dataset(DATASET).commit({flights.month_name(4): file}, author="tester", message="no distance")
    execution, alert = run(arrivals, "broken contract"), alerts()
    assert_failed(arrivals, execution, alert, "distance", "origin")
    files = RunFiles(MODEL, record_of(arrivals, execution).run_id)
    prefix = files.validation.removesuffix("validation.json")
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
    kept = (execution.cause, record_of(arrivals, execution).cause, alert, json.dumps(report))
    assert not any("Ada" in text for text in kept), "values of rows are in the examples only"


@pytest.mark.usefixtures("head")
def test_unreadable_file_fails_the_run(arrivals: DeployedEnvironment, alerts: Any, tmp_path: Path) -> None:
    file = tmp_path / "april.csv.gz"
    file.write_bytes(b"\x1f\x8b\x08\x00 this is no gzip")
    arrivals.dataset(DATASET).commit({flights.month_name(4): file}, author="tester", message="garbage")
    execution = run(arrivals, "unreadable file")
    assert_failed(arrivals, execution, alerts(), flights.month_name(4))


@pytest.fixture
def settings(arrivals: DeployedEnvironment, admin: Any) -> Iterator[Any]:
    """Yield a function that writes other hyperparameters for one test, as a deployment would."""
    parameter = arrivals.environment.model(MODEL).settings_parameter
    ssm = admin("ssm")
    before = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]

    def write(**hyperparameters: str) -> None:
        document = json.loads(before)
        document["hyperparameters"] |= hyperparameters
        ssm.put_parameter(Name=parameter, Value=ModelSettings.from_json(json.dumps(document)).to_json(), Overwrite=True)

    yield write
    ssm.put_parameter(Name=parameter, Value=before, Overwrite=True)


def test_crash_of_the_training_program_fails_the_run(arrivals: DeployedEnvironment, alerts: Any, settings: Any) -> None:
    settings(learning_rate="fast")
    execution = run(arrivals, "crash")
    assert_failed(arrivals, execution, alerts(), "learning", "fast")


def test_killed_training_process_fails_the_run(
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
    """Return a function that finds the training process of this deployment's server, and no other on the machine."""

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
        lambda: True if not holder_of(arrivals) else None,
        what="the lease to be freed",
        timeout_s=30,
    )
    psutil.wait_procs([victim], timeout=30)
    assert not victim.is_running(), "the stopped execution left its training job running"
    assert "ABORTED" in alerts()


def test_twenty_triggers_start_one_run(arrivals: DeployedEnvironment) -> None:
    before = {moment for moment, _ in arrivals.ledger.query(keys.refusals(MODEL))}
    arns = [arrivals.start_retraining(MODEL, by="tester", reason="twenty at once") for _ in range(20)]
    code, text = exit_code("retrain", arrivals.environment.id, MODEL, "--wait")
    assert (code, "is refused: execution" in text) == (3, True), text
    ended = [arrivals.wait_for(arn, timeout_s=120) for arn in arns]
    assert [execution.status for execution in ended] == ["SUCCEEDED"] * 20
    runs = [run for _, run in arrivals.ledger.query(keys.runs(MODEL)) if run.execution in arns]
    refusals = [moment for moment, _ in arrivals.ledger.query(keys.refusals(MODEL)) if moment not in before]
    assert (len(runs), len(refusals)) == (1, 20), "the trigger of the command is refused too"
    endings = [follow(arrivals, MODEL, arn) for arn in arns]
    assert Counter(found.ending for found in endings) == {Ending.REFUSED: 19, Ending.REJECTED: 1}
    assert all("holds the lease" in found.reasons[0] for found in endings if found.ending == Ending.REFUSED)
