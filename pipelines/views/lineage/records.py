"""What is read for a lineage, each part as a node's attributes; what is gone is None, never an error.

Only named fields are taken over: whatever else a document holds, values of rows included, stays where it is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.aws.s3 import MissingObjectError
from pipelines.datasets.commits.commits import Commit, Dataset, InvalidCommitError, NoDataError
from pipelines.interface.paths import run_prefix
from pipelines.interface.times import parse_moment, written

GONE = "no longer there"
ABSENT_CODES = ("ValidationException", "ResourceNotFound")
"""How SageMaker says that it knows no such thing."""
RUN_FIELDS = ("run_id", "execution", "started", "ended", "cause", "commit", "dataset", "recipe", "comparison")
RELEASE_FIELDS = ("release_id", "by", "rollback", "begun", "ended", "cause", "verification")
CHECK_FIELDS = ("check_id", "begin", "end", "outcome", "rows", "records", "corrupt_records", "damaged_files")
QUALITY_FIELDS = ("window", "begin", "end", "outcome", "rows", "metric", "loss", "worst_segment")
STEP_OF_KIND = {"Training": ("train",), "Processing": ("validate", "evaluate")}


def read_commit(services: Services, dataset: str, commit_id: str) -> tuple[dict[str, Any], str]:
    """A commit's attributes, and why they are few."""
    about: dict[str, Any] = {"dataset": dataset, "commit": commit_id}
    source = Dataset(name=dataset, bucket=services.bucket("data"), ledger=services.ledger)
    try:
        return {**about, **of_commit(source.read_commit(commit_id))}, ""
    except NoDataError:
        missing = f"the manifest is {GONE}"
    except InvalidCommitError as error:
        missing = f"the manifest is damaged: {error}"
    record = source.history.record(commit_id)
    return about | ({"tree": record.tree, "parent": record.parent, "time": record.time} if record else {}), missing


def of_commit(commit: Commit) -> dict[str, Any]:
    rows = [file.rows for file in commit.files if file.rows is not None]
    return {
        "tree": commit.tree,
        "parent": commit.parent,
        "time": commit.time,
        "author": commit.author,
        "message": commit.message,
        "files": len(commit.files),
        "size_bytes": commit.size_bytes,
        "rows": sum(rows) if len(rows) == len(commit.files) else None,
    }


def of_run(item: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A run's attributes from its ledger item; ``outcome`` is ``under way`` until it has one."""
    about = {name: item[name] for name in RUN_FIELDS if item.get(name) is not None}
    trigger = item.get("trigger", {})
    packages = {"package": "package_arn", "champion": "champion", "reproduces": "reproduces"}
    return {
        "model": model,
        **about,
        **{name: package_name(model, item[field]) for name, field in packages.items() if item.get(field)},
        "outcome": item.get("outcome") or "under way",
        "trigger": {name: trigger.get(name, "") for name in ("kind", "by", "reason")},
        "seconds": seconds_between(item.get("started"), item.get("ended")),
    }


def version_of(package_arn: str) -> int:
    return int(package_arn.rpartition("/")[2])


def package_name(model: str, package_arn: str) -> str:
    return f"{model}/{version_of(package_arn)}"


def of_release(item: Mapping[str, Any]) -> dict[str, Any]:
    about = {name: item[name] for name in RELEASE_FIELDS if item.get(name) is not None}
    return {**about, "outcome": item.get("outcome") or "under way"}


def of_check(item: Mapping[str, Any]) -> dict[str, Any]:
    about = {name: item[name] for name in CHECK_FIELDS if item.get(name) is not None}
    fields = ("name", "psi", "effect")
    worst = [{field: column[field] for field in fields if field in column} for column in item.get("worst", [])]
    return {**about, "worst": worst}


def of_quality(item: Mapping[str, Any]) -> dict[str, Any]:
    """A version's quality on labelled traffic, in its gate's metric; of the worst segment the column alone."""
    about = {name: item[name] for name in QUALITY_FIELDS if item.get(name) is not None}
    metric = str(item.get("metric"))
    return {**about, **{name: item.get(source, {}).get(metric) for name, source in _MEASURED.items()}}


_MEASURED = {"value": "metrics", "evaluated": "evaluated"}


def read_validation(services: Services, model: str, run_id: str) -> dict[str, Any] | None:
    """What the validate step reported, without any row's values."""
    report = _document(services, model, run_id, "validation/validation.json")
    if report is None:
        return None
    violations = [
        {name: violation[name] for name in ("column", "rule", "count", "detail") if name in violation}
        for violation in report.get("violations", [])
    ]
    fields = ("rows", "files", "rules", "contract_sha256", "unlabelled")
    known: dict[str, Any] = {name: report[name] for name in fields if name in report}
    split = {
        name: {part: report[name][part] for part in ("rows", "months") if part in report[name]}
        for name in ("training", "holdout")
        if isinstance(report.get(name), Mapping)
    }
    outcome = report.get("outcome") or ("failed" if violations else "passed")
    return {"outcome": outcome, **known, **split, "violations": violations}


def read_evaluation(services: Services, model: str, run_id: str) -> dict[str, Any] | None:
    """What the evaluate step measured; its segments, which name values of columns, stay where they are."""
    report = _document(services, model, run_id, "evaluation/evaluation.json")
    if report is None:
        return None
    fields = ("task", "target", "metric", "rows", "candidate", "champion", "champion_version", "gain")
    digests = ("candidate_sha256", "candidate_content_sha256", "training_rows_sha256", "holdout_rows_sha256")
    return {name: report[name] for name in (*fields, *digests) if report.get(name) is not None}


def _document(services: Services, model: str, run_id: str, place: str) -> dict[str, Any] | None:
    try:
        document = services.bucket("artifacts").read_json(f"{run_prefix(model, run_id)}{place}")
    except (MissingObjectError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def read_job(services: Services, step: str, name: str) -> dict[str, Any] | None:
    """SageMaker's description of a job in short, or None once SageMaker has forgotten it."""
    kind = next(kind for kind, steps in STEP_OF_KIND.items() if step in steps)
    sagemaker = services.client("sagemaker")
    try:
        if kind == "Training":
            found = sagemaker.describe_training_job(TrainingJobName=name)
        else:
            found = sagemaker.describe_processing_job(ProcessingJobName=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ABSENT_CODES:
            return None
        raise
    begin, end = (_moment(found.get(f"{kind}{part}Time")) for part in ("Start", "End"))
    resources = found.get("ResourceConfig") or found.get("ProcessingResources", {}).get("ClusterConfig", {})
    return {
        "status": found[f"{kind}JobStatus"],
        "started": begin,
        "ended": end,
        "seconds": seconds_between(begin, end),
        "instance_type": resources.get("InstanceType"),
    }


def read_package(services: Services, arn: str) -> dict[str, Any] | None:
    """A package's attributes from the registry, or None if it was deleted."""
    try:
        found = services.package(arn)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ABSENT_CODES:
            return None
        raise
    containers = found.get("InferenceSpecification", {}).get("Containers") or [{}]
    metadata = found.get("CustomerMetadataProperties", {})
    names = ("run", "commit", "job", "sha256", "content_sha256", "code_sha256", "champion")
    metrics = {
        name.removeprefix("metric_"): float(value) for name, value in metadata.items() if name.startswith("metric_")
    }
    return {
        "status": found.get("ModelApprovalStatus", ""),
        "status_comment": found.get("ApprovalDescription", ""),
        "created": _moment(found.get("CreationTime")),
        "image": containers[0].get("Image", ""),
        "artifact": containers[0].get("ModelDataUrl", ""),
        "metrics": metrics,
        **{name: metadata[name] for name in names if name in metadata},
    }


def _moment(value: Any) -> str | None:
    return written(value) if isinstance(value, datetime) else None


def seconds_between(begin: str | None, end: str | None) -> int | None:
    """Whole seconds between two moments as the ledger writes them."""
    return round((parse_moment(end) - parse_moment(begin)).total_seconds()) if begin and end else None
