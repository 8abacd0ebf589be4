"""What a run is made by, apart from its data: kept with the run, so that it can be made again."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from pipelines.clients import Services
from pipelines.contract.settings import Job, ModelSettings
from pipelines.storage import Bucket

RECORDED = (
    *("dataset", "task", "target", "time_column", "window_months", "holdout_months"),
    *("image", "code_uri", "training", "processing", "hyperparameters"),
)
"""The settings that decide what a run makes; ``metric`` and ``code_sha256`` are recorded beside them."""


PACKAGES = "packages/packages.tar.gz"
"""Below a run's prefix."""


class CodeChangedError(RuntimeError):
    """A run's code is no longer what it was when the run was planned."""


def recipe_of(settings: ModelSettings, code_sha256: str) -> dict[str, Any]:
    """What the ledger keeps of a run's settings."""
    values = asdict(settings)
    recorded = {name: values[name] for name in RECORDED}
    return {**recorded, "metric": settings.gate.metric, "code_sha256": code_sha256}


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
    content, name = _read(services, settings.code_uri)
    digest = hashlib.sha256(content)
    if expected_sha256 not in (None, digest.hexdigest()):
        raise CodeChangedError(f"{settings.code_uri} has SHA-256 {digest.hexdigest()}; {expected_sha256} was recorded")
    artifacts, kept = services.bucket("artifacts"), f"{prefix}code/{name}"
    artifacts.write(kept, content, ChecksumSHA256=base64.b64encode(digest.digest()).decode())
    return replace(settings, code_uri=artifacts.uri(kept)), digest.hexdigest()


def keep_packages(services: Services, packages_uri: str, prefix: str) -> None:
    """Copy the archive of the jobs' packages below the run's ``prefix``: a job may read there and nowhere else."""
    content, _ = _read(services, packages_uri)
    checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
    services.bucket("artifacts").write(f"{prefix}{PACKAGES}", content, ChecksumSHA256=checksum)


def _read(services: Services, uri: str) -> tuple[bytes, str]:
    """What a deployment published, and its name."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    source = Bucket(client=services.client("s3"), name=bucket, owner=services.environment.account)
    return source.open(key).read(), key.rpartition("/")[2]
