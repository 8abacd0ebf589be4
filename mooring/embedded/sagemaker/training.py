"""Training jobs: run a program in the script mode of SageMaker's scikit-learn container, as a process."""

import os
import re
import sys
from pathlib import Path
from typing import Any

from mooring.embedded.sagemaker import archives, events, jobs, limits, s3data, script_mode, store
from mooring.embedded.sagemaker.errors import SageMakerError, invalid
from mooring.embedded.sagemaker.images import require_scikit_learn
from mooring.embedded.sagemaker.jobs import Command, Job, JobFailedError, Outcome, make_folder
from mooring.embedded.sagemaker.roles import check_role
from mooring.embedded.sagemaker.store import Record

_DESCRIBED = [
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "Environment",
    "DebugHookConfig",
    "InfraCheckConfig",
    "ProfilerConfig",
    "RemoteDebugConfig",
]
_PHASES = {"Downloading": "Downloading", "Running": "Training", "Uploading": "Uploading"}


def create(request: Record) -> Record:
    """Handle CreateTrainingJob."""
    image = request["AlgorithmSpecification"].get("TrainingImage")
    if not image:
        raise invalid(
            "AlgorithmSpecification.TrainingImage is required: the embedded AWS does not support AlgorithmName"
        )
    require_scikit_learn(image, "AlgorithmSpecification.TrainingImage")
    hyperparameters = request.get("HyperParameters", {})
    for name in ("sagemaker_program", "sagemaker_submit_directory"):
        if name not in hyperparameters:
            raise invalid(
                f"HyperParameters has no {name}, which is required: the embedded AWS supports script mode only"
            )
    program = script_mode.decode(hyperparameters["sagemaker_program"])
    if not str(program).endswith(".py"):
        raise invalid(f"HyperParameters sagemaker_program {program!r} is not a Python program (*.py)")
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(set(channels)) != len(channels):
        raise invalid(f"InputDataConfig has a channel name twice: {channels}; each name may occur once")
    for channel in request.get("InputDataConfig", []):
        if "S3DataSource" not in channel["DataSource"]:
            raise invalid(f"The channel {channel['ChannelName']} has no S3DataSource, which is required")
    check_role(request["RoleArn"])
    record = {name: request[name] for name in _DESCRIBED if name in request}
    record |= {
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "SecondaryStatusTransitions": [],
        "LastModifiedTime": store.now(),
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "EnableInterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": request.get("EnableManagedSpotTraining", False),
        "ProfilingStatus": "Disabled",
    }
    with store.region().lock:
        limits.require_training(request)
        stored = store.add("training-job", request["TrainingJobName"], record, request.get("Tags", []))
    jobs.launch(TrainingJob(stored), stored["TrainingJobArn"])
    return {"TrainingJobArn": stored["TrainingJobArn"]}


def describe(request: Record) -> Record:
    """Handle DescribeTrainingJob."""
    return _get(request)


def stop(request: Record) -> Record:
    """Handle StopTrainingJob."""
    record = _get(request)
    job = jobs.running(record["TrainingJobArn"])
    if job is None or record["TrainingJobStatus"] not in ("InProgress", "Stopping"):
        raise invalid(f"The request was rejected because the training job is in status {record['TrainingJobStatus']}.")
    record["TrainingJobStatus"] = "Stopping"
    job.request_stop()
    return {}


def list_jobs(request: Record) -> Record:
    """Handle ListTrainingJobs."""
    fields = "TrainingEndTime LastModifiedTime TrainingJobStatus SecondaryStatus"
    found, token = store.page(store.listing("training-job", request, fields=fields), request)
    return {"TrainingJobSummaries": found, **token}


def _get(request: Record) -> Record:
    try:
        return store.get("training-job", request["TrainingJobName"])
    except SageMakerError:
        raise invalid("Requested resource not found.") from None


class TrainingJob(Job):
    """One training job."""

    kind = "training-job"
    log_group = "/aws/sagemaker/TrainingJobs"

    def __init__(self, record: Record) -> None:
        super().__init__(record, record["RoleArn"])

    @property
    def max_runtime_s(self) -> int:
        return int(self.record["StoppingCondition"].get("MaxRuntimeInSeconds", 86_400))

    @property
    def instance_type(self) -> str:
        return str(self.record["ResourceConfig"].get("InstanceType", "local"))

    def prepare(self) -> Command:
        s3 = self.session.client("s3")
        code = make_folder(self.ml / "code")
        hyperparameters = {
            name: script_mode.decode(value) for name, value in self.record.get("HyperParameters", {}).items()
        }
        channels = {}
        for channel in self.record.get("InputDataConfig", []):
            self.raise_if_stopped()
            channels[channel["ChannelName"]] = self._download_channel(s3, channel)
        archives.unpack(self._find_source(s3, str(hyperparameters["sagemaker_submit_directory"])), code)
        program = code / hyperparameters["sagemaker_program"]
        if not program.resolve().is_relative_to(code.resolve()) or not program.is_file():
            raise JobFailedError(
                f"ClientError: sagemaker_program {hyperparameters['sagemaker_program']!r} is not in the archive of"
                " sagemaker_submit_directory"
            )
        setting = script_mode.Setting(
            ml=self.ml,
            job_name=self.name,
            job_arn=self.record["TrainingJobArn"],
            program=hyperparameters["sagemaker_program"],
            hyperparameters=hyperparameters,
            channels=channels,
            instance_type=self.instance_type,
            cpus=os.cpu_count() or 1,
            submit_directory=hyperparameters["sagemaker_submit_directory"],
        )
        script_mode.write_config(setting, self.record)
        requested = {name: self.relocate(value) for name, value in self.record.get("Environment", {}).items()}
        return Command(
            argv=[sys.executable, str(program), *script_mode.arguments(hyperparameters)],
            env=self.environment(**script_mode.variables(setting), **requested),
            cwd=code,
            network_isolation=self.record["EnableNetworkIsolation"],
        )

    def _find_source(self, s3: Any, place: str) -> Path:
        if place.startswith("s3://"):
            target = self.base / "sourcedir.tar.gz"
            s3data.download(s3, place, target)
            return target
        # With network isolation the source is a channel.
        source = Path(self.relocate(place))
        if not source.resolve().is_relative_to((self.ml / "input" / "data").resolve()) or not source.is_file():
            raise JobFailedError(
                f"ClientError: sagemaker_submit_directory {place!r} is neither an s3:// URI nor a file of a channel"
                " (/opt/ml/input/data/CHANNEL/...)"
            )
        return source

    def _download_channel(self, s3: Any, channel: Record) -> Path:
        source = channel["DataSource"]["S3DataSource"]
        target = make_folder(self.ml / "input" / "data" / channel["ChannelName"])
        if source["S3DataType"] == "ManifestFile":
            s3data.download_manifest(s3, source["S3Uri"], target)
        else:
            s3data.download_prefix(s3, source["S3Uri"], target, role_arn=self.record["RoleArn"])
        return target

    def collect(self, outcome: Outcome) -> None:
        s3, output = self.session.client("s3"), self.record["OutputDataConfig"]
        below = f"{output['S3OutputPath'].rstrip('/')}/{self.name}/output"
        key = output.get("KmsKeyId")
        data = self.ml / "output" / "data"
        if any(data.rglob("*")):
            archives.pack(data, self.base / "output.tar.gz")
            s3data.upload(s3, self.base / "output.tar.gz", f"{below}/output.tar.gz", kms_key=key)
        self.record["FinalMetricDataList"] = self._metrics(outcome.log)
        if outcome.exit_code == 0 or outcome.stopped or outcome.timed_out:
            archives.pack(self.ml / "model", self.base / "model.tar.gz")
            s3data.upload(s3, self.base / "model.tar.gz", f"{below}/model.tar.gz", kms_key=key)
            self.record["ModelArtifacts"] = {"S3ModelArtifacts": f"{below}/model.tar.gz"}

    def _metrics(self, log: str) -> list[Record]:
        found = []
        for metric in self.record["AlgorithmSpecification"].get("MetricDefinitions", []):
            try:
                values = [float(match.group(1)) for match in re.finditer(metric["Regex"], log)]
            except (re.error, IndexError, ValueError):
                continue
            if values:
                found.append({"MetricName": metric["Name"], "Value": values[-1], "Timestamp": store.now()})
        return found

    def enter(self, phase: str) -> None:
        if phase == "Running":
            self.record["TrainingStartTime"] = store.now()
        self._transition(_PHASES[phase])

    def finish(self, status: str, reason: str) -> None:
        end = store.now()
        start = self.record.setdefault("TrainingStartTime", end)
        seconds = jobs.elapsed_s(start, end)
        self.record |= {"TrainingEndTime": end, "TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        self.record.setdefault("ModelArtifacts", {"S3ModelArtifacts": ""})
        if reason:
            self.record["FailureReason"] = reason
        jobs.forget(self.record["TrainingJobArn"])
        secondary = "MaxRuntimeExceeded" if self.timed_out else status
        self._transition(secondary, job_status=status, message=reason)

    def _transition(self, secondary: str, *, job_status: str = "", message: str = "") -> None:
        moment = store.now()
        transitions = self.record["SecondaryStatusTransitions"]
        if transitions:
            transitions[-1]["EndTime"] = moment
        transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": message or secondary})
        self.record |= {"SecondaryStatus": secondary, "LastModifiedTime": moment}
        if job_status:
            self.record["TrainingJobStatus"] = job_status
        tags = store.region().tags.get(self.record["TrainingJobArn"], {})
        events.emit(
            "SageMaker Training Job State Change",
            self.record["TrainingJobArn"],
            {**self.record, "Tags": tags},
        )
