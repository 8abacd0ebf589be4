"""Judges a candidate, and registers an accepted one as a model package."""

from pipelines.aws.client import Client
from pipelines.aws.clients import Services
from pipelines.aws.packages import PackageMetadata
from pipelines.aws.registration import find_registered, register
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.flows.retraining.gates import judge
from pipelines.flows.retraining.lease import ensure_held
from pipelines.interface import log
from pipelines.interface.names import version_of
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import EvaluationReport
from pipelines.interface.requests import PackageVersion, PlannedRun, RegisterRequest, Verdict
from pipelines.interface.times import digest


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
    arn = find_registered(sagemaker, model.package_group, run=plan.run_id)
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
    # The model was trained in the plan's image; a deployment may have changed the settings since.
    return register(sagemaker, group, files, artifacts, image=plan.image, metadata=metadata, token=digest(plan.run_id))
