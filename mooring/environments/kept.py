"""Resources that stay of an environment that is taken down: their sizes and costs, and how they are erased."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from mooring.environments.sweep import Found
from mooring.errors import MooringError
from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.versions import erase, version_pages

GB = 1024**3
KEY_USD = 1.00
USD_PER_GB = {"event archive": 0.10, "log group": 0.03, "DynamoDB table": 0.25}
STORAGE_USD_PER_GB = {"STANDARD": 0.023, "GLACIER_IR": 0.004}
"""List prices of us-east-1 a month (2026); other storage classes count as STANDARD."""
KEY_WINDOW_DAYS = 30
"""Days in which the deletion of a key can be cancelled: AWS's longest."""
ERASE_ATTEMPTS = 5
"""Times that a bucket is emptied: S3 delivers access logs for hours."""
ORDER = ("model package group", "log group", "event archive", "S3 bucket", "parameter", "DynamoDB table", "KMS key")
"""Order of erasing. The key is last: without it nothing can be read."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A resource that stays. ``size_bytes`` is None where it costs nothing by its size."""

    kind: str
    name: str
    size_bytes: int | None
    monthly_usd: float


def measure_kept(services: Services, found: Found) -> Kept:
    """Return the size and the price of a resource that stays."""
    if found.kind == "S3 bucket":
        sizes: dict[str, int] = {}
        for page in version_pages(_bucket(services, found.name), ""):
            for entry in page.get("Versions", []):
                storage = entry.get("StorageClass", "STANDARD")
                sizes[storage] = sizes.get(storage, 0) + entry["Size"]
        usd = sum(_storage_usd(storage) * size / GB for storage, size in sizes.items())
        return _kept(found, sum(sizes.values()), usd)
    if found.kind == "KMS key":
        return _kept(found, None, KEY_USD)
    size = _size(services, found)
    return _kept(found, size, USD_PER_GB.get(found.kind, 0.0) * (size or 0) / GB)


def erase_kept(services: Services, found: Found) -> None:
    """Erase a resource that stays; the key is deleted after ``KEY_WINDOW_DAYS`` days."""
    _ERASERS[found.kind](services, found.name)


def _kept(found: Found, size: int | None, usd: float) -> Kept:
    return Kept(kind=found.kind, name=found.name, size_bytes=size, monthly_usd=usd)


def _storage_usd(storage: str) -> float:
    return STORAGE_USD_PER_GB.get(storage, STORAGE_USD_PER_GB["STANDARD"])


def _size(services: Services, found: Found) -> int | None:
    if found.kind == "DynamoDB table":
        return int(services.client("dynamodb").describe_table(TableName=found.name)["Table"]["TableSizeBytes"])
    if found.kind == "event archive":
        return int(services.client("events").describe_archive(ArchiveName=found.name).get("SizeBytes", 0))
    if found.kind == "log group":
        groups = services.client("logs").describe_log_groups(logGroupNamePrefix=found.name)["logGroups"]
        return sum(int(group.get("storedBytes", 0)) for group in groups if group["logGroupName"] == found.name)
    return None


def _bucket(services: Services, name: str) -> Bucket:
    return Bucket(client=services.client("s3"), name=name, owner=services.environment.account)


def _erase_bucket(services: Services, name: str) -> None:
    bucket, s3 = _bucket(services, name), services.client("s3")
    for attempt in range(ERASE_ATTEMPTS):
        for page in version_pages(bucket, ""):
            versions = (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            erase(bucket, [(entry["Key"], entry["VersionId"]) for entry in versions])
        try:
            s3.delete_bucket(Bucket=name, ExpectedBucketOwner=bucket.owner)
        except ClientError as error:
            if code_of(error) != "BucketNotEmpty":
                raise
            time.sleep(2**attempt)
        else:
            return
    raise MooringError(
        f"bucket {name} gets new objects while it is emptied",
        remedy="wait an hour for the last access logs, and repeat the command",
    )


def _erase_table(services: Services, name: str) -> None:
    dynamodb = services.client("dynamodb")
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name)


def _erase_group(services: Services, name: str) -> None:
    sagemaker = services.client("sagemaker")
    for page in sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=name):
        for package in page["ModelPackageSummaryList"]:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def _erase_key(services: Services, name: str) -> None:
    services.client("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=KEY_WINDOW_DAYS)


_ERASERS: Mapping[str, Callable[[Services, str], object]] = {
    "model package group": _erase_group,
    "log group": lambda services, name: services.client("logs").delete_log_group(logGroupName=name),
    "event archive": lambda services, name: services.client("events").delete_archive(ArchiveName=name),
    "S3 bucket": _erase_bucket,
    "parameter": lambda services, name: services.client("ssm").delete_parameter(Name=name),
    "DynamoDB table": _erase_table,
    "KMS key": _erase_key,
}
