"""What exists is found for CloudFormation's import, with the identifiers that it wants."""

from dataclasses import replace
from typing import Any

import pytest

from mooring.environments.adoption import StackAdoption, plan_adoption
from mooring.environments.stacks import Import
from mooring.errors import MooringError
from pipelines.aws.clients import Services
from pipelines.interface.names import Environment
from pipelines.interface.release_state import ReleaseState
from tests.functional.test_release import register
from tests.support.stacks import FakeCloudFormation
from tests.support.world import ENVIRONMENT, MODEL, World, serve

TAGS = {"mooring:environment": ENVIRONMENT.id}
FOUNDATION, REGISTRY = ENVIRONMENT.stack("foundation"), MODEL.stack("registry")
RETAIN = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def foundation() -> dict[str, Any]:
    """Return a template like Foundation's: the buckets and the table need the key, the policy needs a bucket."""
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    buckets = {
        kind.title(): {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": ENVIRONMENT.bucket(kind), "Key": key},
            "DependsOn": ["Policy"],
            **RETAIN,
        }
        for kind in ("data", "artifacts", "audit")
    }
    return {
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"Enabled": True}, **RETAIN},
            "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"TargetKeyId": key}},
            **buckets,
            "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Data"}}},
            "Ledger": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {"TableName": ENVIRONMENT.ledger_table, "KmsKey": key},
                **RETAIN,
            },
        },
        "Outputs": {"Name": {"Value": {"Ref": "Data"}}},
    }


def group(name: str) -> dict[str, Any]:
    properties = {"ModelPackageGroupName": ENVIRONMENT.model(name).package_group}
    return {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": properties, **RETAIN}


def plan(
    world: World,
    templates: dict[str, Any],
    cloud: FakeCloudFormation | None = None,
    environment: Environment = ENVIRONMENT,
) -> list[StackAdoption]:
    fake = cloud or FakeCloudFormation()
    services = Services(environment, lambda service: fake if service == "cloudformation" else world.client(service))
    return plan_adoption(services, templates, dict.fromkeys(templates, TAGS))


@pytest.fixture
def key_id(world: World) -> str:
    """Encrypt the artifacts bucket with a key that has no alias, as after the deletion of Foundation."""
    key = str(world.client("kms").create_key()["KeyMetadata"]["KeyId"])
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    world.client("s3").put_bucket_encryption(
        Bucket=ENVIRONMENT.bucket("artifacts"), ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    return key


def test_retained_resources_are_found_and_the_key_by_the_bucket_that_it_encrypts(world: World, key_id: str) -> None:
    (adoption,) = plan(world, {FOUNDATION: foundation()})
    assert adoption.is_new
    assert set(adoption.template) == {"Resources"}, "an import may bring no output"
    assert {one.logical_id: dict(one.identifier) for one in adoption.imports} == {
        "Key": {"KeyId": key_id},
        "Data": {"BucketName": ENVIRONMENT.bucket("data")},
        "Artifacts": {"BucketName": ENVIRONMENT.bucket("artifacts")},
        "Ledger": {"TableName": ENVIRONMENT.ledger_table},
    }
    assert adoption.template["Resources"].keys() == {one.logical_id for one in adoption.imports}
    assert all("DependsOn" not in resource for resource in adoption.template["Resources"].values())


def test_key_that_is_to_be_deleted_is_named_with_the_remedy(world: World, key_id: str) -> None:
    world.client("kms").schedule_key_deletion(KeyId=key_id, PendingWindowInDays=30)
    with pytest.raises(MooringError, match=f"key {key_id} of {ENVIRONMENT.id} is PendingDeletion") as refused:
        plan(world, {FOUNDATION: foundation()})
    assert "cancel-key-deletion" in refused.value.remedy


def test_bucket_older_than_the_key_is_imported_without_its_encryption(world: World) -> None:
    """A new environment adopts a bucket: the deployment that follows creates the key, and encrypts with it."""
    name = "lake-of-flights"
    world.client("s3").create_bucket(Bucket=name)
    adopting = replace(ENVIRONMENT, data_bucket=name)
    template = {
        "Resources": {
            "Key": foundation()["Resources"]["Key"],
            "Data": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": name, "Key": {"Fn::GetAtt": ["Key", "Arn"]}, "Versioned": True},
                **RETAIN,
            },
        }
    }
    (adoption,) = plan(world, {FOUNDATION: template}, environment=adopting)
    assert [dict(one.identifier) for one in adoption.imports] == [{"BucketName": name}]
    assert adoption.template["Resources"]["Data"]["Properties"] == {"BucketName": name, "Versioned": True}


def test_nothing_that_a_stack_holds_is_adopted_again(world: World, key_id: str) -> None:
    assert key_id
    cloud = FakeCloudFormation()
    cloud.add(FOUNDATION, foundation(), ENVIRONMENT)
    assert plan(world, {FOUNDATION: foundation()}, cloud) == []


def test_stack_whose_creation_failed_holds_nothing(world: World, key_id: str) -> None:
    """As after a deployment that was tried without adoption."""
    assert key_id
    cloud = FakeCloudFormation()
    cloud.add(FOUNDATION, foundation(), ENVIRONMENT)
    cloud.stacks[FOUNDATION].status = "ROLLBACK_COMPLETE"
    (adoption,) = plan(world, {FOUNDATION: foundation()}, cloud)
    assert adoption.is_new


def test_package_group_of_a_returning_model_goes_into_the_stack_that_is_there(world: World) -> None:
    cloud, other = FakeCloudFormation(), {"AirTime": group("air-time")}
    cloud.add(REGISTRY, {"Resources": other}, ENVIRONMENT)
    (adoption,) = plan(world, {REGISTRY: {"Resources": other | {"LateArrival": group(MODEL.name)}}}, cloud)
    arn = ENVIRONMENT.arn("sagemaker", f"model-package-group/{MODEL.package_group}")
    assert adoption == StackAdoption(
        stack=REGISTRY,
        imports=(
            Import(
                logical_id="LateArrival",
                type="AWS::SageMaker::ModelPackageGroup",
                identifier={"ModelPackageGroupArn": arn},
            ),
        ),
        template={"Resources": other | {"LateArrival": group(MODEL.name)}},
        is_new=False,
    )


def serving() -> dict[str, Any]:
    """Return a template like Serving's."""
    state = {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": MODEL.release_parameter}
    champion = {"Fn::Select": [0, {"Ref": "ReleaseState"}]}
    return {
        "Parameters": {"ReleaseState": state},
        "Conditions": {"HasChampion": {"Fn::Not": [{"Fn::Equals": [champion, "none"]}]}},
        "Resources": {
            "Model": {"Type": "AWS::SageMaker::Model", "Properties": {"Package": champion}, **RETAIN},
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {"Model": {"Fn::GetAtt": ["Model", "ModelName"]}},
                **RETAIN,
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": MODEL.endpoint,
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                },
                **RETAIN,
            },
            "Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": {}},
        },
    }


def test_endpoint_that_serves_without_its_stack_is_adopted_as_it_is(world: World) -> None:
    arn = register(world, 1)
    serve(world, arn, "1")
    world.services.put_parameter(MODEL.release_parameter, ReleaseState(champion=arn).to_value())
    (adoption,) = plan(world, {MODEL.stack("serving"): serving()})
    assert {one.logical_id: dict(one.identifier) for one in adoption.imports} == {
        "Model": {"ModelArn": ENVIRONMENT.arn("sagemaker", "model/model-1")},
        "Config": {"EndpointConfigArn": ENVIRONMENT.arn("sagemaker", "endpoint-config/config-1")},
        "Endpoint": {"EndpointArn": ENVIRONMENT.arn("sagemaker", f"endpoint/{MODEL.endpoint}")},
    }
    whole = serving()
    del whole["Resources"]["Errors"]
    for resource in whole["Resources"].values():
        resource["Properties"]["Tags"] = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    assert adoption.template == whole, "with all properties and tags, so that the next deployment replaces nothing"


def test_endpoint_that_serves_another_package_than_the_release_state_names_is_refused(world: World) -> None:
    serve(world, register(world, 1), "1")
    with pytest.raises(MooringError, match=f"serves {MODEL.package_arn(1)}; the release state .* names None"):
        plan(world, {MODEL.stack("serving"): serving()})


def test_new_environment_has_nothing_to_adopt(world: World) -> None:
    assert plan(world, {REGISTRY: {"Resources": {"AirTime": group("air-time")}}}) == []
