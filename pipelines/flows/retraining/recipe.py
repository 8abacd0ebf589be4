"""What a run is made by, apart from its data: kept with the run, so that it can be made again."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from pipelines.aws.clients import Services
from pipelines.aws.s3 import Bucket
from pipelines.interface.settings import Job, ModelSettings

RECORDED = (
    *("dataset", "task", "target", "time_column", "window_months", "holdout_months"),
    *("image", "code_uri", "training", "processing", "hyperparameters"),
)
"""The settings that decide what a run makes; the metric and the digests of what runs are recorded beside them."""
PACKAGES = "packages/packages.tar.gz"
"""Below a run's prefix."""


class CodeChangedError(RuntimeError):
    """A run's code is no longer what it was when the run was planned."""


def recipe_of(settings: ModelSettings, *, code_sha256: str, packages_sha256: str) -> dict[str, Any]:
    """What the ledger keeps of a run's settings."""
    values = asdict(settings)
    recorded = {name: values[name] for name in RECORDED}
    digests = {"code_sha256": code_sha256, "packages_sha256": packages_sha256}
    return {**recorded, "metric": settings.gate.metric, **digests}


def applied(settings: ModelSettings, recipe: Mapping[str, Any]) -> ModelSettings:
    """The model's settings of today with what decides the result as it was recorded."""
    values = {name: recipe[name] for name in RECORDED}
    values |= {name: Job(**recipe[name]) for name in ("training", "processing")}
    return replace(settings, **values, gate=replace(settings.gate, metric=recipe["metric"]))


def keep_code(
    services: Services, settings: ModelSettings, prefix: str, *, expected_sha256: str | None = None
) -> tuple[ModelSettings, str]:
    """Copy the code bundle below the run's ``prefix``; returns the settings that name the copy, and its SHA-256.

    The copy stays as long as the run does, whatever becomes of the bucket that deployments put their assets in.

    Raises
    ------
    CodeChangedError
        The bundle is not the ``expected_sha256`` one.
    """
    kept = f"{prefix}code/{settings.code_uri.rpartition('/')[2]}"
    digest = _keep(services, settings.code_uri, kept, expected_sha256)
    return replace(settings, code_uri=services.bucket("artifacts").uri(kept)), digest


def keep_packages(services: Services, uri: str, prefix: str, *, expected_sha256: str | None = None) -> str:
    """Copy the archive of the jobs' packages below the run's ``prefix``, where a job may read; returns its SHA-256.

    Raises
    ------
    CodeChangedError
        The archive is not the ``expected_sha256`` one.
    """
    return _keep(services, uri, f"{prefix}{PACKAGES}", expected_sha256)


def _keep(services: Services, uri: str, key: str, expected_sha256: str | None) -> str:
    bucket, _, source_key = uri.removeprefix("s3://").partition("/")
    source = Bucket(client=services.client("s3"), name=bucket, owner=services.environment.account)
    content = source.open(source_key).read()
    digest = hashlib.sha256(content)
    if expected_sha256 not in (None, digest.hexdigest()):
        raise CodeChangedError(f"{uri} has SHA-256 {digest.hexdigest()}; {expected_sha256} was recorded")
    services.bucket("artifacts").write(key, content, ChecksumSHA256=base64.b64encode(digest.digest()).decode())
    return digest.hexdigest()
