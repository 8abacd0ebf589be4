"""The deployed loop: a second deployment, releases under load, a rollback, and enforced roles."""

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mooring.demo import chapters, traffic
from mooring.demo.chapters import MODEL
from mooring.deployed import DeployedEnvironment, wait
from mooring.errors import MooringError
from mooring.runs import Ending, follow
from tests.local.loop.conftest import Deployment, deploy


def test_second_deploy_changes_nothing(deployment: Deployment, arrivals: DeployedEnvironment) -> None:
    serving = chapters.serving_package(arrivals, MODEL)
    printed = deploy(deployment)
    assert printed.count("(no changes)") == 4, printed
    assert chapters.serving_package(arrivals, MODEL) == serving


def test_endpoint_answers_during_releases(stage: chapters.Stage, arrivals: DeployedEnvironment) -> None:
    with chapters.constant_caller(stage) as caller:
        arn = arrivals.start_retraining(MODEL, by="tester", reason="a second model")
        ended = follow(arrivals, MODEL, arn)
        assert ended.ending == Ending.REJECTED, "the same model has no gain, so the gate must reject it"
        assert ended.gain is not None
        before = caller.answered
        rollback = arrivals.wait_for(arrivals.start_rollback(MODEL, 1, by="tester"), timeout_s=120)
        assert rollback.status == "SUCCEEDED", rollback.cause
    assert caller.failures == []
    assert caller.answered > before


def test_capture_is_written_in_sagemakers_format(arrivals: DeployedEnvironment, admin: Any) -> None:
    header, rows = traffic.month_requests(1)
    runtime = arrivals.client("sagemaker-runtime", "consumer")
    body = "\n".join([header, *rows[:3]])
    endpoint = arrivals.environment.model(MODEL).endpoint
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body)
    predictions = answer["Body"].read().decode()
    records = wait(lambda: _captured(arrivals, admin, body), what="the captured record", timeout_s=30)
    captured = records["captureData"]
    assert captured["endpointOutput"]["data"] == predictions
    assert {captured["endpointInput"]["mode"], captured["endpointOutput"]["mode"]} == {"INPUT", "OUTPUT"}
    assert captured["endpointInput"]["encoding"] == "CSV"
    assert records["eventVersion"] == "0"


def _captured(deployed: DeployedEnvironment, admin: Any, body: str) -> dict[str, Any] | None:
    s3, bucket = admin("s3"), deployed.environment.bucket("capture")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{MODEL}/v1/"):
        for entry in page.get("Contents", []):
            for line in s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().splitlines():
                record = json.loads(line)
                if record["captureData"]["endpointInput"]["data"] == body:
                    return dict(record)
    return None


def test_people_have_the_permissions_of_their_role_only(arrivals: DeployedEnvironment) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        arrivals.client("sagemaker", "consumer").list_models()
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        arrivals.client("cloudformation", "operator").update_stack(
            StackName=arrivals.environment.model(MODEL).stack("serving"), UsePreviousTemplate=True
        )
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        arrivals.client("sagemaker", "approver").update_model_package(
            ModelPackageArn=arrivals.environment.model(MODEL).package_arn(1), ModelApprovalStatus="Rejected"
        )
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        arrivals.client("ssm", "engineer").put_parameter(
            Name=arrivals.environment.model(MODEL).release_parameter, Value="none,none,none,0,plain", Overwrite=True
        )


def test_unknown_version_is_not_approved(arrivals: DeployedEnvironment) -> None:
    with pytest.raises(MooringError, match="was not approved"):
        arrivals.approve(MODEL, 99, by="tester", comment="there is no such version")


def test_plain_http_is_not_answered(deployment: Deployment) -> None:
    assert deployment.server.url.startswith("https://localhost:")
    with pytest.raises(OSError, match=r"closed|reset|SSL|EOF"):
        urllib.request.urlopen(f"http://localhost:{deployment.server.port}/", timeout=3)
