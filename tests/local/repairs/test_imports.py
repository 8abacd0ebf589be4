"""CloudFormation: import of resources that exist, by change set and by the CDK CLI, and what a stack retains."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import aws_cdk
import pytest
from aws_cdk import aws_dynamodb, aws_kms, aws_s3, aws_sns
from botocore.exceptions import ClientError

from mooring import cdk
from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.plants import PLANTS, RETAIN, Resource, plant_table, policy_document, table_resource

CLOUDFORMATION = {"Service": "cloudformation.amazonaws.com"}


@pytest.fixture
def name() -> str:
    return f"i{uuid4().hex[:10]}"


@pytest.fixture
def cloudformation(embedded_aws: EmbeddedAws) -> Any:
    return embedded_aws.client("cloudformation")


def _template(resources: dict[str, Resource], **more: Any) -> str:
    return json.dumps({"Resources": resources, **more})


def _wait(client: Any, stack: str) -> str:
    while (found := client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith("_IN_PROGRESS"):
        pass
    return str(found)


def _reasons(client: Any, stack: str) -> str:
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)


def _change_set(client: Any, stack: str, template: str, kind: str, **more: Any) -> dict[str, Any]:
    """Create a change set and return its description."""
    made = client.create_change_set(
        StackName=stack,
        ChangeSetName=f"c{uuid4().hex[:8]}",
        ChangeSetType=kind,
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **more,
    )
    found: dict[str, Any] = client.describe_change_set(ChangeSetName=made["Id"])
    return found


def _execute(client: Any, change_set: dict[str, Any]) -> str:
    assert change_set["Status"] == "CREATE_COMPLETE", change_set["StatusReason"]
    client.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    return _wait(client, change_set["StackId"])


def _to_import(resource_type: str, logical_id: str, **identifier: str) -> dict[str, Any]:
    return {"ResourceType": resource_type, "LogicalResourceId": logical_id, "ResourceIdentifier": identifier}


def _item(embedded_aws: EmbeddedAws, table: str) -> bool:
    found = embedded_aws.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "kept"}})
    return "Item" in found


@pytest.mark.parametrize("resource_type", PLANTS)
def test_existing_resource_is_imported(
    embedded_aws: EmbeddedAws, cloudformation: Any, name: str, resource_type: str
) -> None:
    properties, identifier, attribute = PLANTS[resource_type](embedded_aws, name)
    resources = {"Found": {"Type": resource_type, **RETAIN, "Properties": properties}}
    summary = cloudformation.get_template_summary(TemplateBody=_template(resources))
    assert summary["ResourceIdentifierSummaries"] == [
        {
            "ResourceType": resource_type,
            "LogicalResourceIds": ["Found"],
            "ResourceIdentifiers": list(identifier),
        }
    ]
    wanted = [_to_import(resource_type, "Found", **identifier)]
    change_set = _change_set(cloudformation, name, _template(resources), "IMPORT", ResourcesToImport=wanted)
    assert [change["ResourceChange"]["Action"] for change in change_set["Changes"]] == ["Import"]
    assert _execute(cloudformation, change_set) == "IMPORT_COMPLETE"
    value = {"Fn::GetAtt": ["Found", attribute]} if attribute else {"Ref": "Found"}
    updated = _change_set(
        cloudformation,
        name,
        _template(
            resources | {"Other": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Found"}}}},
            Outputs={"Attribute": {"Value": value}},
        ),
        "UPDATE",
    )
    assert _execute(cloudformation, updated) == "UPDATE_COMPLETE", _reasons(cloudformation, name)
    assert cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"][0]["OutputValue"]
    physical_id = cloudformation.describe_stack_resource(StackName=name, LogicalResourceId="Found")
    assert physical_id["StackResourceDetail"]["PhysicalResourceId"] == next(iter(identifier.values()))


def test_import_needs_a_deletion_policy(embedded_aws: EmbeddedAws, cloudformation: Any, name: str) -> None:
    plant_table(embedded_aws, name)
    table = table_resource(name)
    del table["DeletionPolicy"]
    with pytest.raises(ClientError, match=r"\[Table\] must have DeletionPolicy attribute"):
        _change_set(
            cloudformation,
            name,
            _template({"Table": table}),
            "IMPORT",
            ResourcesToImport=[_to_import("AWS::DynamoDB::Table", "Table", TableName=name)],
        )


def test_import_of_a_missing_resource_fails(cloudformation: Any, name: str) -> None:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{name}"
    group = {
        "Type": "AWS::SageMaker::ModelPackageGroup",
        **RETAIN,
        "Properties": {"ModelPackageGroupName": name},
    }
    failed = _change_set(
        cloudformation,
        name,
        _template({"Group": group}),
        "IMPORT",
        ResourcesToImport=[_to_import("AWS::SageMaker::ModelPackageGroup", "Group", ModelPackageGroupArn=arn)],
    )
    assert failed["Status"] == "FAILED"
    assert f"identifier '{arn}' was not found" in failed["StatusReason"]


def test_resource_of_another_stack_is_not_imported(cloudformation: Any, name: str) -> None:
    cloudformation.create_stack(StackName=name, TemplateBody=_template({"Table": table_resource(name)}))
    assert _wait(cloudformation, name) == "CREATE_COMPLETE"
    template = _template({"Mine": table_resource(name)})
    asked = [_to_import("AWS::DynamoDB::Table", "Mine", TableName=name)]
    for kind, more in (("IMPORT", {"ResourcesToImport": asked}), ("CREATE", {"ImportExistingResources": True})):
        failed = _change_set(cloudformation, f"{name}-{kind}", template, kind, **more)
        assert failed["Status"] == "FAILED"
        assert f"{name} already exists in stack arn:aws:cloudformation" in failed["StatusReason"]


def test_type_that_cannot_be_imported_is_refused_by_name(cloudformation: Any, name: str) -> None:
    resource = {"Type": "AWS::SNS::TopicPolicy", **RETAIN, "Properties": {"Topics": [], "PolicyDocument": {}}}
    with pytest.raises(ClientError, match=r"ResourceTypes \[AWS::SNS::TopicPolicy\] are not supported for Import"):
        _change_set(
            cloudformation,
            name,
            _template({"Policy": resource}),
            "IMPORT",
            ResourcesToImport=[_to_import("AWS::SNS::TopicPolicy", "Policy", Id="x")],
        )


def test_import_needs_the_read_actions(embedded_aws: EmbeddedAws, cloudformation: Any, name: str) -> None:
    plant_table(embedded_aws, name)
    role = embedded_aws.create_role(name, [policy_document("dynamodb:Create*")["Statement"][0]], trusted=CLOUDFORMATION)
    change_set = _change_set(
        cloudformation,
        name,
        _template({"Table": table_resource(name)}),
        "IMPORT",
        ResourcesToImport=[_to_import("AWS::DynamoDB::Table", "Table", TableName=name)],
        RoleARN=role,
    )
    assert _execute(cloudformation, change_set) == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: dynamodb:Describe" in _reasons(cloudformation, name)


def test_deployment_imports_the_named_resources_that_exist(
    embedded_aws: EmbeddedAws, cloudformation: Any, name: str
) -> None:
    plant_table(embedded_aws, name)
    embedded_aws.client("events").create_event_bus(Name=name)
    resources = {
        "Table": table_resource(name),
        "Bus": {"Type": "AWS::Events::EventBus", **RETAIN, "Properties": {"Name": name}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
    }
    change_set = _change_set(cloudformation, name, _template(resources), "CREATE", ImportExistingResources=True)
    actions = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]["Action"] for c in change_set["Changes"]}
    assert actions == {"Table": "Import", "Bus": "Import", "Topic": "Add"}
    assert _execute(cloudformation, change_set) == "CREATE_COMPLETE"
    assert _item(embedded_aws, name)
    plant_table(embedded_aws, f"{name}-2")
    more = _template(resources | {"Second": table_resource(f"{name}-2")})
    updated = _change_set(cloudformation, name, more, "UPDATE", ImportExistingResources=True)
    assert _execute(cloudformation, updated) == "UPDATE_COMPLETE"
    assert _item(embedded_aws, f"{name}-2")


def test_deployment_imports_only_what_the_template_retains(
    embedded_aws: EmbeddedAws, cloudformation: Any, name: str
) -> None:
    plant_table(embedded_aws, name)
    template = _template({"Table": table_resource(name) | {"DeletionPolicy": "Delete"}})
    failed = _change_set(cloudformation, name, template, "CREATE", ImportExistingResources=True)
    assert failed["Status"] == "FAILED"
    assert "must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate'" in failed["StatusReason"]


@pytest.mark.parametrize("resource_type", sorted(PLANTS.keys() - {"AWS::KMS::Key"}))
def test_creation_of_a_resource_that_exists_fails(
    embedded_aws: EmbeddedAws, cloudformation: Any, name: str, resource_type: str
) -> None:
    properties, identifier, _attribute = PLANTS[resource_type](embedded_aws, name)
    resources = {"Found": {"Type": resource_type, **RETAIN, "Properties": properties}}
    cloudformation.create_stack(
        StackName=name, TemplateBody=_template(resources), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    assert _wait(cloudformation, name) == "ROLLBACK_COMPLETE"
    if resource_type == "AWS::DynamoDB::Table":
        assert _item(embedded_aws, name)
    kept = _change_set(
        cloudformation,
        f"{name}-kept",
        _template(resources),
        "IMPORT",
        ResourcesToImport=[_to_import(resource_type, "Found", **identifier)],
    )
    assert kept["Status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("policy", "after_failed_create", "after_deletion"),
    [("Delete", False, False), ("Retain", True, True), ("RetainExceptOnCreate", False, True)],
)
def test_deletion_policy(
    embedded_aws: EmbeddedAws,
    cloudformation: Any,
    name: str,
    policy: str,
    after_failed_create: bool,
    after_deletion: bool,
) -> None:
    def exists(table: str) -> bool:
        return table in embedded_aws.client("dynamodb").list_tables()["TableNames"]

    table = table_resource(f"{name}-a") | {"DeletionPolicy": policy}
    bus = {"Type": "AWS::Events::EventBus", "DependsOn": "Table", "Properties": {"Name": "default"}}
    cloudformation.create_stack(StackName=f"{name}-a", TemplateBody=_template({"Table": table, "Bus": bus}))
    assert _wait(cloudformation, f"{name}-a") == "ROLLBACK_COMPLETE"
    assert exists(f"{name}-a") == after_failed_create
    table = table_resource(f"{name}-b") | {"DeletionPolicy": policy}
    cloudformation.create_stack(StackName=f"{name}-b", TemplateBody=_template({"Table": table}))
    assert _wait(cloudformation, f"{name}-b") == "CREATE_COMPLETE"
    stack = cloudformation.describe_stacks(StackName=f"{name}-b")["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=f"{name}-b")
    assert _wait(cloudformation, stack) == "DELETE_COMPLETE"
    assert exists(f"{name}-b") == after_deletion


def _assembly(folder: Path, name: str) -> str:
    """Synthesize one stack with a key, a named bucket, table and topic, all retained; return the assembly's folder."""
    app = aws_cdk.App(outdir=str(folder), analytics_reporting=False)
    place = aws_cdk.Environment(account=ACCOUNT, region=REGION)
    stack = aws_cdk.Stack(app, name, env=place, synthesizer=aws_cdk.LegacyStackSynthesizer())
    retained = aws_cdk.CfnDeletionPolicy.RETAIN
    bucket = aws_s3.CfnBucket(stack, "Bucket", bucket_name=name)
    key_schema = [aws_dynamodb.CfnTable.KeySchemaProperty(attribute_name="id", key_type="HASH")]
    attributes = [aws_dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name="id", attribute_type="S")]
    table = aws_dynamodb.CfnTable(
        stack,
        "Table",
        table_name=name,
        billing_mode="PAY_PER_REQUEST",
        key_schema=key_schema,
        attribute_definitions=attributes,
    )
    key = aws_kms.CfnKey(stack, "Key", key_policy=policy_document("kms:*"))
    topic = aws_sns.CfnTopic(stack, "Topic", topic_name=name)
    for resource in (bucket, table, key, topic):
        resource.cfn_options.deletion_policy = resource.cfn_options.update_replace_policy = retained
    app.synth()
    return str(folder)


def test_cdk_import_and_deploy(embedded_aws: EmbeddedAws, cloudformation: Any, name: str, tmp_path: Path) -> None:
    """A stack is deleted; what it retained comes back: by ``cdk import`` with a mapping, and by a deployment."""
    assembly = _assembly(tmp_path / "cdk.out", name)
    variables = embedded_aws.variables()

    def run(*arguments: str) -> str:
        common = ["--app", assembly, name]
        return cdk.run([*arguments, *common], variables=variables, log=tmp_path / "cdk.log")

    run("deploy", "--require-approval", "never")
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    ids = {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in resources}
    embedded_aws.client("dynamodb").put_item(TableName=name, Item={"id": {"S": "kept"}})
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)
    assert _wait(cloudformation, stack) == "DELETE_COMPLETE"
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        json.dumps(
            {
                "Bucket": {"BucketName": ids["Bucket"]},
                "Table": {"TableName": ids["Table"]},
                "Key": {"KeyId": ids["Key"]},
                "Topic": {"TopicArn": ids["Topic"]},
            }
        )
    )
    run("import", "--force", "--resource-mapping", str(mapping))
    again = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    assert {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in again} == ids
    run("deploy", "--require-approval", "never")
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)
    assert _wait(cloudformation, stack) == "DELETE_COMPLETE"
    embedded_aws.client("sns").delete_topic(TopicArn=ids["Topic"])  # its identifier is no property: not imported
    run("deploy", "--require-approval", "never", "--import-existing-resources")
    assert _wait(cloudformation, name) == "CREATE_COMPLETE"
    assert _item(embedded_aws, name)
