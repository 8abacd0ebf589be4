"""SageMaker's own Python SDK reads the resources of the embedded AWS."""

from typing import Any

import boto3
import pytest

from mooring.demo.chapters import MODEL
from mooring.deployed import DeployedEnvironment


@pytest.mark.filterwarnings("ignore")  # the SDK's own imports warn
def test_sdk_reads_endpoint_package_and_job(arrivals: DeployedEnvironment) -> None:
    from sagemaker.core.resources import Endpoint, ModelPackage, TrainingJob  # noqa: PLC0415 - takes seconds

    session = boto3.Session(region_name=arrivals.environment.region)
    where: dict[str, Any] = {"session": session, "region": arrivals.environment.region}
    endpoint = Endpoint.get(endpoint_name=arrivals.environment.model(MODEL).endpoint, **where)
    assert endpoint.endpoint_status == "InService"
    package = ModelPackage.get(model_package_name=arrivals.environment.model(MODEL).package_arn(1), **where)
    assert package.model_approval_status == "Approved"
    job = package.customer_metadata_properties["job"]
    trained = TrainingJob.get(training_job_name=job, **where)
    assert trained.training_job_status == "Completed"
