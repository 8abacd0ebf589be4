"""Resources of each type that CloudFormation imports, made by their own APIs."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws

TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
RETAIN = {"DeletionPolicy": "Retain"}
Resource = dict[str, Any]


def policy_document(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def table_resource(name: str) -> Resource:
    properties = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    return {"Type": "AWS::DynamoDB::Table", **RETAIN, "Properties": properties}


def plant_table(embedded_aws: EmbeddedAws, name: str) -> None:
    client = embedded_aws.client("dynamodb")
    client.create_table(**table_resource(name)["Properties"])
    client.put_item(TableName=name, Item={"id": {"S": "kept"}})


Plant = Callable[[EmbeddedAws, str], tuple[dict[str, Any], dict[str, str], str]]
"""Create a resource by its API; return its properties in a template, its identifier, and an attribute of it."""


def _bucket(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return {"BucketName": name}, {"BucketName": name}, "Arn"


def _planted_table(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    plant_table(aws, name)
    return table_resource(name)["Properties"], {"TableName": name}, "Arn"


def _key(aws: EmbeddedAws, _name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    return {"KeyPolicy": policy_document("kms:*")}, {"KeyId": key}, "Arn"


def _alias(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    aws.client("kms").create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    return {"AliasName": f"alias/{name}", "TargetKeyId": key}, {"AliasName": f"alias/{name}"}, ""


def _topic(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    arn = aws.client("sns").create_topic(Name=name)["TopicArn"]
    return {"TopicName": name}, {"TopicArn": arn}, "TopicName"


def _queue(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    url = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return {"QueueName": name}, {"QueueUrl": url}, "Arn"


def _log_group(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    aws.client("logs").create_log_group(logGroupName=name)
    return {"LogGroupName": name}, {"LogGroupName": name}, "Arn"


def _bus(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    aws.client("events").create_event_bus(Name=name)
    return {"Name": name}, {"Name": name}, "Arn"


def _archive(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    source = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    aws.client("events").create_archive(ArchiveName=name, EventSourceArn=source)
    return {"ArchiveName": name, "SourceArn": source}, {"ArchiveName": name}, "Arn"


def _role(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    aws.create_role(name, [])
    trust = {"Version": "2012-10-17", "Statement": [TRUST]}
    return {"RoleName": name, "AssumeRolePolicyDocument": trust}, {"RoleName": name}, "Arn"


def _policy(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    document = policy_document("sns:Publish")
    made = aws.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
    return {"ManagedPolicyName": name, "PolicyDocument": document}, {"PolicyArn": made["Policy"]["Arn"]}, "PolicyId"


def _parameter(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    aws.client("ssm").put_parameter(Name=f"/{name}", Value="kept", Type="String")
    return {"Name": f"/{name}", "Type": "String", "Value": "kept"}, {"Name": f"/{name}"}, "Value"


def _package_group(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    made = aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    arn = made["ModelPackageGroupArn"]
    return {"ModelPackageGroupName": name}, {"ModelPackageGroupArn": arn}, "ModelPackageGroupArn"


def _function(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    role = aws.create_role(name, [], trusted={"Service": "lambda.amazonaws.com"})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handle(event, context):\n    return 1\n")
    shared = {"FunctionName": name, "Role": role, "Handler": "index.handle", "Runtime": "python3.12"}
    aws.client("lambda").create_function(**shared, Code={"ZipFile": packed.getvalue()})
    return shared | {"Code": {"ZipFile": "def handle(event, context): return 1"}}, {"FunctionName": name}, "Arn"


def _machine(aws: EmbeddedAws, name: str) -> tuple[dict[str, Any], dict[str, str], str]:
    role = aws.create_role(name, [], trusted={"Service": "states.amazonaws.com"})
    definition = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
    made = aws.client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
    properties = {"StateMachineName": name, "RoleArn": role, "DefinitionString": definition}
    return properties, {"Arn": made["stateMachineArn"]}, "Name"


PLANTS: dict[str, Plant] = {
    "AWS::DynamoDB::Table": _planted_table,
    "AWS::Events::Archive": _archive,
    "AWS::Events::EventBus": _bus,
    "AWS::IAM::ManagedPolicy": _policy,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Alias": _alias,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
    "AWS::SSM::Parameter": _parameter,
    "AWS::SageMaker::ModelPackageGroup": _package_group,
    "AWS::StepFunctions::StateMachine": _machine,
}
