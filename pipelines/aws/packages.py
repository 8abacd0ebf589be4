"""Reads model packages, the registry's versions of a model, and the metadata that Mooring records in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from botocore.exceptions import ClientError

from pipelines.aws.client import Answer, code_of
from pipelines.aws.clients import Services
from pipelines.interface.names import Model, version_of

ABSENT_CODES = ("ValidationException", "ResourceNotFound")
"""SageMaker's codes for a package that does not exist."""
METRIC_PREFIX = "metric_"
MAX_PROPERTY = 256
"""SageMaker's limit for a value of CustomerMetadataProperties, in characters."""
APPROVED = "Approved"


class UnknownPackageError(LookupError):
    """There is no such package in this environment."""


@dataclass(frozen=True, kw_only=True)
class PackageMetadata:
    """The package's CustomerMetadataProperties. "" is the value of a property that the package lacks.

    ``sha256`` is the digest of the artifact's bytes, ``content_sha256`` that of its unpacked content; ``champion`` is
    the ARN of the package that served when this one was trained, or ``none``. A promoted package has the ARN of the one
    in the environment that trained it as ``origin``, and the digest of its release record as ``record``. Properties of
    other programs are left out.
    """

    run: str = ""
    commit: str = ""
    job: str = ""
    sha256: str = ""
    content_sha256: str = ""
    rows: str = ""
    baseline_uri: str = ""
    golden_uri: str = ""
    code_uri: str = ""
    code_sha256: str = ""
    champion: str = ""
    origin: str = ""
    record: str = ""
    metrics: Mapping[str, float]

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> "PackageMetadata":
        names = {field.name for field in fields(cls)} - {"metrics"}
        metrics = {
            name.removeprefix(METRIC_PREFIX): float(value)
            for name, value in properties.items()
            if name.startswith(METRIC_PREFIX)
        }
        return cls(**{name: properties[name] for name in names & properties.keys()}, metrics=metrics)

    def to_properties(self) -> dict[str, str]:
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "metrics"}
        metrics = {f"{METRIC_PREFIX}{name}": f"{value:.6g}" for name, value in self.metrics.items()}
        # SageMaker refuses an empty value.
        return {name: value[:MAX_PROPERTY] for name, value in (plain | metrics).items() if value}


@dataclass(frozen=True, kw_only=True)
class ModelPackage:
    """One version of a model. ``changed`` is the time of its last change, of its approval for instance."""

    arn: str
    status: str
    status_comment: str
    created: datetime | None
    changed: datetime | None
    image: str
    model_data_url: str
    metadata: PackageMetadata

    @property
    def version(self) -> int:
        return version_of(self.arn)


def model_of(services: Services, package_arn: str) -> Model:
    """Return the model that a package of this environment belongs to.

    Raises
    ------
    UnknownPackageError
        The ARN is not one of a package of this environment.
    """
    environment = services.environment
    prefix = environment.arn("sagemaker", f"model-package/{environment.id}-")
    matched = re.fullmatch(re.escape(prefix) + r"([a-z0-9-]+)/[0-9]+", package_arn)
    if not matched:
        raise UnknownPackageError(
            f"{package_arn!r} is not a package of {environment.id}: those are {prefix}<model>/<version>"
        )
    return environment.model(matched.group(1))


def read_package(services: Services, package_arn: str) -> ModelPackage:
    """Return a package of this environment.

    Raises
    ------
    UnknownPackageError
        No package has this ARN.
    """
    model_of(services, package_arn)
    try:
        found = services.client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    except ClientError as error:
        if code_of(error) in ABSENT_CODES:
            raise UnknownPackageError(f"there is no package {package_arn}: {error}") from error
        raise
    return _package(found)


def _package(found: Answer) -> ModelPackage:
    containers = found.get("InferenceSpecification", {}).get("Containers") or [{}]
    return ModelPackage(
        arn=found["ModelPackageArn"],
        status=found.get("ModelApprovalStatus", ""),
        status_comment=found.get("ApprovalDescription", ""),
        created=found.get("CreationTime"),
        changed=found.get("LastModifiedTime") or found.get("CreationTime"),
        image=containers[0].get("Image", ""),
        model_data_url=containers[0].get("ModelDataUrl", ""),
        metadata=PackageMetadata.from_properties(found.get("CustomerMetadataProperties", {})),
    )
