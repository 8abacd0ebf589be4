"""Keeps the recipe of a run: the settings, code and packages with which it can be repeated."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace

from pipelines.aws.clients import Services
from pipelines.aws.s3 import Bucket, ExistsError, checksum
from pipelines.interface.paths import code_key, packages_key
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


def keep_code(services: Services, uri: str, *, expected_sha256: str | None = None) -> str:
    """Copy the code bundle to the environment's artifacts, once for the same bytes; return their SHA-256.

    The copy stays even if the bucket of deployments' assets is emptied.

    Raises
    ------
    CodeChangedError
        The bundle does not have the expected SHA-256, or the copy has another.
    """
    return _keep(services, uri, code_key, expected_sha256)


def keep_packages(services: Services, uri: str, *, expected_sha256: str | None = None) -> str:
    """Copy the archive of the jobs' packages to where jobs may read it, as ``keep_code`` does."""
    return _keep(services, uri, packages_key, expected_sha256)


def _keep(services: Services, uri: str, place: Callable[[str], str], expected_sha256: str | None) -> str:
    bucket, _, source_key = uri.removeprefix("s3://").partition("/")
    source = Bucket(client=services.client("s3"), name=bucket, owner=services.environment.account)
    content = source.open(source_key).read()
    digest = hashlib.sha256(content).hexdigest()
    if expected_sha256 and digest != expected_sha256:
        raise _changed(uri, digest, expected_sha256)
    artifacts, key = services.bucket("artifacts"), place(digest)
    try:
        artifacts.write_once(key, content, ChecksumSHA256=checksum(digest))
    except ExistsError:
        # Another run wrote it, unless somebody has overwritten that since.
        if (stored := artifacts.sha256_of(key)) != digest:
            raise _changed(artifacts.uri(key), stored, digest) from None
    return digest


def _changed(uri: str, found: str, recorded: str) -> CodeChangedError:
    return CodeChangedError(f"{uri} has SHA-256 {found}, {recorded} was recorded; restore that version of the object")
