"""Registers model packages: those of runs, and those of release records from another environment."""

from pipelines.aws.client import Client
from pipelines.aws.packages import PackageMetadata
from pipelines.aws.s3 import Bucket
from pipelines.interface import log
from pipelines.interface.codec import JsonObject
from pipelines.interface.paths import RunFiles

SEARCHED = 10
"""Number of the newest packages that are searched for one of an earlier attempt."""
CONTENT_TYPES = ["text/csv", "application/json"]


def find_registered(sagemaker: Client, group: str, **properties: str) -> str | None:
    """Return the ARN of the package with these properties that an earlier attempt registered."""
    newest = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=SEARCHED
    )
    for summary in newest["ModelPackageSummaryList"]:
        arn = str(summary["ModelPackageArn"])
        found = sagemaker.describe_model_package(ModelPackageName=arn).get("CustomerMetadataProperties", {})
        if properties.items() <= found.items():
            return arn
    return None


def register(
    sagemaker: Client,
    group: str,
    files: RunFiles,
    artifacts: Bucket,
    *,
    image: str,
    metadata: PackageMetadata,
    token: str,
) -> str:
    """Register the run's artifact as a package that waits for approval; return its ARN."""
    container = {
        "Image": image,
        "ModelDataUrl": artifacts.uri(files.artifact),
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            # The container runs one worker per core, so more threads in a worker would only slow them down.
            "OMP_NUM_THREADS": "1",
            # The container installs the program with pip before it serves. An isolated model has no network, so pip's
            # build must not need it. (The value of this option is inverted: 0 switches build isolation off.)
            "PIP_NO_BUILD_ISOLATION": "0",
            # The endpoint's log lines carry these ids.
            f"{log.VARIABLE_PREFIX}MODEL": files.model,
            f"{log.VARIABLE_PREFIX}RUN": files.run_id,
            f"{log.VARIABLE_PREFIX}COMMIT": metadata.commit,
        },
    }
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelPackageDescription=f"{files.model}, run {files.run_id}, commit {metadata.commit[:12]}",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": CONTENT_TYPES,
            "SupportedResponseMIMETypes": CONTENT_TYPES,
        },
        ModelMetrics={
            "ModelQuality": {"Statistics": _source(artifacts.uri(files.evaluation))},
            "ModelDataQuality": {
                "Statistics": _source(artifacts.uri(files.baseline)),
                "Constraints": _source(artifacts.uri(files.validation)),
            },
        },
        CustomerMetadataProperties=metadata.to_properties(),
        ClientToken=token,
    )
    return str(answer["ModelPackageArn"])


def _source(uri: str) -> JsonObject:
    return {"ContentType": "application/json", "S3Uri": uri}
