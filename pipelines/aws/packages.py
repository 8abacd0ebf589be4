"""Model packages of this environment: their ARNs and descriptions."""

import re
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.interface.names import Model


class UnknownPackageError(LookupError):
    """There is no such package in this environment."""


def model_of(services: Services, package_arn: str) -> Model:
    """The model that a package of this environment belongs to; ``UnknownPackageError`` for any other ARN."""
    environment = services.environment
    prefix = environment.arn("sagemaker", f"model-package/{environment.id}-")
    matched = re.fullmatch(re.escape(prefix) + r"([a-z0-9-]+)/[0-9]+", package_arn)
    if not matched:
        raise UnknownPackageError(
            f"{package_arn!r} is no package of {environment.id}: those are {prefix}<model>/<version>"
        )
    return environment.model(matched.group(1))


def describe(services: Services, package_arn: str) -> dict[str, Any]:
    """The package's description; raises ``UnknownPackageError`` if there is none."""
    model_of(services, package_arn)
    try:
        return services.package(package_arn)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("ValidationException", "ResourceNotFound"):
            raise UnknownPackageError(f"there is no package {package_arn}: {error}") from error
        raise


def package_arn(services: Services, model: str, version: int) -> str:
    group = services.environment.model(model).package_group
    return services.environment.arn("sagemaker", f"model-package/{group}/{version}")
