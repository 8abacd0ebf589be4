"""Training jobs, called with boto3."""

import contextlib
import io
import json
import os
import signal
import tarfile
import time
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION
from tests.support.sagemaker_world import BUCKET, SAGEMAKER, TRAIN, World, wait, world

__all__ = ["world"]


def _train_channel(world: World) -> list[dict[str, Any]]:
    world.put("data/rows.csv", "1,2\n2,4\n3,6\n")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/", "S3DataDistributionType": "FullyReplicated"}
    return [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]


def test_trains_a_model_under_the_container_contract(world: World) -> None:
    request = world.training_request("first", TRAIN, InputDataConfig=_train_channel(world))
    request["HyperParameters"] |= {"max-depth": "3", "name": '"x"'}
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "slope", "Regex": r"slope=([\d.]+)"}]
    began = time.monotonic()
    world.client("sagemaker").create_training_job(**request)
    job = world.training_end("first")
    assert job["TrainingJobStatus"] == "Completed", job
    assert time.monotonic() - began < 10
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]] == [
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert job["FinalMetricDataList"][0]["Value"] == 2.0
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://{BUCKET}/out/first/output/model.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(world.read(artifact))) as archive:
        assert archive.getnames() == ["model.joblib"]
    with tarfile.open(fileobj=io.BytesIO(world.read(f"s3://{BUCKET}/out/first/output/output.tar.gz"))) as archive:
        member = archive.extractfile("args.json")
        assert member is not None
        arguments, environment = json.load(member)
    assert arguments == ["--max-depth", "3", "--name", "x"]
    assert json.loads(environment["SM_HPS"]) == {"max-depth": 3, "name": "x"}
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert not {"GATEWAY_PORT", "MINISTACK_SSL_KEY"} & set(environment)
    logs = world.client("logs")
    streams = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="first/algo-1")
    events = logs.get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=streams["logStreams"][0]["logStreamName"]
    )
    assert "slope=2.000" in [event["message"] for event in events["events"]]


def test_accepts_what_sdk_2_asks_for_in_every_fit(world: World) -> None:
    """The SDK's estimators add these two parameters to every request; ``disable_profiler`` gives the third form."""
    hook = {"S3OutputPath": f"s3://{BUCKET}/out", "CollectionConfigurations": []}
    monitoring = {"S3OutputPath": f"s3://{BUCKET}/out", "DisableProfiler": False}
    job = world.train("fit", "pass", ProfilerConfig=monitoring, DebugHookConfig=hook, EnableManagedSpotTraining=False)
    assert job["TrainingJobStatus"] == "Completed", job
    assert (job["ProfilerConfig"], job["DebugHookConfig"], job["ProfilingStatus"]) == (monitoring, hook, "Disabled")
    job = world.train("fit-without", "pass", ProfilerConfig={"DisableProfiler": True})
    assert job["TrainingJobStatus"] == "Completed", job
    with pytest.raises(ClientError, match="EnableManagedSpotTraining = True"):
        world.train("spot", "pass", EnableManagedSpotTraining=True)


def test_the_name_of_a_failed_job_cannot_be_used_again(world: World) -> None:
    job = world.train("once", "raise SystemExit(3)")
    assert job["TrainingJobStatus"] == "Failed"
    with pytest.raises(ClientError, match="ResourceInUse"):
        world.client("sagemaker").create_training_job(**world.training_request("once", "pass"))


def test_failure_reason_has_the_programs_output(world: World) -> None:
    job = world.train("fails", "raise ValueError('the data are sour')")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ")
    assert "the data are sour" in job["FailureReason"]
    assert "exit code: 1" in job["FailureReason"]


def test_failure_reason_is_the_failure_file(world: World) -> None:
    program = "import os, sys\nopen(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('too few rows')\nsys.exit(2)"
    assert world.train("failure-file", program)["FailureReason"] == "AlgorithmError: too few rows, exit code: 2"


def test_a_killed_process_fails_the_job(world: World) -> None:
    program = "import time\nprint('up', flush=True)\ntime.sleep(60)"
    world.client("sagemaker").create_training_job(**world.training_request("killed", program))

    def find() -> int | None:
        # Search this server's children only: another server on the machine may train, too.
        for process in psutil.Process(world.aws.server.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                named = process.environ().get("TRAINING_JOB_NAME") == "killed"
                if named and "supervise.py" not in " ".join(process.cmdline()):
                    return int(process.pid)
        return None

    os.kill(wait(find), signal.SIGKILL)
    job = world.training_end("killed")
    assert job["TrainingJobStatus"] == "Failed"
    assert "killed by signal 9" in job["FailureReason"]


def test_a_stopped_job_is_stopped(world: World) -> None:
    sagemaker = world.client("sagemaker")
    sagemaker.create_training_job(**world.training_request("stopped", "import time\ntime.sleep(60)"))
    wait(lambda: sagemaker.describe_training_job(TrainingJobName="stopped")["SecondaryStatus"] == "Training")
    sagemaker.stop_training_job(TrainingJobName="stopped")
    assert world.training_end("stopped")["TrainingJobStatus"] == "Stopped"


def test_a_job_ends_at_its_maximum_runtime(world: World) -> None:
    job = world.train("slow", "import time\ntime.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_missing_data_fail_the_job(world: World) -> None:
    channel = _train_channel(world)
    channel[0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/nothing-here/"
    job = world.train("no-data", TRAIN, InputDataConfig=channel)
    assert "No S3 objects found under S3 URL" in job["FailureReason"]


def test_data_that_the_role_may_not_read_fail_the_job(world: World) -> None:
    role = world.aws.create_role("no-reader", [], trusted=SAGEMAKER)
    job = world.train("denied", TRAIN, RoleArn=role, InputDataConfig=_train_channel(world))
    assert job["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"]


def test_network_isolation_leaves_no_credentials(world: World) -> None:
    program = "import os\nassert not [n for n in os.environ if n.startswith('AWS_') and 'REGION' not in n], 'leak'"
    assert world.train("isolated", program, EnableNetworkIsolation=True)["TrainingJobStatus"] == "Completed"


def test_the_source_may_come_as_a_channel(world: World) -> None:
    request = world.training_request("channelled", "print('from a channel')", InputDataConfig=_train_channel(world))
    channel = request["InputDataConfig"][0]
    source = json.loads(request["HyperParameters"]["sagemaker_submit_directory"])
    channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"] = "code", source
    place = json.dumps("/opt/ml/input/data/code/channelled.tar.gz")
    request["HyperParameters"]["sagemaker_submit_directory"] = place
    world.client("sagemaker").create_training_job(**request)
    job = world.training_end("channelled")
    assert job["TrainingJobStatus"] == "Completed", job


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"EnableManagedSpotTraining": True}, "EnableManagedSpotTraining"),
        ({"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/c"}}, "CheckpointConfig.S3Uri"),
        ({"AlgorithmSpecification": {"TrainingImage": "a/xgboost:1", "TrainingInputMode": "File"}}, "a/xgboost:1"),
        ({"TrainingJobName": "with_underscore"}, "with_underscore"),
    ],
)
def test_an_unsupported_parameter_is_refused_by_name(world: World, changes: dict[str, Any], named: str) -> None:
    request = world.training_request("refused", "pass") | changes
    with pytest.raises(ClientError, match="ValidationException") as refused:
        world.client("sagemaker").create_training_job(**request)
    assert named in str(refused.value)


def test_an_unsupported_operation_is_refused_by_name(world: World) -> None:
    with pytest.raises(ClientError, match="ListNotebookInstances"):
        world.client("sagemaker").list_notebook_instances()


def test_creating_a_job_needs_permission_to_create_it_and_to_pass_the_role(world: World) -> None:
    job = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/allowed-*"
    create = {"Effect": "Allow", "Action": "sagemaker:CreateTrainingJob", "Resource": job}
    pass_role = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": world.role,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    without = world.client("sagemaker", world.aws.create_role("trains", [create]))
    with pytest.raises(ClientError, match="iam:PassRole"):
        without.create_training_job(**world.training_request("allowed-1", "pass"))
    with pytest.raises(ClientError, match="sagemaker:CreateTrainingJob"):
        without.create_training_job(**world.training_request("other", "pass"))
    both = world.client("sagemaker", world.aws.create_role("trains-and-passes", [create, pass_role]))
    both.create_training_job(**world.training_request("allowed-2", "pass"))
    with pytest.raises(ClientError, match="sagemaker:StopTrainingJob"):
        both.stop_training_job(TrainingJobName="allowed-2")


def test_a_role_that_does_not_trust_sagemaker_is_refused(world: World) -> None:
    role = world.aws.create_role("trusts-others", [])
    with pytest.raises(ClientError, match="Could not assume role"):
        world.client("sagemaker").create_training_job(**world.training_request("untrusted", "pass", RoleArn=role))
