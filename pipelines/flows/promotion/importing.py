"""Imports a release record: verifies it, copies its files, and registers its package in this environment.

Everything is verified before anything is written. The order of the writes lets a repetition continue: files, then the
package, then the ledger's item, which consumes the record.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from pipelines.aws.clients import Services
from pipelines.aws.ledger import ConflictError
from pipelines.aws.packages import PackageMetadata
from pipelines.aws.registration import find_registered, register
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.flows.promotion.signature import digest_of, pin, require_pinned, verify
from pipelines.interface import keys, log
from pipelines.interface.codec import InvalidRecordError, canonical, read_json
from pipelines.interface.env import Origins
from pipelines.interface.names import Environment, version_of
from pipelines.interface.paths import PromotedFiles, RunFiles
from pipelines.interface.records import ConsumedRecord, PromotionState, RecordedFile, ReleaseRecord
from pipelines.interface.requests import PackageVersion, PromotionStep
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import digest, format_time


class AlteredRecordError(RuntimeError):
    """The record's bytes are not those that its digest names."""


class ForeignRecordError(RuntimeError):
    """The record is not one for this environment."""


class ReplayedRecordError(RuntimeError):
    """Another pipeline execution has imported the record already."""


class AlteredFileError(RuntimeError):
    """A file is not the one that the record names."""


class OtherImageError(RuntimeError):
    """The environment serves with another image than the one in which the model was trained."""


def import_release(
    step: PromotionStep, services: Services, origins: Origins, *, elsewhere: Callable[[Environment], Services]
) -> PackageVersion:
    """Import the step's record, once; a repetition by the same pipeline execution gets the same answer.

    ``elsewhere`` returns another environment's resources. What is refused leaves nothing behind.

    Raises
    ------
    AlteredRecordError, ForeignRecordError, SignatureInvalidError, SigningKeyChangedError, ReplayedRecordError
        The record is not to be trusted here.
    AlteredFileError, OtherImageError
        What it names is not what is there.
    """
    record = read_record(step)
    trainer = require_fitting(record, services, origins)
    key_arn = verify(elsewhere(trainer), step.digest, step.signature)
    require_pinned(services, trainer.id, key_arn)
    key = keys.consumed_record(record.model, step.digest)
    consumed = services.ledger.get(key)
    if consumed:
        return _same(consumed, step)
    image = _own_image(record, services.settings(record.model))
    artifacts, source = services.bucket("artifacts"), elsewhere(origins.source).bucket("artifacts")
    versions = {file.key: _verify(source, file) for file in record.files}
    for file in record.files:
        if _sha256(artifacts, file.key) != file.sha256:
            artifacts.take(source, file.key, versions[file.key])
    files = PromotedFiles(record.model, step.digest)
    artifacts.write(files.record, step.record.encode())
    artifacts.write(files.signature, step.signature.encode())
    arn = _register(services, record, step.digest, image)
    pin(services, trainer.id, key_arn)
    consumed = ConsumedRecord(
        digest=step.digest,
        model=record.model,
        package_arn=arn,
        origin_arn=record.package_arn,
        execution=step.execution,
        imported_at=format_time(datetime.now(UTC)),
        state=PromotionState.IMPORTED,
    )
    try:
        services.ledger.create(key, consumed)
    except ConflictError:
        found = services.ledger.get(key)
        assert found is not None, "nobody deletes consumed records"
        return _same(found, step)
    log.info("release imported", package=arn, origin=record.package_arn, record=step.digest)
    return PackageVersion(package_arn=arn, version=version_of(arn))


def read_record(step: PromotionStep) -> ReleaseRecord:
    """Return the step's record; raise ``AlteredRecordError`` if its bytes are not those of the digest."""
    found = digest_of(step.record)
    if found != step.digest:
        raise AlteredRecordError(f"the record's SHA-256 is {found}, not {step.digest}: request the promotion again")
    try:
        record = read_json(ReleaseRecord, step.record, "the release record")
    except InvalidRecordError as error:
        raise AlteredRecordError(f"{error}: deploy this stage with the release that wrote the record") from error
    if canonical(record) != step.record:
        raise AlteredRecordError(f"the record {step.digest} is not in canonical JSON")
    return record


def require_fitting(record: ReleaseRecord, services: Services, origins: Origins) -> Environment:
    """Return the environment that trained the model, if the record is one of this team and for this stage.

    Raises
    ------
    ForeignRecordError
        It is not; the message says why.
    """
    environment, stages, trainer = services.environment, list(origins.stages), trainer_of(record, origins)
    reason = ""
    if record.team != environment.team or trainer is None:
        reason = f"it was made by {record.team}-{record.stage}-{record.region} in account {record.account}"
    elif record.package_arn != trainer.model(record.model).package_arn(record.version):
        reason = f"{record.package_arn} is not version {record.version} of {record.model} in {trainer.id}"
    elif record.to not in stages or stages.index(environment.stage) > stages.index(record.to):
        reason = f"it may enter the stages up to {record.to!r}"
    elif {file.key for file in record.files} != _keys(record):
        reason = "it names files that are not those of its run"
    elif (trained := services.settings(record.model).training_stage) != record.stage:
        reason = f"{record.model} is trained in the stage {trained!r}, not in {record.stage!r}"
    if reason or trainer is None:
        raise ForeignRecordError(f"the record is not one for {environment.id}: {reason}")
    return trainer


def trainer_of(record: ReleaseRecord, origins: Origins) -> Environment | None:
    """Return the environment that the record names, if it is one that may train."""
    named = (record.team, record.stage, record.account, record.region)
    known = {(each.team, each.stage, each.account, each.region): each for each in origins.trainers}
    return known.get(named)


def _keys(record: ReleaseRecord) -> set[str]:
    files = RunFiles(record.model, record.run_id)
    return {files.artifact, files.evaluation, files.validation, files.baseline, files.golden}


def _same(consumed: ConsumedRecord, step: PromotionStep) -> PackageVersion:
    if consumed.execution != step.execution:
        raise ReplayedRecordError(
            f"the record {step.digest} was imported by the pipeline execution {consumed.execution} at "
            f"{consumed.imported_at} as {consumed.package_arn}: request the promotion again"
        )
    return PackageVersion(package_arn=consumed.package_arn, version=version_of(consumed.package_arn))


def _own_image(record: ReleaseRecord, settings: ModelSettings) -> str:
    """Return the image in this region's registry; it must be the same repository and tag."""
    trained, own = (image.rpartition("/")[2] for image in (record.image, settings.image))
    if trained != own:
        raise OtherImageError(
            f"{record.package_arn} was trained in {trained}, this environment uses {own}: deploy it with the release "
            "that trained the model"
        )
    return settings.image


def _verify(source: Bucket, file: RecordedFile) -> str | None:
    """Compare a file at the source with the record; return its VersionId, which is the one to copy."""
    stored = source.find(file.key)
    if stored is None:
        raise AlteredFileError(f"{source.uri(file.key)} is gone: request the promotion again")
    if stored.size_bytes != file.size_bytes:
        raise AlteredFileError(
            f"{source.uri(file.key)} has {stored.size_bytes:,} bytes, the record says {file.size_bytes:,}"
        )
    found = source.sha256_of(file.key, stored.version)
    if found != file.sha256:
        raise AlteredFileError(f"{source.uri(file.key)} has SHA-256 {found}, the record says {file.sha256}")
    return stored.version


def _sha256(bucket: Bucket, key: str) -> str | None:
    try:
        return bucket.sha256_of(key)
    except MissingObjectError:
        return None


def _register(services: Services, record: ReleaseRecord, record_digest: str, image: str) -> str:
    model, sagemaker = services.environment.model(record.model), services.client("sagemaker")
    if registered := find_registered(sagemaker, model.package_group, record=record_digest):
        return registered
    artifacts, files = services.bucket("artifacts"), RunFiles(record.model, record.run_id)
    metadata = replace(
        PackageMetadata.from_properties(record.properties),
        baseline_uri=artifacts.uri(files.baseline),
        golden_uri=artifacts.uri(files.golden),
        origin=record.package_arn,
        record=record_digest,
    )
    return register(
        sagemaker, model.package_group, files, artifacts, image=image, metadata=metadata, token=digest(record_digest)
    )
