"""Roles, buckets and tables of a stack have the properties of its template."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.support.embedded_aws import ACCOUNT, EmbeddedAws

NAME = f"p{uuid4().hex[:10]}"
DENY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    ],
}
RESOURCES: dict[str, Any] = {
    "Key": {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                        "Action": "kms:*",
                        "Resource": "*",
                    }
                ],
            }
        },
    },
    "Boundary": {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"ManagedPolicyName": f"{NAME}-boundary", "PolicyDocument": DENY_ALL},
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": NAME,
            "AssumeRolePolicyDocument": TRUST,
            "PermissionsBoundary": {"Ref": "Boundary"},
        },
    },
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": NAME,
            "ObjectLockEnabled": True,
            "VersioningConfiguration": {"Status": "Enabled"},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "LifecycleConfiguration": {
                "Rules": [
                    {"Id": "old", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
                    {
                        "Id": "cold",
                        "Status": "Enabled",
                        "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}],
                    },
                    {
                        "Id": "parts",
                        "Status": "Enabled",
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                    },
                ]
            },
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                        },
                        "BucketKeyEnabled": True,
                    }
                ]
            },
        },
    },
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": NAME,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
            },
            "DeletionProtectionEnabled": True,
        },
    },
}


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws) -> str:
    client = embedded_aws.client("cloudformation")
    client.create_stack(
        StackName=NAME, TemplateBody=json.dumps({"Resources": RESOURCES}), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    client.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 15})
    return NAME


def test_role_has_its_boundary(embedded_aws: EmbeddedAws, stack: str) -> None:
    role = embedded_aws.client("iam").get_role(RoleName=stack)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(f"{stack}-boundary")


def test_bucket_has_encryption_object_lock_and_lifecycle(embedded_aws: EmbeddedAws, stack: str) -> None:
    s3 = embedded_aws.client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=stack)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert s3.get_object_lock_configuration(Bucket=stack)["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=stack)["Rules"]
    assert {rule["ID"] for rule in rules} == {"old", "cold", "parts"}


def test_table_has_time_to_live_recovery_and_encryption(embedded_aws: EmbeddedAws, stack: str) -> None:
    dynamodb = embedded_aws.client("dynamodb")
    ttl = dynamodb.describe_time_to_live(TableName=stack)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires")
    backups = dynamodb.describe_continuous_backups(TableName=stack)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.describe_table(TableName=stack)["Table"]["SSEDescription"]["SSEType"] == "KMS"


def test_protected_table_and_full_bucket_are_not_deleted(embedded_aws: EmbeddedAws, stack: str) -> None:
    embedded_aws.client("s3").put_object(Bucket=stack, Key="k", Body=b"kept")
    client = embedded_aws.client("cloudformation")
    client.delete_stack(StackName=stack)
    while (found := client.describe_stacks(StackName=stack)["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS"):
        pass
    assert found["StackStatus"] == "DELETE_FAILED"
    assert embedded_aws.client("s3").get_object(Bucket=stack, Key="k")["Body"].read() == b"kept"
    assert embedded_aws.client("dynamodb").describe_table(TableName=stack)["Table"]["TableName"] == stack
