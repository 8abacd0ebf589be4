"""Judges a candidate, and registers an accepted one as a model package."""

from pipelines.aws.client import Client
from pipelines.aws.clients import Services
from pipelines.aws.packages import PackageMetadata
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.flows.retraining.gates import judge
from pipelines.flows.retraining.lease import ensure_held
from pipelines.interface import log
from pipelines.interface.codec import JsonObject
from pipelines.interface.names import version_of
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import EvaluationReport
from pipelines.interface.requests import PackageVersion, PlannedRun, RegisterRequest, Verdict
from pipelines.interface.times import digest

SEARCHED = 10
"""Number of the newest packages that are searched for one of the same run's earlier attempt."""


class CandidateMissingError(LookupError):
    """No artifact of the run is the evaluated one."""


def judge_candidate(request: PlannedRun, services: Services) -> Verdict:
    """Judge the run's candidate; an evaluation that is missing or unreadable rejects it."""
    settings, plan = services.settings(request.model), request.plan
    artifacts, files = services.bucket("artifacts"), RunFiles(request.model, plan.run_id)
    try:
        evaluation = artifacts.read_record(EvaluationReport, files.evaluation)
        for key in (files.baseline, files.golden):
            artifacts.read_json(key)
    except (MissingObjectError, ValueError) as error:
        verdict = Verdict(accepted=False, reasons=(f"the evaluation is not complete: {error}",))
    else:
        verdict = judge(evaluation, settings.gate, has_champion=plan.champion is not None)
    log.info("candidate accepted" if verdict.accepted else "candidate rejected", reasons=verdict.reasons)
    return verdict


def register_candidate(request: RegisterRequest, services: Services) -> PackageVersion:
    """Register the evaluated artifact, once per run.

    Raises
    ------
    LeaseLostError
        Another run has taken the lease.
    CandidateMissingError
        No artifact of the run's training jobs is the evaluated one.
    """
    model, plan = services.environment.model(request.model), request.plan
    ensure_held(services, model.name, request.lease.token)
    artifacts, files = services.bucket("artifacts"), RunFiles(model.name, plan.run_id)
    evaluation = artifacts.read_record(EvaluationReport, files.evaluation)
    key = find_artifact(artifacts, files.models, evaluation.candidate_sha256)
    sagemaker = services.client("sagemaker")
    arn = _find_registered(sagemaker, model.package_group, plan.run_id)
    if arn is None:
        arn = _register(sagemaker, model.package_group, request, artifacts, evaluation, key)
    log.info("candidate registered", package=arn, metrics=evaluation.candidate)
    return PackageVersion(package_arn=arn, version=version_of(arn))


def find_artifact(artifacts: Bucket, prefix: str, sha256: str) -> str:
    """Return the key of the artifact with this SHA-256; a retried job may have left others."""
    found = [key for key in artifacts.keys(prefix) if key.endswith("/output/model.tar.gz")]
    for key in found:
        if artifacts.sha256_of(key) == sha256:
            return key
    raise CandidateMissingError(f"none of {found or 'no artifacts'} below {artifacts.uri(prefix)} has SHA-256 {sha256}")


def _find_registered(sagemaker: Client, group: str, run_id: str) -> str | None:
    """Return the package that an earlier attempt of this run registered."""
    newest = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=SEARCHED
    )
    for summary in newest["ModelPackageSummaryList"]:
        arn = str(summary["ModelPackageArn"])
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        if described.get("CustomerMetadataProperties", {}).get("run") == run_id:
            return arn
    return None


def _register(
    sagemaker: Client,
    group: str,
    request: RegisterRequest,
    artifacts: Bucket,
    evaluation: EvaluationReport,
    key: str,
) -> str:
    plan, files = request.plan, RunFiles(request.model, request.plan.run_id)
    # The training job's output expires, as do those of attempts and runs that were not registered.
    artifacts.copy(key, files.artifact)
    metadata = PackageMetadata(
        run=plan.run_id,
        commit=plan.commit,
        job=key.split("/")[-3],
        sha256=evaluation.candidate_sha256,
        content_sha256=evaluation.candidate_content_sha256 or "",
        rows=str(evaluation.rows),
        baseline_uri=artifacts.uri(files.baseline),
        golden_uri=artifacts.uri(files.golden),
        code_uri=plan.code_uri,
        code_sha256=plan.code_sha256,
        champion=plan.champion.package_arn if plan.champion else "none",
        metrics=evaluation.candidate,
    )
    container = {
        # The model was trained in the plan's image; a deployment may have changed the settings since.
        "Image": plan.image,
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
            f"{log.VARIABLE_PREFIX}MODEL": request.model,
            f"{log.VARIABLE_PREFIX}RUN": plan.run_id,
            f"{log.VARIABLE_PREFIX}COMMIT": plan.commit,
        },
    }
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelPackageDescription=f"{request.model}, run {plan.run_id}, commit {plan.commit[:12]}",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv", "application/json"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
        },
        ModelMetrics={
            "ModelQuality": {"Statistics": _source(artifacts.uri(files.evaluation))},
            "ModelDataQuality": {
                "Statistics": _source(artifacts.uri(files.baseline)),
                "Constraints": _source(artifacts.uri(files.validation)),
            },
        },
        CustomerMetadataProperties=metadata.to_properties(),
        ClientToken=digest(plan.run_id),
    )
    return str(answer["ModelPackageArn"])


def _source(uri: str) -> JsonObject:
    return {"ContentType": "application/json", "S3Uri": uri}
