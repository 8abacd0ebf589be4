"""Judging a candidate, and registering the one that was accepted as a model package."""

from collections.abc import Mapping
from typing import Any

from pipelines.aws.clients import Services, read_settings
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.flows.retraining.gates import Verdict, judge
from pipelines.flows.retraining.lease import ensure_held
from pipelines.interface.paths import run_prefix
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import digest

MAX_METADATA = 256
"""SageMaker's limit for a value of CustomerMetadataProperties, in characters."""


class CandidateMissingError(LookupError):
    """No artifact below the run is the one that was evaluated."""


def judge_candidate(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """``accepted`` and ``reasons``; an evaluation that is missing or unreadable rejects."""
    settings = read_settings(services, event["model"])
    artifacts = services.bucket("artifacts")
    prefix = run_prefix(event["model"], event["plan"]["run_id"])
    try:
        evaluation = artifacts.read_json(f"{prefix}evaluation/evaluation.json")
        for name in ("baseline", "golden"):
            artifacts.read_json(f"{prefix}evaluation/{name}.json")
    except (MissingObjectError, ValueError) as error:
        verdict = Verdict(accepted=False, reasons=[f"the evaluation is not complete: {error}"])
    else:
        verdict = judge(evaluation, settings.gate, has_champion=event["plan"]["champion"] is not None)
    return {"accepted": verdict.accepted, "reasons": verdict.reasons}


def register_candidate(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """Register the evaluated artifact, once per run; returns ``package_arn`` and ``version``.

    Raises
    ------
    LeaseLostError
        The run's lease went to another run meanwhile.
    CandidateMissingError
        No training job of the run left the artifact that was evaluated.
    """
    plan, settings = event["plan"], read_settings(services, event["model"])
    ensure_held(services, settings.model, event["lease"]["token"])
    artifacts = services.bucket("artifacts")
    prefix = run_prefix(settings.model, plan["run_id"])
    evaluation = artifacts.read_json(f"{prefix}evaluation/evaluation.json")
    key = find_artifact(artifacts, f"{prefix}model/", evaluation["candidate_sha256"])
    group = services.environment.model(settings.model).package_group
    sagemaker = services.client("sagemaker")
    arn = _registered(sagemaker, group, plan["run_id"]) or _register(
        sagemaker, group, settings, artifacts, plan, evaluation, key
    )
    return {"package_arn": arn, "version": int(arn.rpartition("/")[2])}


def find_artifact(artifacts: Bucket, prefix: str, sha256: str) -> str:
    """The key of the artifact with these bytes: a retried job may have left another one, which is ignored."""
    found = [key for key in artifacts.keys(prefix) if key.endswith("/output/model.tar.gz")]
    for key in found:
        if artifacts.sha256_of(key) == sha256:
            return key
    raise CandidateMissingError(f"none of {found or 'no artifacts'} below {artifacts.uri(prefix)} has SHA-256 {sha256}")


def _registered(sagemaker: Any, group: str, run_id: str) -> str | None:
    """The package that an earlier attempt of this run has registered, among the group's newest."""
    newest = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=10
    )
    for summary in newest["ModelPackageSummaryList"]:
        arn = summary["ModelPackageArn"]
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        if described.get("CustomerMetadataProperties", {}).get("run") == run_id:
            return str(arn)
    return None


def _register(
    sagemaker: Any,
    group: str,
    settings: ModelSettings,
    artifacts: Bucket,
    plan: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    key: str,
) -> str:
    run_uri, model_uri = plan["run_uri"], artifacts.uri(key)
    metadata = {
        "run": plan["run_id"],
        "commit": plan["commit"],
        "job": key.split("/")[-3],
        "sha256": evaluation["candidate_sha256"],
        "content_sha256": evaluation["candidate_content_sha256"],
        "rows": str(evaluation["rows"]),
        "baseline_uri": f"{run_uri}evaluation/baseline.json",
        "golden_uri": f"{run_uri}evaluation/golden.json",
        "code_uri": plan["code_uri"],
        "code_sha256": plan["code_sha256"],
        "champion": plan["champion"]["package_arn"] if plan["champion"] else "none",
        **{f"metric_{name}": f"{value:.6g}" for name, value in evaluation["candidate"].items()},
    }
    container = {
        # A deployment during the run may have changed the settings: the model was made in the plan's image.
        "Image": plan["image"],
        "ModelDataUrl": model_uri,
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            # The container runs a worker per core: threads inside each would only fight over the cores.
            "OMP_NUM_THREADS": "1",
            # The container installs the program with pip before it serves; its build must not ask for the network,
            # which an isolated model has not. (pip reads this option's variable the other way round: 0 is "none".)
            "PIP_NO_BUILD_ISOLATION": "0",
        },
    }
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelPackageDescription=f"{settings.model}, run {plan['run_id']}, commit {plan['commit'][:12]}",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv", "application/json"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
        },
        ModelMetrics={
            "ModelQuality": {"Statistics": _source(f"{run_uri}evaluation/evaluation.json")},
            "ModelDataQuality": {
                "Statistics": _source(f"{run_uri}evaluation/baseline.json"),
                "Constraints": _source(f"{run_uri}validation/validation.json"),
            },
        },
        CustomerMetadataProperties={name: value[:MAX_METADATA] for name, value in metadata.items()},
        ClientToken=digest(plan["run_id"]),
    )
    return str(answer["ModelPackageArn"])


def _source(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}
