"""Proofs of serving: packages that are registered and deleted, and two releases of a throw-away endpoint."""

import time
from typing import Any

from infra import images
from infra.instances import has_local_disk
from mooring.preflight.prove.jobs import archive, prefix, remove_objects
from mooring.preflight.prove.proof import NotProvenError, Proof, Site, Told, cost_of
from mooring.preflight.target import found
from pipelines.interface.paths import capture_prefix

SETTLED = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed")
"""Statuses of an endpoint that nothing changes any more."""
VARIANT = "primary"
INFERENCE = """
import numpy as np

def model_fn(model_dir):
    return {version}

def predict_fn(data, model):
    return np.full(np.atleast_1d(data).shape[0], float(model))
"""


def register(site: Site) -> Told:
    """Register a package under the environment's key, describe it, and delete it."""
    arn = _register(site, 1)
    status = site.client("sagemaker").describe_model_package(ModelPackageName=arn)["ModelPackageStatus"]
    if status != "Completed":
        raise NotProvenError(
            f"the package {arn} is {status}", remedy="describe it: aws sagemaker describe-model-package"
        )
    return Told(what="a model package is registered, described and deleted")


def release_twice(site: Site) -> Told:
    """Create an endpoint and update it as a release does; tell whose traffic prefix it has afterwards."""
    sagemaker, kind = site.client("sagemaker"), site.instance_type("serving")
    for version in (1, 2):
        _configure(site, version, kind)
    begun = time.monotonic()
    sagemaker.create_endpoint(EndpointName=site.name, EndpointConfigName=f"{site.name}-1")
    _settle(site, f"{site.name}-1")
    created_s = time.monotonic() - begun
    sagemaker.update_endpoint(
        EndpointName=site.name, EndpointConfigName=f"{site.name}-2", RetainAllVariantProperties=True
    )
    described = _settle(site, f"{site.name}-2")
    updated_s = time.monotonic() - begun - created_s
    answer = site.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=site.name, ContentType="text/csv", Accept="text/csv", Body=b"1\n"
    )
    predicted = answer["Body"].read().decode().strip()
    if not predicted.startswith("2"):
        raise NotProvenError(f"after the update the endpoint answers {predicted!r}, not 2", remedy="report it")
    prefix_now = described["DataCaptureConfig"]["DestinationS3Uri"]
    if prefix_now != _capture(site, 2):
        raise NotProvenError(
            f"RetainAllVariantProperties kept the capture prefix {prefix_now}, not {_capture(site, 2)}",
            remedy="set RetainAllVariantProperties to false in infra/components/model_endpoint.py",
        )
    return Told(
        what=f"the endpoint was created in {created_s:.0f} s and updated in {updated_s:.0f} s; its traffic goes to the "
        "new version's prefix",
        cost_usd=cost_of(kind, time.monotonic() - begun, site.names.region),
    )


def remove_endpoint(site: Site) -> list[str]:
    """Delete the endpoint first, then what it refers to."""
    client, removed = site.client("sagemaker"), []
    if found(client.describe_endpoint, EndpointName=site.name) is not None:

        def in_status(*wanted: str) -> bool | None:
            described = found(client.describe_endpoint, EndpointName=site.name)
            return True if (described["EndpointStatus"] if described else "gone") in wanted else None

        # SageMaker refuses to delete an endpoint that is being created or updated, and bills it meanwhile.
        site.wait(lambda: in_status(*SETTLED), what=f"the endpoint {site.name} to be deletable", within_s=1800)
        client.delete_endpoint(EndpointName=site.name)
        removed.append(f"endpoint {site.name}")
        site.wait(lambda: in_status("gone"), what=f"the deletion of the endpoint {site.name}", within_s=1200)
    for version in (1, 2):
        name = f"{site.name}-{version}"
        for kind, key in (("endpoint_config", "EndpointConfigName"), ("model", "ModelName")):
            if found(getattr(client, f"describe_{kind}"), **{key: name}) is not None:
                getattr(client, f"delete_{kind}")(**{key: name})
                removed.append(f"{kind.replace('_', ' ')} {name}")
    capture = _capture(site, "").partition(site.names.bucket("capture") + "/")[2]
    return removed + remove_packages(site) + remove_objects(site, site.names.bucket("capture"), capture)


def remove_packages(site: Site) -> list[str]:
    client, removed = site.client("sagemaker"), []
    if found(client.describe_model_package_group, ModelPackageGroupName=site.name) is not None:
        packages = site.target.pages(
            "sagemaker", "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=site.name
        )
        for package in list(packages):
            client.delete_model_package(ModelPackageName=package["ModelPackageArn"])
            removed.append(f"model package {package['ModelPackageArn']}")
        client.delete_model_package_group(ModelPackageGroupName=site.name)
        removed.append(f"model package group {site.name}")
    return removed + remove_objects(site, site.names.bucket("artifacts"), prefix(site))


def _register(site: Site, version: int) -> str:
    client, bucket = site.client("sagemaker"), site.names.bucket("artifacts")
    key = f"{prefix(site)}v{version}/model.tar.gz"
    body = archive({"code/inference.py": INFERENCE.format(version=version)})
    site.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    if found(client.describe_model_package_group, ModelPackageGroupName=site.name) is None:
        client.create_model_package_group(ModelPackageGroupName=site.name)
    container = {
        "Image": images.scikit_learn(site.names.region),
        "ModelDataUrl": f"s3://{bucket}/{key}",
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    made = client.create_model_package(
        ModelPackageGroupName=site.name,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(made["ModelPackageArn"])


def _configure(site: Site, version: int, kind: str) -> None:
    client, name = site.client("sagemaker"), f"{site.name}-{version}"
    client.create_model(
        ModelName=name,
        ExecutionRoleArn=site.job_role("serving"),
        EnableNetworkIsolation=True,
        PrimaryContainer={"ModelPackageName": _register(site, version)},
    )
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": VARIANT,
                "ModelName": name,
                "InstanceType": kind,
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1.0,
            }
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": _capture(site, version),
            "KmsKeyId": site.key_arn,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
        **({} if has_local_disk(kind) else {"KmsKeyId": site.key_arn}),
    )


def _capture(site: Site, version: int | str) -> str:
    """Return where the traffic of a version goes: no released version has the number 0."""
    return f"s3://{site.names.bucket('capture')}/{capture_prefix(site.model.name, f'0-preflight-{version}')}"


def _settle(site: Site, config: str) -> Any:
    """Return the endpoint once it serves with a config."""

    def settled() -> Any | None:
        described = site.client("sagemaker").describe_endpoint(EndpointName=site.name)
        return described if described["EndpointStatus"] in SETTLED else None

    described = site.wait(settled, what=f"the endpoint {site.name}", within_s=1800)
    status, serves = described["EndpointStatus"], described.get("EndpointConfigName")
    if status != "InService" or serves != config:
        raise NotProvenError(
            f"the endpoint {site.name} is {status} with {serves}, not InService with {config}: "
            f"{described.get('FailureReason', 'no reason given')}",
            remedy=f"read its log: aws logs tail /aws/sagemaker/Endpoints/{site.name}",
        )
    return described


PROOFS = (
    Proof(
        name="package",
        question="Can a model package be registered?",
        price="nothing",
        run=register,
        remove=remove_packages,
    ),
    Proof(
        name="endpoint",
        question="Do two releases of an endpoint serve, and capture under the new version's prefix?",
        price="about 5 cents: one instance for some 20 minutes, two while it is updated",
        run=release_twice,
        remove=remove_endpoint,
    ),
)
