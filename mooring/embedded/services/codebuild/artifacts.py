"""Collect the files of a build's artifacts and write them to S3 under the build's role."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from mooring.embedded.services.codebuild import buildspec, zips
from mooring.embedded.services.codebuild.phases import PhaseError
from mooring.embedded.services.codebuild.store import Record


def collect(
    wanted: buildspec.Artifacts | None, target: Record, source: Path, expand: Callable[[str], str]
) -> tuple[dict[str, Path], str]:
    """Return the files of an artifact by their names in it, and the name that the buildspec gives.

    ``expand`` expands the variables of the base directory and of the name.

    Raises
    ------
    PhaseError
        The buildspec does not have the artifact, there is no such base directory, or no pattern matches a file.
    """
    if wanted is None:
        identifier = target.get("artifactIdentifier")
        part = f"artifacts.secondary-artifacts.{identifier}" if identifier else "artifacts"
        raise PhaseError("CLIENT_ERROR", f"the buildspec has no {part}, and the build has to write it")
    base, directory = source, expand(wanted.base_directory)
    if directory:
        folders = [path for path in _matches(source, directory) if path.is_dir()]
        if not folders:
            raise PhaseError("CLIENT_ERROR", f"no matching base directory path found for {directory}")
        base = folders[0]
    excluded = {path for pattern in wanted.exclude for path in _matches(base, pattern)}
    found = [
        path
        for pattern in wanted.files
        for path in sorted(_matches(base, pattern))
        if path.is_file() and path not in excluded and not excluded & set(path.parents)
    ]
    if not found:
        raise PhaseError("CLIENT_ERROR", f"no matching artifact paths found for {', '.join(wanted.files)}")
    names = {path.name if wanted.discard_paths else path.relative_to(base).as_posix(): path for path in found}
    return names, expand(wanted.name)


def upload(s3: Any, files: dict[str, Path], target: Record, *, key: str, encryption: Record, scratch: Path) -> Record:
    """Write an artifact as one zip archive, or with packaging NONE file by file; return what BatchGetBuilds shows.

    ``encryption`` has the arguments of the request that say how S3 encrypts.

    Raises
    ------
    PhaseError
        The role may not write the object, or may not use the key.
    """
    bucket = target["location"]
    zipped = target["type"] == "CODEPIPELINE" or target.get("packaging") == "ZIP"
    if zipped:
        zips.pack(files, scratch)
    sent = {key: scratch} if zipped else {f"{key}/{name}".lstrip("/"): file for name, file in files.items()}
    for name, file in sent.items():
        try:
            s3.upload_file(str(file), bucket, name, ExtraArgs=encryption)
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            raise PhaseError("CLIENT_ERROR", f"Error uploading s3://{bucket}/{name}: {error}") from error
    shown: Record = {"location": f"arn:aws:s3:::{bucket}/{key}"}
    if zipped:
        content = scratch.read_bytes()
        shown |= {"sha256sum": hashlib.sha256(content).hexdigest(), "md5sum": hashlib.md5(content).hexdigest()}
        scratch.unlink()
    return shown


def object_key(target: Record, build_id: str, override: str) -> str:
    """Return the key of an artifact; ``override`` is the name that the buildspec gives.

    >>> object_key({"type": "S3", "path": "/a/", "name": "b.zip", "namespaceType": "BUILD_ID"}, "project:1", "")
    'a/1/b.zip'
    """
    project, _, number = build_id.partition(":")
    name = override if target.get("overrideArtifactName") and override else target.get("name", project)
    folder = number if target.get("namespaceType") == "BUILD_ID" else ""
    return "/".join(part for part in (target.get("path", "").strip("/"), folder, name.strip("/")) if part)


def encryption(target: Record, key: str) -> Record:
    """Return the arguments of a write with which S3 encrypts under the key."""
    if target.get("encryptionDisabled"):
        return {}
    named = {} if key.endswith("alias/aws/s3") else {"SSEKMSKeyId": key}
    return {"ServerSideEncryption": "aws:kms", **named}


def _matches(base: Path, pattern: str) -> list[Path]:
    if pattern.rstrip("/") in (".", str(base)):
        return [base]
    relative = pattern.removeprefix(f"{base}/").removeprefix("./")
    if ".." in Path(relative).parts:
        raise PhaseError("CLIENT_ERROR", f"the pattern {pattern!r} leads out of the source")
    try:
        # In pathlib a pattern that ends with ** matches folders only.
        return list(base.glob(f"{relative}/*" if relative.endswith("**") else relative))
    except (ValueError, NotImplementedError) as error:
        raise PhaseError("CLIENT_ERROR", f"the pattern {pattern!r} is not valid: {error}") from error
