"""Processing jobs: download the inputs, run the container's command as a process, upload the outputs."""

import json
import sys
import time
from pathlib import Path, PurePosixPath

from mooring.embedded.sagemaker import events, jobs, limits, s3data, store
from mooring.embedded.sagemaker.errors import SageMakerError, invalid
from mooring.embedded.sagemaker.images import require_scikit_learn
from mooring.embedded.sagemaker.jobs import Command, Job, Outcome, make_folder
from mooring.embedded.sagemaker.roles import check_role
from mooring.embedded.sagemaker.store import Record

_DESCRIBED = [
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
]
_ROOT = "/opt/ml/processing"
_DEFAULT_RUNTIME_S = 86_400
_CONTINUOUS_S = 1.0
"""Seconds between two searches for changed files in outputs with S3UploadMode Continuous."""


def create(request: Record) -> Record:
    """Handle CreateProcessingJob."""
    require_scikit_learn(request["AppSpecification"]["ImageUri"], "AppSpecification.ImageUri")
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise invalid(
            "AppSpecification.ContainerEntrypoint is required: the embedded AWS runs no image that has its own"
        )
    for item in request.get("ProcessingInputs", []):
        if "S3Input" not in item:
            raise invalid(f"The processing input {item['InputName']} has no S3Input, which is required")
        _check_path(item["S3Input"].get("LocalPath", ""), f"input {item['InputName']}")
    for item in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if "S3Output" not in item:
            raise invalid(f"The processing output {item['OutputName']} has no S3Output, which is required")
        _check_path(item["S3Output"].get("LocalPath", ""), f"output {item['OutputName']}")
    if not request.get("RoleArn"):
        raise invalid("RoleArn is required")
    check_role(request["RoleArn"])
    record = {name: request[name] for name in _DESCRIBED if name in request}
    record |= {"ProcessingJobStatus": "InProgress", "LastModifiedTime": store.now()}
    with store.region().lock:
        limits.require_processing(request)
        stored = store.add("processing-job", request["ProcessingJobName"], record, request.get("Tags", []))
    job = ProcessingJob(stored)
    job.publish_state()
    jobs.launch(job, stored["ProcessingJobArn"])
    return {"ProcessingJobArn": stored["ProcessingJobArn"]}


def describe(request: Record) -> Record:
    """Handle DescribeProcessingJob."""
    return _get(request)


def stop(request: Record) -> Record:
    """Handle StopProcessingJob."""
    record = _get(request)
    job = jobs.running(record["ProcessingJobArn"])
    if job is None or record["ProcessingJobStatus"] not in ("InProgress", "Stopping"):
        raise invalid(f"The request was rejected because the job is in status {record['ProcessingJobStatus']}.")
    record["ProcessingJobStatus"] = "Stopping"
    job.request_stop()
    return {}


def list_jobs(request: Record) -> Record:
    """Handle ListProcessingJobs."""
    fields = "ProcessingEndTime LastModifiedTime ProcessingJobStatus FailureReason ExitMessage"
    found, token = store.page(store.listing("processing-job", request, fields=fields), request)
    return {"ProcessingJobSummaries": found, **token}


def _get(request: Record) -> Record:
    try:
        return store.get("processing-job", request["ProcessingJobName"])
    except SageMakerError:
        name = request["ProcessingJobName"]
        raise SageMakerError("ResourceNotFound", f"Could not find requested job with name: {name}") from None


def _check_path(path: str, what: str) -> None:
    parts = PurePosixPath(path)
    if not parts.is_relative_to(_ROOT) or ".." in parts.parts:
        raise invalid(f"The LocalPath {path!r} of the processing {what} is not below {_ROOT}")


class ProcessingJob(Job):
    """One processing job."""

    kind = "processing-job"
    log_group = "/aws/sagemaker/ProcessingJobs"

    def __init__(self, record: Record) -> None:
        super().__init__(record, record["RoleArn"])
        # Files that were uploaded, with their modification time in nanoseconds and size at that time.
        self._uploaded: dict[Path, tuple[int, int]] = {}
        self._checked_at = time.monotonic()

    @property
    def max_runtime_s(self) -> int:
        return int(self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME_S))

    @property
    def instance_type(self) -> str:
        return str(self.record["ProcessingResources"]["ClusterConfig"]["InstanceType"])

    def prepare(self) -> Command:
        s3, root = self.session.client("s3"), make_folder(self.ml / "processing")
        for item in self.record.get("ProcessingInputs", []):
            self.raise_if_stopped()
            source = item["S3Input"]
            target = make_folder(self.ml / PurePosixPath(source["LocalPath"]).relative_to("/opt/ml"))
            if source["S3DataType"] == "ManifestFile":
                s3data.download_manifest(s3, source["S3Uri"], target)
            else:
                s3data.download_prefix(s3, source["S3Uri"], target, role_arn=self.record["RoleArn"])
        for item in self._outputs():
            make_folder(self.ml / PurePosixPath(item["S3Output"]["LocalPath"]).relative_to("/opt/ml"))
        make_folder(self.ml / "output")
        config = make_folder(self.ml / "config")
        (config / "processingjobconfig.json").write_text(json.dumps(self.record, default=str))
        hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
        (config / "resourceconfig.json").write_text(json.dumps(hosts))
        app = self.record["AppSpecification"]
        argv = [self.relocate(text) for text in [*app["ContainerEntrypoint"], *app.get("ContainerArguments", [])]]
        if argv[0] in ("python", "python3"):
            argv[0] = sys.executable
        requested = {name: self.relocate(value) for name, value in self.record.get("Environment", {}).items()}
        own = {"PROCESSING_JOB_NAME": self.name, "PROCESSING_JOB_ARN": self.record["ProcessingJobArn"]}
        return Command(
            argv=argv,
            env=self.environment(**own, **requested),
            cwd=root,
            network_isolation=self.record.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
        )

    def collect(self, outcome: Outcome) -> None:
        message = self.ml / "output" / "message"
        if message.is_file():
            self.record["ExitMessage"] = message.read_text(errors="replace")[:1024]
        for item in self._outputs():
            self._upload(item["S3Output"])
        if outcome.timed_out:
            # SageMaker stops a processing job that runs too long, and does not count this as a failure.
            self.record.setdefault("ExitMessage", f"stopped after {self.max_runtime_s} s (MaxRuntimeInSeconds)")

    def poll(self) -> None:
        if time.monotonic() - self._checked_at < _CONTINUOUS_S:
            return
        for item in self._outputs():
            if item["S3Output"].get("S3UploadMode") == "Continuous":
                self._upload(item["S3Output"])
        self._checked_at = time.monotonic()

    def _upload(self, output: Record) -> None:
        """Upload the files that have changed since they were last uploaded."""
        source = self.ml / PurePosixPath(output["LocalPath"]).relative_to("/opt/ml")
        key = self.record.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        for file in s3data.files_below(source):
            stamp = (file.stat().st_mtime_ns, file.stat().st_size)
            if self._uploaded.get(file) != stamp:
                uri = f"{output['S3Uri'].rstrip('/')}/{file.relative_to(source).as_posix()}"
                s3data.upload(self.session.client("s3"), file, uri, kms_key=key)
                self._uploaded[file] = stamp

    def _outputs(self) -> list[Record]:
        outputs: list[Record] = self.record.get("ProcessingOutputConfig", {}).get("Outputs", [])
        return outputs

    def enter(self, phase: str) -> None:
        if phase == "Running":
            self.record["ProcessingStartTime"] = store.now()

    def finish(self, status: str, reason: str) -> None:
        end = store.now()
        self.record.setdefault("ProcessingStartTime", end)
        self.record |= {"ProcessingEndTime": end, "LastModifiedTime": end, "ProcessingJobStatus": status}
        if reason:
            self.record["FailureReason"] = reason
        jobs.forget(self.record["ProcessingJobArn"])
        self.publish_state()

    def publish_state(self) -> None:
        """Emit the event of the job's current state."""
        arn = self.record["ProcessingJobArn"]
        tags = store.region().tags.get(arn, {})
        events.emit("SageMaker Processing Job State Change", arn, {**self.record, "Tags": tags})
