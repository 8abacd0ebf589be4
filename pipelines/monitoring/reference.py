"""Reads the baseline and the evaluation of a version, whose place its package names."""

from pipelines.aws.clients import Services
from pipelines.aws.packages import read_package
from pipelines.aws.s3 import MissingObjectError
from pipelines.interface.records import EvaluationReport
from pipelines.statistics.baseline import Baseline


class BaselineMissingError(LookupError):
    """The version's package names no baseline."""


def read_baseline(services: Services, model: str, version: int) -> Baseline:
    """Return the baseline of a version; raise ``BaselineMissingError`` if its package names none."""
    artifacts = services.bucket("artifacts")
    return Baseline.from_document(artifacts.read_json(_baseline_key(services, model, version)))


def read_evaluation(services: Services, model: str, version: int) -> EvaluationReport | None:
    """Return the evaluation beside the version's baseline; None if there is none.

    Raises
    ------
    BaselineMissingError
        The package names no baseline.
    """
    folder = _baseline_key(services, model, version).rpartition("/")[0]
    try:
        return services.bucket("artifacts").read_record(EvaluationReport, f"{folder}/evaluation.json")
    except MissingObjectError:
        return None


def _baseline_key(services: Services, model: str, version: int) -> str:
    arn = services.environment.model(model).package_arn(version)
    uri = read_package(services, arn).metadata.baseline_uri
    if not uri:
        raise BaselineMissingError(
            f"{arn} has no baseline_uri in its metadata to compare with: release a version that a run registered"
        )
    return services.bucket("artifacts").key_of(uri)
