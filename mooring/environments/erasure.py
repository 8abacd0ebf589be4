"""A model's packages, files and records: measured, and erased for ever by ``mooring retire --erase``."""

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.packages import ABSENT_CODES
from pipelines.datasets.commits.versions import erase, version_pages
from pipelines.interface import keys
from pipelines.interface.names import Model
from pipelines.interface.paths import SCRATCH, labels_prefix

RETIREMENTS = "retirement#"
"""Prefix of the ledger's items that stay: they record that the others were erased."""


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """The number of a model's packages, versions of objects, their bytes, and records; and its endpoint's log group."""

    packages: int
    versions: int
    size_bytes: int
    records: int
    log_group: str | None

    @property
    def is_empty(self) -> bool:
        return not (self.packages or self.versions or self.records or self.log_group)


def prefixes(model: Model) -> Iterator[tuple[str, str]]:
    """Yield (bucket kind, prefix) of all objects of the model; its dataset's are not the model's."""
    yield "artifacts", f"runs/{model.name}/"
    yield "artifacts", f"{SCRATCH}{model.name}/"
    yield "artifacts", f"checks/{model.name}/"
    yield "capture", f"{model.name}/"
    yield "capture", f"quarantine/{model.name}/"
    yield "capture", labels_prefix(model.name)


def measure(services: Services, model: Model) -> Belongings:
    """Return what ``erase_all`` would erase now."""
    sizes = [
        entry.get("Size", 0)
        for kind, prefix in prefixes(model)
        for page in version_pages(services.bucket(kind), prefix)
        for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    ]
    return Belongings(
        packages=len(list(_packages(services, model))),
        versions=len(sizes),
        size_bytes=sum(sizes),
        records=len(list(_records(services, model))),
        log_group=_log_group(services, model),
    )


def erase_all(services: Services, model: Model) -> None:
    """Erase the model's packages and their group, its objects, log group and records; a repeated call goes on."""
    sagemaker = services.client("sagemaker")
    for arn in list(_packages(services, model)):
        sagemaker.delete_model_package(ModelPackageName=arn)
    try:
        sagemaker.delete_model_package_group(ModelPackageGroupName=model.package_group)
    except ClientError as error:
        if code_of(error) not in ABSENT_CODES:
            raise
    for kind, prefix in prefixes(model):
        bucket = services.bucket(kind)
        for page in version_pages(bucket, prefix):
            found = (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            erase(bucket, [(entry["Key"], entry["VersionId"]) for entry in found])
    if group := _log_group(services, model):
        services.client("logs").delete_log_group(logGroupName=group)
    dynamodb, table = services.client("dynamodb"), services.environment.ledger_table
    for pk, sk in list(_records(services, model)):
        dynamodb.delete_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})


def _packages(services: Services, model: Model) -> Iterator[str]:
    pages = services.client("sagemaker").get_paginator("list_model_packages")
    try:
        for page in pages.paginate(ModelPackageGroupName=model.package_group):
            yield from (package["ModelPackageArn"] for package in page["ModelPackageSummaryList"])
    except ClientError as error:
        if code_of(error) not in ABSENT_CODES:
            raise


def _log_group(services: Services, model: Model) -> str | None:
    name = model.endpoint_log_group
    found = services.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return name if any(group["logGroupName"] == name for group in found) else None


def _records(services: Services, model: Model) -> Iterator[tuple[str, str]]:
    """Yield the keys of the ledger's items of the model, those that lead to them first."""
    ledger = services.ledger
    for run_id, run in ledger.query(keys.runs(model.name)):
        if run.dataset and run.commit:
            use = keys.commit_use(run.dataset, run.commit, model.name, run_id)
            yield use.pk, use.sk
    flows = [run.execution for _, run in ledger.query(keys.runs(model.name))]
    flows += [release.execution for _, release in ledger.query(keys.releases(model.name))]
    for arn in flows:
        known = keys.execution(arn)
        yield known.pk, known.sk
    pages = ledger.client.get_paginator("query").paginate(
        TableName=ledger.table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.model_pk(model.name)}},
        ProjectionExpression="pk, sk",
        ConsistentRead=True,
    )
    for page in pages:
        for item in page["Items"]:
            if not item["sk"]["S"].startswith(RETIREMENTS):
                yield item["pk"]["S"], item["sk"]["S"]
