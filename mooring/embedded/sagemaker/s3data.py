"""Download a job's channels and inputs from S3 and upload its outputs, under the job's role."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_PARALLEL = 4


class DataError(Exception):
    """Failure to read or write data; the text becomes a FailureReason."""


def split(uri: str) -> tuple[str, str]:
    """Return the bucket and key of an ``s3://`` URI.

    Raises
    ------
    DataError
        It is no ``s3://`` URI.
    """
    if not uri.startswith("s3://"):
        raise DataError(f"{uri!r} is not an s3:// URI")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def download(s3: Any, uri: str, target: Path) -> None:
    """Download one object to one file."""
    bucket, key = split(uri)
    _guarded("read", uri, lambda: _fetch(s3, bucket, key, target))


def download_prefix(s3: Any, uri: str, folder: Path, *, role_arn: str) -> None:
    """Download every object whose key begins with the prefix; at least one must exist."""
    bucket, prefix = split(uri)
    keys = _guarded("read", uri, lambda: _keys(s3, bucket, prefix))
    if not keys:
        raise DataError(
            f"No S3 objects found under S3 URL {uri!r} given in input data source. Please ensure that the bucket exists"
            f" in the selected region, that objects exist under that S3 prefix, and that the role {role_arn!r} has"
            f" s3:ListBucket permissions on bucket {bucket!r}"
        )
    _fetch_all(s3, bucket, {key: _below(prefix, key) for key in keys}, folder)


def download_manifest(s3: Any, uri: str, folder: Path) -> None:
    """Download the objects that a manifest names: ``[{"prefix": "s3://bucket/folder/"}, "a.csv", ...]``."""
    bucket, key = split(uri)
    body = _guarded("read", uri, lambda: _bytes(s3, bucket, key))
    try:
        first, *names = json.loads(body)
        prefix = first["prefix"]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f'The manifest {uri} is not a JSON list whose first item is {{"prefix": "s3://bucket/folder/"}}: {error}'
        ) from error
    bucket, prefix = split(prefix)
    _fetch_all(s3, bucket, {prefix + name: name for name in names}, folder)


def upload(s3: Any, file: Path, uri: str, *, kms_key: str | None) -> None:
    """Upload one file to one object."""
    bucket, key = split(uri)
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    _guarded("write", uri, lambda: s3.upload_file(str(file), bucket, key, ExtraArgs=extra))


def files_below(folder: Path) -> list[Path]:
    """Return every file below the folder, sorted; symbolic links are skipped, as on SageMaker."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _guarded(verb: str, uri: str, action: Any) -> Any:
    try:
        return action()
    except (ClientError, BotoCoreError) as error:
        raise DataError(f"ClientError: Could not {verb} {uri}: {error}") from error
    except Exception as error:  # boto3's S3UploadFailedError is neither a ClientError nor a BotoCoreError
        raise DataError(f"Could not {verb} {uri}: {error}") from error


def _keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]


def _below(prefix: str, key: str) -> str:
    if key == prefix:
        return PurePosixPath(key).name
    rest = key[len(prefix) :]
    if prefix.endswith("/") or not prefix or rest.startswith("/"):
        return rest.lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def _fetch_all(s3: Any, bucket: str, targets: dict[str, str], folder: Path) -> None:
    for name in targets.values():
        if ".." in PurePosixPath(name).parts or name.startswith("/"):
            raise DataError(f"The object name {name!r} lies outside the folder; names must be relative, without '..'")

    def fetch(key: str, name: str) -> None:
        _guarded("read", f"s3://{bucket}/{key}", lambda: _fetch(s3, bucket, key, folder / name))

    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(fetch, targets.keys(), targets.values()))


def _bytes(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def _fetch(s3: Any, bucket: str, key: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with target.open("wb") as sink:
        for chunk in body.iter_chunks(1024 * 1024):
            sink.write(chunk)
