"""Makes a champion's release record, signs it, and hands it to the team's model pipeline."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from pipelines.aws.clients import Services
from pipelines.aws.messages import publish_to
from pipelines.aws.packages import ModelPackage, model_of, read_package
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.flows.promotion.signature import digest_of, sign
from pipelines.flows.release.begin import ArtifactChangedError, require_approval
from pipelines.interface import keys, log
from pipelines.interface.codec import canonical
from pipelines.interface.events import PromotionRequested
from pipelines.interface.paths import PromotedFiles, RunFiles, carried_record_key
from pipelines.interface.records import (
    EvaluationReport,
    RecordedApproval,
    RecordedFile,
    RecordedGain,
    ReleaseRecord,
    Run,
    ValidationReport,
)
from pipelines.interface.requests import PromotionRequest, PromotionTicket
from pipelines.interface.times import format_time

FORMAT = 1
FIRST_TIME = (1980, 1, 1, 0, 0, 0)
"""The time of the archive's members, so that its bytes follow from the record alone."""


class NotChampionError(RuntimeError):
    """The version is not the champion, and only a champion is promoted."""


class NotTrainedHereError(RuntimeError):
    """Another stage trains the model, and its environment makes the release records."""


class UnknownStageError(ValueError):
    """The team has no environment in that stage, or it is not a later one."""


class FileErasedError(RuntimeError):
    """A file of the champion is gone: a forgetting erases golden requests, for instance."""


def request_promotion(
    request: PromotionRequest, services: Services, *, tooling: Services, stages: Sequence[str]
) -> PromotionTicket:
    """Make the champion's release record and start the model pipeline with it.

    ``tooling`` is the team's tooling environment, ``stages`` are the later stages in order. A dry run stops before
    anything is signed or written. Whatever is refused leaves nothing behind.

    Raises
    ------
    NotTrainedHereError, UnknownStageError, NotChampionError, NotApprovedError, ArtifactChangedError, FileErasedError
        The version cannot be promoted.
    """
    record = make_record(request, services, stages)
    text = canonical(record)
    digest = digest_of(text)
    ticket = PromotionTicket(digest=digest, record=record)
    if request.dry_run:
        return ticket
    signature = canonical(sign(services, digest))
    files, artifacts = PromotedFiles(request.model, digest), services.bucket("artifacts")
    # First what another account may refuse: then nothing is left here.
    tooling.bucket("records").write_once(carried_record_key(digest), archive(text, signature))
    artifacts.write_once(files.record, text.encode())
    artifacts.write_once(files.signature, signature.encode())
    entered = stages[: stages.index(request.to) + 1]
    event = PromotionRequested(model=request.model, digest=digest, stages=f",{','.join(entered)},")
    publish_to(tooling, tooling.environment.arn("events", f"event-bus/{tooling.environment.bus}"), event)
    log.info("promotion requested", package=record.package_arn, record=digest, to=request.to, by=request.by)
    return ticket


def archive(record: str, signature: str) -> bytes:
    """Return the zip archive that the pipeline's source is; the same record gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as members:
        for name, text in (("record.json", record), ("signature.json", signature)):
            members.writestr(zipfile.ZipInfo(name, FIRST_TIME), text)
    return buffer.getvalue()


def make_record(request: PromotionRequest, services: Services, stages: Sequence[str]) -> ReleaseRecord:
    """Check the champion and return its record; nothing is written."""
    environment, ledger = services.environment, services.ledger
    model = environment.model(request.model)
    settings = services.settings(model.name)
    if settings.training_stage != environment.stage:
        raise NotTrainedHereError(
            f"{model.name} is trained in the stage {settings.training_stage!r}, not in {environment.stage!r}: "
            "request the promotion there"
        )
    if request.to not in stages:
        raise UnknownStageError(f"{request.to!r} is no later stage of {environment.team}: {', '.join(stages)}")
    champion = ledger.get(keys.champion(model.name))
    if champion is None or champion.version != request.version:
        serving = f"version {champion.version}" if champion else "nothing"
        raise NotChampionError(f"{model.id} serves {serving}, not version {request.version}: release it first")
    package = read_package(services, champion.package_arn)
    require_approval(package)
    run = ledger.get(keys.run(model.name, package.metadata.run))
    files = RunFiles(model.name, package.metadata.run)
    artifacts = services.bucket("artifacts")
    recorded = _recorded_files(artifacts, files, package)
    evaluation = artifacts.read_record(EvaluationReport, files.evaluation)
    gain = evaluation.gain
    return ReleaseRecord(
        format=FORMAT,
        team=environment.team,
        stage=environment.stage,
        account=environment.account,
        region=environment.region,
        model=model_of(services, package.arn).name,
        package_arn=package.arn,
        version=package.version,
        release_id=champion.release_id,
        run_id=package.metadata.run,
        dataset=settings.dataset,
        commit=package.metadata.commit,
        image=package.image,
        image_digest=package.image.partition("@")[2],
        code_sha256=package.metadata.code_sha256,
        contract_sha256=artifacts.read_record(ValidationReport, files.validation).contract_sha256,
        properties=package.metadata.to_properties(),
        parameters=run.recipe.hyperparameters if run and run.recipe else {},
        metrics=evaluation.candidate,
        gains=(RecordedGain(metric=gain.metric, difference=gain.difference, low=gain.low, high=gain.high),)
        if gain
        else (),
        files=recorded,
        approvals=(_approval(run, package, environment.stage),),
        trained_by=run.trigger.by if run else "",
        to=request.to,
        requested_by=request.by,
        requested_at=format_time(datetime.now(UTC)),
        nonce=uuid4().hex,
    )


def _recorded_files(artifacts: Bucket, files: RunFiles, package: ModelPackage) -> tuple[RecordedFile, ...]:
    places = {
        "model.tar.gz": artifacts.key_of(package.model_data_url),
        "evaluation.json": files.evaluation,
        "validation.json": files.validation,
        "baseline.json": files.baseline,
        "golden.json": files.golden,
    }
    found = []
    for name, key in places.items():
        stored = artifacts.find(key)
        if stored is None:
            raise FileErasedError(
                f"{artifacts.uri(key)} of {package.arn} is gone; a forgetting erases golden requests: retrain the "
                "model, release the new version, and promote that"
            )
        try:
            sha256 = artifacts.sha256_of(key, stored.version)
        except MissingObjectError as error:
            raise FileErasedError(f"{artifacts.uri(key)} of {package.arn} was erased just now") from error
        found.append(RecordedFile(name=name, key=key, sha256=sha256, size_bytes=stored.size_bytes))
    if found[0].sha256 != package.metadata.sha256:
        raise ArtifactChangedError(
            f"{package.model_data_url} has SHA-256 {found[0].sha256}; {package.metadata.sha256 or 'nothing'} was "
            "recorded at registration"
        )
    return tuple(found)


def _approval(run: Run | None, package: ModelPackage, stage: str) -> RecordedApproval:
    if run and run.approved_by and run.approved_at:
        return RecordedApproval(by=run.approved_by, at=run.approved_at, comment=run.approval_comment, stage=stage)
    assert package.changed is not None, "SageMaker gives every package a time"
    return RecordedApproval(by="", at=format_time(package.changed), comment=package.status_comment, stage=stage)
