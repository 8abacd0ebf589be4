"""Quarantine: where landed files go that are not committed, each with the reason why."""

from dataclasses import dataclass

from boto3.s3.transfer import TransferConfig

from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.sources import MAX_BYTES
from pipelines.datasets.landing.landed_files import LandedFile
from pipelines.interface.landing import quarantine_prefix
from pipelines.interface.times import written

IN_PARTS = TransferConfig(multipart_threshold=MAX_BYTES, multipart_chunksize=512 << 20)
"""One request copies as much as S3 takes in one; what is larger is copied in large parts."""
SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class RefusedFile:
    """A landed file and why it is not committed; the reason holds no value of a row."""

    landed: LandedFile
    reason: str


def is_kept(bucket: Bucket, dataset: str, refused: RefusedFile) -> bool:
    """Whether the file is in quarantine already, and was told of: its reason is what is written last."""
    return bucket.exists(_reason_key(dataset, refused.landed))


def copy(bucket: Bucket, dataset: str, refused: RefusedFile) -> None:
    """Copy the file's version into quarantine; doing it twice does no harm."""
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
    about = {"key": landed.key, "version": landed.version, "size_bytes": landed.size_bytes}
    document = {**about, "landed_at": written(landed.landed_at), "reason": refused.reason}
    bucket.write_json(_reason_key(dataset, landed), document)


def _reason_key(dataset: str, landed: LandedFile) -> str:
    return f"{quarantine_prefix(dataset, landed.id)}reason.json"


def describe(bucket: Bucket, dataset: str, refused: list[RefusedFile]) -> str:
    """The alert's text: the first files with their reasons, and where all of them are."""
    lines = [f"{each.landed.key}: {each.reason}" for each in refused[:SHOWN]]
    if len(refused) > SHOWN:
        lines.append(f"and {len(refused) - SHOWN} more")
    where = bucket.uri(quarantine_prefix(dataset, ""))[:-1]
    return "\n".join([*lines, "", f"They are kept, each with its reason, below {where}"])
