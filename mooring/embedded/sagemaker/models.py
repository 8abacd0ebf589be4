"""Models and endpoint configs: the records that describe an endpoint. This module starts no process."""

from typing import Any

from mooring.embedded.sagemaker import store
from mooring.embedded.sagemaker.errors import in_use, invalid, unsupported
from mooring.embedded.sagemaker.images import require_scikit_learn
from mooring.embedded.sagemaker.roles import check_role
from mooring.embedded.sagemaker.store import Record


def create_model(request: Record) -> Record:
    """Handle CreateModel."""
    containers = [request["PrimaryContainer"]] if "PrimaryContainer" in request else request.get("Containers", [])
    if "PrimaryContainer" in request and "Containers" in request:
        raise invalid("PrimaryContainer and Containers are both given; use one of them")
    if len(containers) != 1:
        raise unsupported(f"CreateModel with {len(containers)} containers (only exactly one)")
    if not request.get("ExecutionRoleArn"):
        raise invalid("ExecutionRoleArn is required")
    resolve_container(containers[0])
    check_role(request["ExecutionRoleArn"])
    kept = ["PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig"]
    record = {name: request[name] for name in kept if name in request}
    record["EnableNetworkIsolation"] = request.get("EnableNetworkIsolation", False)
    stored = store.add("model", request["ModelName"], record, request.get("Tags", []))
    return {"ModelArn": stored["ModelArn"]}


def resolve_container(container: Record) -> Record:
    """Return Image, ModelDataUrl and Environment of a model's container; read them from its package if it names one.

    Raises
    ------
    SageMakerError
        The image is not supported, there is no model data, or the package is not approved.
    """
    if "ModelPackageName" not in container:
        if "Image" not in container or "ModelDataUrl" not in container:
            raise invalid("A container needs Image and ModelDataUrl, or ModelPackageName")
        require_scikit_learn(container["Image"], "Image")
        return container
    if "Image" in container or "ModelDataUrl" in container:
        raise invalid("A container cannot have ModelPackageName together with Image or ModelDataUrl")
    package = find_package(container["ModelPackageName"])
    if package["ModelApprovalStatus"] != "Approved":
        raise invalid(
            f"Model package {package['ModelPackageArn']} has approval status {package['ModelApprovalStatus']}:"
            " only an Approved model package can be deployed"
        )
    specified = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(specified) != 1:
        raise unsupported(f"A model package with {len(specified)} containers (only exactly one)")
    inner: dict[str, Any] = specified[0]
    environment = inner.get("Environment", {}) | container.get("Environment", {})
    return resolve_container(
        {name: inner[name] for name in ("Image", "ModelDataUrl") if name in inner} | {"Environment": environment}
    )


def find_package(name_or_arn: str) -> Record:
    """Return a model package by its ARN or ``group/version``."""
    return store.get("model-package", name_or_arn.partition(":model-package/")[2] or name_or_arn)


def describe_model(request: Record) -> Record:
    """Handle DescribeModel."""
    return store.get("model", request["ModelName"])


def delete_model(request: Record) -> Record:
    """Handle DeleteModel."""
    store.remove("model", request["ModelName"])
    return {}


def list_models(request: Record) -> Record:
    """Handle ListModels."""
    found, token = store.page(store.listing("model", request, fields="", descending=True), request)
    return {"Models": found, **token}


def create_config(request: Record) -> Record:
    """Handle CreateEndpointConfig."""
    variants = request["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) != len(names):
        raise invalid(f"ProductionVariants has a VariantName twice: {names}; each name may occur once")
    for variant in variants:
        if "ModelName" not in variant:
            raise unsupported("A production variant without ModelName (inference components)")
        if "InstanceType" not in variant:
            raise invalid(f"The variant {variant['VariantName']} has no InstanceType, which is required")
        store.get("model", variant["ModelName"])
    if sum(variant.get("InitialVariantWeight", 1.0) for variant in variants) <= 0:
        raise invalid("At least one production variant must have a weight above 0")
    kept = ["ProductionVariants", "DataCaptureConfig", "KmsKeyId", "EnableNetworkIsolation", "MetricsConfig"]
    record = {name: request[name] for name in kept if name in request}
    record["ProductionVariants"] = [
        {"InitialInstanceCount": 1, "InitialVariantWeight": 1.0, **variant} for variant in variants
    ]
    stored = store.add("endpoint-config", request["EndpointConfigName"], record, request.get("Tags", []))
    return {"EndpointConfigArn": stored["EndpointConfigArn"]}


def describe_config(request: Record) -> Record:
    """Handle DescribeEndpointConfig."""
    return store.get("endpoint-config", request["EndpointConfigName"])


def delete_config(request: Record) -> Record:
    """Handle DeleteEndpointConfig."""
    name = request["EndpointConfigName"]
    store.get("endpoint-config", name)
    for endpoint in store.region().records["endpoint"].values():
        if name in (endpoint["EndpointConfigName"], endpoint.get("_updating_to")):
            raise in_use(f"The endpoint config {name} is in use by the endpoint {endpoint['EndpointName']}")
    store.remove("endpoint-config", name)
    return {}


def list_configs(request: Record) -> Record:
    """Handle ListEndpointConfigs."""
    found, token = store.page(store.listing("endpoint-config", request, fields="", descending=True), request)
    return {"EndpointConfigs": found, **token}
