"""Reads what a lineage holds of commits, runs, jobs, packages, releases and checks.

Missing and damaged parts are no errors: they are left out, and a text beside the facts names them.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from botocore.exceptions import ClientError

from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.packages import ABSENT_CODES, ModelPackage, UnknownPackageError, read_package
from pipelines.aws.s3 import MissingObjectError
from pipelines.datasets.commits.commits import Commit, Dataset, InvalidCommitError, NoDataError
from pipelines.interface import keys
from pipelines.interface.codec import InvalidRecordError
from pipelines.interface.names import version_of
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import Check, EvaluationReport, QualityHour, Release, Run, ValidationReport
from pipelines.interface.times import format_time, parse_time
from pipelines.views.lineage.facts import (
    UNDER_WAY,
    UNKNOWN,
    BrokenRule,
    CheckCounts,
    CheckFacts,
    ColumnDrift,
    CommitContents,
    CommitFacts,
    CommitOrigin,
    EvaluationFigures,
    JobDescription,
    PackageDescription,
    QualityFacts,
    ReleaseFacts,
    RunDetails,
    RunFacts,
    RunTrigger,
    ValidationFigures,
)
from pipelines.views.lineage.items import LedgerItem, read_item

R = TypeVar("R")

NO_MANIFEST = "the manifest is no longer there"
NO_RECORD = "the ledger's record is no longer there"
NO_DESCRIPTION = "SageMaker's description is no longer there"
NO_PACKAGE = "the registry's entry is no longer there"
TRAINING_STEP = "train"
"""The step whose job is a training job; the others are processing jobs."""


def package_name(model: str, package_arn: str) -> str:
    return f"{model}/{version_of(package_arn)}"


def join_texts(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


# -- commits -----------------------------------------------------------------------------------------------------------


def read_commit(services: Services, dataset: str, commit_id: str) -> tuple[CommitFacts, str]:
    """Return a commit's facts, and a text that names what of it is missing or damaged."""
    source = Dataset(name=dataset, bucket=services.bucket("data"), ledger=services.ledger)
    try:
        commit = source.read_commit(commit_id)
    except (NoDataError, InvalidRecordError):
        # Without a manifest the commit's tombstone is read. The tracer names it if it is damaged.
        missing = NO_MANIFEST
    except InvalidCommitError as error:
        missing = f"the manifest is damaged: {error}"
    else:
        return _commit_facts(commit), ""
    item = read_item(services.ledger, keys.commit(dataset, commit_id))
    if item is None or item.record is None:
        facts = CommitFacts(dataset=dataset, commit=commit_id)
        return facts, join_texts(missing, item.damage if item else "")
    origin = CommitOrigin(tree=item.record.tree, parent=item.record.parent, time=item.record.time)
    return CommitFacts(dataset=dataset, commit=commit_id, origin=origin), missing


def _commit_facts(commit: Commit) -> CommitFacts:
    rows = [file.rows for file in commit.files if file.rows is not None]
    return CommitFacts(
        dataset=commit.dataset,
        commit=commit.id,
        origin=CommitOrigin(tree=commit.tree, parent=commit.parent, time=commit.time),
        contents=CommitContents(
            author=commit.author,
            message=commit.message,
            files=len(commit.files),
            size_bytes=commit.size_bytes,
            rows=sum(rows) if len(rows) == len(commit.files) else None,
        ),
    )


# -- runs and their jobs -----------------------------------------------------------------------------------------------


def run_facts(model: str, run: Run) -> RunFacts:
    def named(package_arn: str | None) -> str | None:
        return package_name(model, package_arn) if package_arn else None

    details = RunDetails(
        execution=run.execution,
        started=run.started,
        seconds=seconds_between(run.started, run.ended),
        trigger=RunTrigger(kind=run.trigger.kind, by=run.trigger.by, reason=run.trigger.reason),
        ended=run.ended,
        cause=run.cause if run.outcome else None,
        commit=run.commit,
        dataset=run.dataset,
        recipe=run.recipe,
        comparison=run.comparison,
        package=named(run.package_arn),
        champion=named(run.champion),
        reproduces=named(run.reproduces),
    )
    return RunFacts(model=model, run_id=run.run_id, outcome=run.outcome or UNDER_WAY, details=details)


def read_job(services: Services, step: str, name: str) -> JobDescription | None:
    """Return SageMaker's description of a job, or None once SageMaker has forgotten it."""
    sagemaker = services.client("sagemaker")
    try:
        if step == TRAINING_STEP:
            found = sagemaker.describe_training_job(TrainingJobName=name)
        else:
            found = sagemaker.describe_processing_job(ProcessingJobName=name)
    except ClientError as error:
        if code_of(error) in ABSENT_CODES:
            return None
        raise
    kind = "Training" if step == TRAINING_STEP else "Processing"
    begin, end = (_format(found.get(f"{kind}{part}Time")) for part in ("Start", "End"))
    resources = found.get("ResourceConfig") or found.get("ProcessingResources", {}).get("ClusterConfig", {})
    return JobDescription(
        status=found[f"{kind}JobStatus"],
        started=begin,
        ended=end,
        seconds=seconds_between(begin, end),
        instance_type=resources.get("InstanceType"),
    )


def read_validation(services: Services, files: RunFiles) -> tuple[ValidationFigures | None, str]:
    """Return what the validate step reported, and a text that names a damaged report."""
    report, damage = _read_report(services, ValidationReport, files.validation)
    if report is None:
        return None, damage
    figures = ValidationFigures(
        outcome=report.outcome,
        rows=report.rows,
        files=report.files,
        rules=report.rules,
        contract_sha256=report.contract_sha256,
        unlabelled=report.unlabelled,
        violations=tuple(
            BrokenRule(column=broken.column, rule=broken.rule, count=broken.count, detail=broken.detail)
            for broken in report.violations
        ),
        training=report.training,
        holdout=report.holdout,
    )
    return figures, ""


def read_evaluation(services: Services, files: RunFiles) -> tuple[EvaluationFigures | None, str]:
    """Return what the evaluate step measured, and a text that names a damaged report."""
    report, damage = _read_report(services, EvaluationReport, files.evaluation)
    if report is None:
        return None, damage
    figures = EvaluationFigures(
        task=report.task,
        target=report.target,
        metric=report.metric,
        rows=report.rows,
        candidate=report.candidate,
        candidate_sha256=report.candidate_sha256,
        champion=report.champion,
        champion_version=report.champion_version,
        gain=report.gain,
        candidate_content_sha256=report.candidate_content_sha256,
        training_rows_sha256=report.training_rows_sha256,
        holdout_rows_sha256=report.holdout_rows_sha256,
    )
    return figures, ""


def _read_report(services: Services, kind: type[R], key: str) -> tuple[R | None, str]:
    artifacts = services.bucket("artifacts")
    try:
        return artifacts.read_record(kind, key), ""
    except MissingObjectError:
        return None, ""
    except InvalidRecordError:
        # The error's own text quotes the document, and so perhaps a value of a row.
        return None, f"{artifacts.uri(key)} is damaged: it cannot be read as {kind.__name__}"


# -- packages and their releases ---------------------------------------------------------------------------------------


def read_description(services: Services, package_arn: str) -> PackageDescription | None:
    """Return what the registry holds of a package, or None if it was deleted."""
    try:
        return _description(read_package(services, package_arn))
    except UnknownPackageError:
        return None


def _description(package: ModelPackage) -> PackageDescription:
    metadata = package.metadata
    return PackageDescription(
        status=package.status,
        status_comment=package.status_comment,
        created=_format(package.created),
        image=package.image,
        artifact=package.model_data_url,
        metrics=metadata.metrics,
        run=metadata.run,
        commit=metadata.commit,
        job=metadata.job,
        sha256=metadata.sha256,
        content_sha256=metadata.content_sha256,
        code_sha256=metadata.code_sha256,
        champion=metadata.champion,
    )


def release_facts(release: Release) -> ReleaseFacts:
    return ReleaseFacts(
        release_id=release.release_id,
        outcome=release.outcome or UNDER_WAY,
        by=release.by,
        rollback=release.rollback,
        begun=release.begun,
        ended=release.ended,
        cause=release.cause if release.outcome else None,
        verification=release.verification,
    )


# -- checks ------------------------------------------------------------------------------------------------------------


def check_facts(check: Check) -> CheckFacts:
    return CheckFacts(
        check_id=check.check_id,
        outcome=check.outcome,
        worst=tuple(ColumnDrift(name=column.name, psi=column.psi, effect=column.effect) for column in check.worst),
        begin=check.begin,
        end=check.end,
        rows=check.rows,
        records=check.records,
        corrupt_records=check.corrupt_records,
        damaged_files=check.damaged_files,
    )


def quality_facts(hour: QualityHour) -> QualityFacts:
    return QualityFacts(
        window=hour.window,
        outcome=hour.outcome,
        value=hour.metrics.get(hour.metric),
        evaluated=hour.evaluated.get(hour.metric),
        begin=hour.begin,
        end=hour.end,
        rows=hour.rows,
        metric=hour.metric,
        loss=hour.loss,
        worst_segment=hour.worst_segment,
    )


def count_checks(items: Sequence[LedgerItem[Check | QualityHour]]) -> CheckCounts:
    """Return how many checks there are by outcome; the outcome of a damaged one is unknown."""
    outcomes = Counter(str(item.record.outcome) if item.record else UNKNOWN for item in items)
    ends = [item.record.end for item in items if item.record]
    return CheckCounts(
        total=len(items),
        outcomes=dict(sorted(outcomes.items())),
        first=ends[0] if ends else None,
        last=ends[-1] if ends else None,
    )


# -- times -------------------------------------------------------------------------------------------------------------


def _format(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def seconds_between(begin: str | None, end: str | None) -> int | None:
    """Return whole seconds between two times as the ledger writes them."""
    return round((parse_time(end) - parse_time(begin)).total_seconds()) if begin and end else None
