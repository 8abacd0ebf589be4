"""The model registry and processing jobs, called with boto3."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sagemaker_world import BUCKET, IMAGE, World, constant_model, wait, world

__all__ = ["world"]


def _register(world: World, group: str, **more: Any) -> str:
    url = world.put(f"registry/{group}.tar.gz", constant_model(5.0))
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": url, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    answer = world.client("sagemaker").create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification, **more
    )
    return str(answer["ModelPackageArn"])


def test_versions_are_numbered_and_sorted_as_on_aws(world: World) -> None:
    sagemaker = world.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="versions", Tags=[{"Key": "team", "Value": "a"}])
    first = _register(world, "versions", ModelApprovalStatus="Approved")
    second = _register(world, "versions", CustomerMetadataProperties={"commit": "c1"})
    assert second.endswith(":model-package/versions/2")
    listed = sagemaker.list_model_packages(ModelPackageGroupName="versions")["ModelPackageSummaryList"]
    assert [package["ModelPackageArn"] for package in listed] == [first, second]
    newest = sagemaker.list_model_packages(
        ModelPackageGroupName="versions", SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["ModelPackageSummaryList"]
    assert newest[0]["ModelPackageVersion"] == 2
    approved = sagemaker.list_model_packages(ModelPackageGroupName="versions", ModelApprovalStatus="Approved")
    assert [package["ModelPackageVersion"] for package in approved["ModelPackageSummaryList"]] == [1]
    described = sagemaker.describe_model_package(ModelPackageName=second)
    assert described["CustomerMetadataProperties"] == {"commit": "c1"}
    with pytest.raises(ClientError, match="still has 2"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="versions")
    sagemaker.delete_model_package(ModelPackageName=second)
    assert _register(world, "versions").endswith("/3")
    group = sagemaker.describe_model_package_group(ModelPackageGroupName="versions")["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=group)["Tags"] == [{"Key": "team", "Value": "a"}]
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="versions", ResourcePolicy='{"Statement": []}')
    policy = sagemaker.get_model_package_group_policy(ModelPackageGroupName="versions")
    assert policy["ResourcePolicy"] == '{"Statement": []}'


def test_approval_reaches_a_rules_target(world: World) -> None:
    events, sqs, sagemaker = world.client("events"), world.client("sqs"), world.client("sagemaker")
    queue = sqs.create_queue(QueueName="approvals")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["announced"], "ModelApprovalStatus": ["Approved"]},
    }
    events.put_rule(Name="approvals", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="approvals", Targets=[{"Id": "queue", "Arn": arn}])
    sagemaker.create_model_package_group(ModelPackageGroupName="announced")
    package = _register(world, "announced")
    sagemaker.update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="by the test"
    )
    messages = wait(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    event = json.loads(messages[0]["Body"])
    assert event["resources"] == [package]
    assert event["detail"]["ModelPackageVersion"] == 1
    assert event["detail"]["ApprovalDescription"] == "by the test"


def test_a_model_needs_an_approved_package(world: World) -> None:
    sagemaker = world.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="gated")
    package = _register(world, "gated")
    request = {
        "ModelName": "from-package",
        "PrimaryContainer": {"ModelPackageName": package},
        "ExecutionRoleArn": world.role,
    }
    with pytest.raises(ClientError, match="PendingManualApproval"):
        sagemaker.create_model(**request)
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    sagemaker.create_model(**request)
    world.config("from-package", "from-package")
    sagemaker.create_endpoint(EndpointName="from-package", EndpointConfigName="from-package")
    assert world.endpoint_settled("from-package")["EndpointStatus"] == "InService"


def _processing_request(world: World, name: str, script: str) -> dict[str, Any]:
    source = {
        "S3Uri": world.put(f"processing/{name}/rows.csv", "1\n2\n"),
        "LocalPath": "/opt/ml/processing/input/data",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    output = {
        "S3Uri": f"s3://{BUCKET}/processed/{name}",
        "LocalPath": "/opt/ml/processing/output/result",
        "S3UploadMode": "EndOfJob",
    }
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
    return {
        "ProcessingJobName": name,
        "ProcessingInputs": [{"InputName": "data", "S3Input": source}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": output}]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["/bin/sh", "-c", script, "name"]},
        "Environment": {"WHERE": "/opt/ml/processing/input/data"},
        "RoleArn": world.role,
    }


def _processed(world: World, request: dict[str, Any]) -> dict[str, Any]:
    sagemaker = world.client("sagemaker")
    sagemaker.create_processing_job(**request)
    job: dict[str, Any] = wait(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=request["ProcessingJobName"]),
        until=lambda job: job["ProcessingJobStatus"] not in ("InProgress", "Stopping"),
    )
    return job


def test_a_processing_job_reads_inputs_and_writes_outputs_and_exit_message(world: World) -> None:
    script = (
        'python3 -c "import sys; print(sys.version)" && wc -l < $WHERE/rows.csv > '
        "/opt/ml/processing/output/result/count && echo fine > /opt/ml/output/message"
    )
    job = _processed(world, _processing_request(world, "counts", script))
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"].strip() == "fine"
    assert world.read(f"s3://{BUCKET}/processed/counts/count").strip() == b"2"


def test_a_processing_job_reads_a_manifest(world: World) -> None:
    request = _processing_request(
        world, "manifest", "cat $WHERE/a/one $WHERE/two > /opt/ml/processing/output/result/all"
    )
    world.put("parts/a/one", "1")
    world.put("parts/two", "2")
    manifest = world.put("parts.manifest", json.dumps([{"prefix": f"s3://{BUCKET}/parts/"}, "a/one", "two"]))
    request["ProcessingInputs"][0]["S3Input"] |= {"S3Uri": manifest, "S3DataType": "ManifestFile"}
    assert _processed(world, request)["ProcessingJobStatus"] == "Completed"
    assert world.read(f"s3://{BUCKET}/processed/manifest/all") == b"12"


def test_continuous_outputs_are_uploaded_while_the_job_runs(world: World) -> None:
    result = "/opt/ml/processing/output/result"
    script = f"echo 1 > {result}/first; for i in 1 2 3 4 5 6; do sleep 1; done; echo 2 > {result}/second; exit 1"
    request = _processing_request(world, "continuous", script)
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] = "Continuous"
    sagemaker, s3 = world.client("sagemaker"), world.client("s3")
    sagemaker.create_processing_job(**request)

    def keys() -> list[str]:
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix="processed/continuous/").get("Contents", [])
        return [item["Key"].rpartition("/")[2] for item in found]

    assert wait(keys, until=bool) == ["first"]
    job = sagemaker.describe_processing_job(ProcessingJobName="continuous")
    assert job["ProcessingJobStatus"] == "InProgress"
    job = wait(
        lambda: sagemaker.describe_processing_job(ProcessingJobName="continuous"),
        until=lambda job: job["ProcessingJobStatus"] != "InProgress",
    )
    assert job["ProcessingJobStatus"] == "Failed"
    assert keys() == ["first", "second"]
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix="processed/continuous/first")["Versions"]
    assert len(versions) == 1, "an unchanged file was uploaded again"


def test_a_failed_processing_job_has_exit_message_and_failure_reason(world: World) -> None:
    script = "echo 'bad column: arr_delay' > /opt/ml/output/message; echo broken >&2; exit 4"
    job = _processed(world, _processing_request(world, "breaks", script))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["ExitMessage"].strip() == "bad column: arr_delay"
    assert "broken" in job["FailureReason"]
    assert "exit code: 4" in job["FailureReason"]
