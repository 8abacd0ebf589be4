"""Quarantine: landed files that were not committed, each with the reason."""

from dataclasses import dataclass

from boto3.s3.transfer import TransferConfig

from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.sources import MAX_BYTES
from pipelines.datasets.landing.landed_files import LandedFile
from pipelines.interface.landing import quarantine_prefix
from pipelines.interface.times import format_time

IN_PARTS = TransferConfig(multipart_threshold=MAX_BYTES, multipart_chunksize=512 << 20)
"""Sizes for the copy: one request copies as much as S3 allows; a larger file is copied in large parts."""
SHOWN = 20
"""Number of files that an alert or an error lists."""


@dataclass(frozen=True, kw_only=True)
class RefusedFile:
    """A landed file that is not committed, and the reason, which holds no value of a row."""

    landed: LandedFile
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefusalReason:
    """``reason.json``: the key and version where the file landed, and why it was refused."""

    key: str
    version: str
    size_bytes: int
    landed_at: str
    reason: str


def is_kept(bucket: Bucket, dataset: str, refused: RefusedFile) -> bool:
    """Return whether the file is in quarantine and was part of an alert: its reason is written last."""
    return bucket.exists(_reason_key(dataset, refused.landed))


def copy(bucket: Bucket, dataset: str, refused: RefusedFile) -> None:
    """Copy the file's version to quarantine; a second copy does no harm."""
    landed = refused.landed
    bucket.client.copy(
        {"Bucket": bucket.name, "Key": landed.key, "VersionId": landed.version},
        bucket.name,
        f"{quarantine_prefix(dataset, landed.id)}content",
        ExtraArgs={
            "MetadataDirective": "REPLACE",
            "TaggingDirective": "REPLACE",
            "ExpectedBucketOwner": bucket.owner,
        },
        Config=IN_PARTS,
    )


def write_reason(bucket: Bucket, dataset: str, refused: RefusedFile) -> None:
    landed = refused.landed
    reason = RefusalReason(
        key=landed.key,
        version=landed.version,
        size_bytes=landed.size_bytes,
        landed_at=format_time(landed.landed_at),
        reason=refused.reason,
    )
    bucket.write_record(_reason_key(dataset, landed), reason)


def _reason_key(dataset: str, landed: LandedFile) -> str:
    return f"{quarantine_prefix(dataset, landed.id)}reason.json"


def describe(bucket: Bucket, dataset: str, refused: list[RefusedFile]) -> str:
    """Return the alert's text: the first files with their reasons, and where all of them are."""
    lines = [f"{each.landed.key}: {each.reason}" for each in refused[:SHOWN]]
    if len(refused) > SHOWN:
        lines.append(f"and {len(refused) - SHOWN} more")
    where = bucket.uri(quarantine_prefix(dataset, ""))[:-1]
    return "\n".join([*lines, "", f"Each file is kept with its reason below {where}"])
