"""Proofs of what runs code: a training job under its role and key, and a function of the functions' runtime."""

import io
import json
import tarfile
import time
import zipfile
from collections.abc import Mapping
from typing import Any

from infra import images
from infra.instances import has_local_disk
from mooring.preflight.prove.proof import NotProvenError, Proof, Site, Told, cost_of
from mooring.preflight.target import found
from pipelines.interface.names import ENVIRONMENT_TAG

ENDED = ("Completed", "Failed", "Stopped")
TRAIN = """
import os, pathlib
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("preflight")
"""
MEMBERS = {"s3": {"CopyObject": ["IfNoneMatch", "IfMatch"], "PutObject": ["IfNoneMatch"]}}
"""Parameters that the functions give to AWS, and that an older boto3 does not know: service -> operation -> names."""
FUNCTION = """
import boto3

def handle(event, context):
    missing = []
    for service, operations in event.items():
        model = boto3.client(service).meta.service_model
        for operation, members in operations.items():
            known = model.operation_model(operation).input_shape.members
            missing += [f"{service}:{operation} {name}" for name in members if name not in known]
    return {"boto3": boto3.__version__, "missing": missing}
"""


def archive(files: Mapping[str, str]) -> bytes:
    """Return a .tar.gz of the files."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return sink.getvalue()


def prefix(site: Site) -> str:
    """Return the prefix in the artifacts bucket below which the proofs write: the job roles reach it."""
    return f"runs/{site.model.name}/preflight/"


def remove_objects(site: Site, bucket: str, below: str) -> list[str]:
    """Delete all versions of the objects below a prefix."""
    client, removed = site.client("s3"), []
    for key in ("Versions", "DeleteMarkers"):
        for item in site.target.pages("s3", "list_object_versions", key, Bucket=bucket, Prefix=below):
            client.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
            removed.append(f"object {item['Key']}")
    return removed


def train(site: Site) -> Told:
    """Train for some seconds under the training role, with the volume and the output under the environment's key."""
    sagemaker, bucket, below = site.client("sagemaker"), site.names.bucket("artifacts"), prefix(site)
    site.client("s3").put_object(Bucket=bucket, Key=f"{below}source.tar.gz", Body=archive({"train.py": TRAIN}))
    kind = site.instance_type("training")
    # The name of a job can never be used again.
    name = f"{_jobs(site)}-{int(time.time())}"
    sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": images.scikit_learn(site.names.region), "TrainingInputMode": "File"},
        RoleArn=site.job_role("training"),
        HyperParameters={
            "sagemaker_program": json.dumps("train.py"),
            "sagemaker_submit_directory": json.dumps(f"s3://{bucket}/{below}source.tar.gz"),
        },
        InputDataConfig=[
            {
                "ChannelName": "code",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{below}source.tar.gz"}
                },
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/{below}models", "KmsKeyId": site.key_arn},
        ResourceConfig={
            "InstanceType": kind,
            "InstanceCount": 1,
            "VolumeSizeInGB": 5,
            **({} if has_local_disk(kind) else {"VolumeKmsKeyId": site.key_arn}),
        },
        StoppingCondition={"MaxRuntimeInSeconds": 300},
        EnableNetworkIsolation=True,
        Tags=[{"Key": ENVIRONMENT_TAG, "Value": site.names.id}],
    )

    def ended() -> Any | None:
        job = sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ENDED else None

    job = site.wait(ended, what=f"the end of the training job {name}", within_s=1200)
    seconds = int(job.get("BillableTimeInSeconds", 0))
    if job["TrainingJobStatus"] != "Completed":
        raise NotProvenError(
            f"the training job {name} {job['TrainingJobStatus'].lower()}: {job.get('FailureReason')}",
            remedy="see the job's log: aws logs tail /aws/sagemaker/TrainingJobs",
        )
    role = site.job_role("training").rpartition("/")[2]
    return Told(
        what=f"a training job ran under {role}, its volume and output under the environment's key; {seconds} s billed",
        cost_usd=cost_of(kind, seconds, site.names.region),
    )


def remove_training(site: Site) -> list[str]:
    """Stop a job that still runs, and delete its files; AWS keeps the record of a job for ever."""
    client, removed = site.client("sagemaker"), []
    running = {"StatusEquals": "InProgress", "NameContains": _jobs(site)}
    for job in site.target.pages("sagemaker", "list_training_jobs", "TrainingJobSummaries", **running):
        client.stop_training_job(TrainingJobName=job["TrainingJobName"])
        removed.append(f"training job {job['TrainingJobName']}")
    return removed + remove_objects(site, site.names.bucket("artifacts"), prefix(site))


def _jobs(site: Site) -> str:
    """Return the beginning of the jobs' names: a job's name has at most 63 characters, and one per account."""
    return f"preflight-{site.names.id}"[:52]


def call_function(site: Site) -> Told:
    """Run a throw-away function of the deployed functions' runtime and layers, that says what its boto3 can do."""
    client, deployed = site.client("lambda"), _deployed_function(site)
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as zipped:
        zipped.writestr("handler.py", FUNCTION)
    client.create_function(
        FunctionName=site.name,
        Runtime=deployed["Runtime"],
        Architectures=deployed.get("Architectures", ["x86_64"]),
        Layers=[layer["Arn"] for layer in deployed.get("Layers", [])],
        Role=deployed["Role"],
        Handler="handler.handle",
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
        MemorySize=256,
        Description="A test of mooring preflight",
    )

    def active() -> bool | None:
        state = client.get_function_configuration(FunctionName=site.name).get("State", "Active")
        return True if state == "Active" else None

    site.wait(active, what=f"the function {site.name}", within_s=120)
    called = client.invoke(FunctionName=site.name, Payload=json.dumps(MEMBERS))
    answer = json.loads(called["Payload"].read())
    if called.get("FunctionError"):
        raise NotProvenError(f"the function failed: {answer}", remedy="read the error")
    if answer["missing"]:
        raise NotProvenError(
            f"boto3 {answer['boto3']} of {deployed['Runtime']} does not know {', '.join(answer['missing'])}",
            remedy="put boto3 into the functions' layer (requirements-layer.lock)",
        )
    return Told(what=f"{deployed['Runtime']} has boto3 {answer['boto3']}, which knows what the functions call")


def remove_function(site: Site) -> list[str]:
    deleted = found(site.client("lambda").delete_function, FunctionName=site.name)
    group = f"/aws/lambda/{site.name}"
    logged = found(site.client("logs").delete_log_group, logGroupName=group)
    names = ((deleted, f"function {site.name}"), (logged, f"log group {group}"))
    return [name for answer, name in names if answer is not None]


def _deployed_function(site: Site) -> Any:
    """Return the configuration of a function that copies objects: its boto3 matters most."""
    name = site.names.function("land_files")
    described = found(site.client("lambda").get_function_configuration, FunctionName=name)
    if described is None:
        raise NotProvenError(f"there is no function {name}", remedy=f"cdk deploy {site.names.stack('operations')}")
    return described


PROOFS = (
    Proof(
        name="runtime",
        question="Does the functions' boto3 know what they call?",
        price="nothing",
        run=call_function,
        remove=remove_function,
    ),
    Proof(
        name="training",
        question="Does a job run under the training role and the key?",
        price="about a cent: one instance for a minute",
        run=train,
        remove=remove_training,
    ),
)
