"""The reference of a version: the baseline of its traffic and its evaluation, named by its package."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.aws.packages import package_arn
from pipelines.aws.s3 import MissingObjectError
from pipelines.statistics.baseline import Baseline


class BaselineMissingError(LookupError):
    """The version's package names no baseline to compare with."""


def read_baseline(services: Services, model: str, version: int) -> Baseline:
    """Raises ``BaselineMissingError`` if the package names none."""
    artifacts = services.bucket("artifacts")
    return Baseline.from_document(artifacts.read_json(_baseline_key(services, model, version)))


def read_evaluation(services: Services, model: str, version: int) -> dict[str, Any] | None:
    """``evaluation.json``, which lies beside the baseline; None if there is none.

    Raises
    ------
    BaselineMissingError
        The package names no baseline.
    """
    folder = _baseline_key(services, model, version).rpartition("/")[0]
    try:
        return dict(services.bucket("artifacts").read_json(f"{folder}/evaluation.json"))
    except MissingObjectError:
        return None


def _baseline_key(services: Services, model: str, version: int) -> str:
    arn = package_arn(services, model, version)
    uri = services.package(arn).get("CustomerMetadataProperties", {}).get("baseline_uri")
    if not uri:
        raise BaselineMissingError(f"{arn} has no baseline_uri in its metadata: nothing to compare with")
    return services.bucket("artifacts").key_of(uri)
