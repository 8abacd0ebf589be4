"""Keeps the recipe of a run: the settings, code and packages with which it can be repeated."""

import base64
import hashlib
from dataclasses import fields, replace

from pipelines.aws.clients import Services
from pipelines.aws.s3 import Bucket
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import Recipe
from pipelines.interface.settings import ModelSettings

BESIDE_SETTINGS = ("metric", "code_sha256", "packages_sha256")
"""Fields of a recipe that are not settings of the same name."""
RECORDED = tuple(field.name for field in fields(Recipe) if field.name not in BESIDE_SETTINGS)


class CodeChangedError(RuntimeError):
    """A run's code or packages have changed since the run was planned."""


def recipe_of(settings: ModelSettings, *, code_sha256: str, packages_sha256: str) -> Recipe:
    values = {name: getattr(settings, name) for name in RECORDED}
    return Recipe(**values, metric=settings.gate.metric, code_sha256=code_sha256, packages_sha256=packages_sha256)


def applied(settings: ModelSettings, recipe: Recipe) -> ModelSettings:
    """Return a model's current settings with the recorded ones in place of those that decide the result."""
    values = {name: getattr(recipe, name) for name in RECORDED}
    return replace(settings, **values, gate=replace(settings.gate, metric=recipe.metric))


def keep_code(services: Services, code_uri: str, files: RunFiles, *, expected_sha256: str | None = None) -> str:
    """Copy the code bundle to the run's own files, and return the SHA-256 of its bytes.

    The copy is kept as long as the run, even if the bucket of deployments' assets is emptied.

    Raises
    ------
    CodeChangedError
        The bundle does not have the expected SHA-256.
    """
    return _keep(services, code_uri, files.code(code_uri), expected_sha256)


def keep_packages(services: Services, uri: str, files: RunFiles, *, expected_sha256: str | None = None) -> str:
    """Copy the archive of the jobs' packages to the run's own files, which jobs may read; return its SHA-256.

    Raises
    ------
    CodeChangedError
        The archive does not have the expected SHA-256.
    """
    return _keep(services, uri, files.packages, expected_sha256)


def _keep(services: Services, uri: str, key: str, expected_sha256: str | None) -> str:
    bucket, _, source_key = uri.removeprefix("s3://").partition("/")
    source = Bucket(client=services.client("s3"), name=bucket, owner=services.environment.account)
    content = source.open(source_key).read()
    digest = hashlib.sha256(content)
    if expected_sha256 not in (None, digest.hexdigest()):
        raise CodeChangedError(
            f"{uri} has SHA-256 {digest.hexdigest()}, {expected_sha256} was recorded; "
            "restore that version of the object"
        )
    services.bucket("artifacts").write(key, content, ChecksumSHA256=base64.b64encode(digest.digest()).decode())
    return digest.hexdigest()
