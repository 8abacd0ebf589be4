"""Download a build's sources from S3 under the build's role."""

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mooring.embedded.services.codebuild import zips
from mooring.embedded.services.codebuild.phases import PhaseError
from mooring.embedded.services.codebuild.store import Record

_CHUNK = 1024 * 1024


def download(s3: Any, source: Record, version: str, *, folder: Path, scratch: Path) -> str:
    """Unpack a source below the folder, and return its version (empty without versions).

    ``version`` is the version of an S3 source's object; for an artifact of a pipeline it is the revision that the
    pipeline names.

    Raises
    ------
    PhaseError
        The role may not read the object, it does not exist, or it is no zip archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if source["type"] == "NO_SOURCE":
        return ""
    bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
    asked = {"VersionId": version} if version and source["type"] == "S3" else {}
    try:
        found = s3.get_object(Bucket=bucket, Key=key, **asked)
        with scratch.open("wb") as sink:
            for chunk in found["Body"].iter_chunks(_CHUNK):
                sink.write(chunk)
        zips.unpack(scratch, folder)
    except (ClientError, BotoCoreError, zips.ZipError) as error:
        which = f"source {source['sourceIdentifier']}" if source.get("sourceIdentifier") else "primary source"
        raise PhaseError("CLIENT_ERROR", f"{error} for {which} s3://{bucket}/{key}") from error
    scratch.unlink()
    if version:
        return version
    return str(found.get("VersionId", "")).replace("null", "")
