"""CloudFormation: roles of stacks, resolved parameters, updates without changes, and the added resource types."""

import json
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws

CLOUDFORMATION = {"Service": "cloudformation.amazonaws.com"}


def _allow(action: str | list[str], resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _template(resources: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Resources": resources, **more})


def _topic(name: str) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


def _reasons(client: Any, stack: str) -> str:
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)


@pytest.fixture
def name() -> str:
    return f"s{uuid4().hex[:10]}"


def _wait(client: Any, stack: str) -> str:
    while (found := client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith("_IN_PROGRESS"):
        pass
    return str(found)


def test_creating_a_stack_with_a_role_needs_pass_role(embedded_aws: EmbeddedAws, name: str) -> None:
    deployer = embedded_aws.create_role(f"{name}-deployer", [_allow("sns:*")], trusted=CLOUDFORMATION)
    caller = embedded_aws.create_role(f"{name}-caller", [_allow("cloudformation:*")])
    with pytest.raises(ClientError, match="iam:PassRole"):
        embedded_aws.client("cloudformation", role=caller).create_stack(
            StackName=name, TemplateBody=_template({"T": _topic(name)}), RoleARN=deployer
        )


def test_role_given_once_is_used_for_every_later_operation(embedded_aws: EmbeddedAws, name: str) -> None:
    allowed = _allow("sns:*", f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}*")
    deployer = embedded_aws.create_role(f"{name}-deployer", [allowed], trusted=CLOUDFORMATION)
    caller = embedded_aws.create_role(f"{name}-caller", [_allow("cloudformation:*"), _allow("iam:PassRole", deployer)])
    client = embedded_aws.client("cloudformation", role=caller)
    client.create_stack(StackName=name, TemplateBody=_template({"T": _topic(name)}), RoleARN=deployer)
    assert _wait(client, name) == "CREATE_COMPLETE"
    embedded_aws.client("cloudformation").update_stack(
        StackName=name, TemplateBody=_template({"T": _topic(name), "U": _topic("elsewhere")})
    )
    assert _wait(client, name) == "UPDATE_ROLLBACK_COMPLETE"
    assert "not authorized to perform: sns:CreateTopic" in _reasons(client, name)


def test_role_needs_every_action_of_the_handlers(embedded_aws: EmbeddedAws, name: str) -> None:
    naming = ["sns:CreateTopic", "sns:DeleteTopic"]
    deployer = embedded_aws.create_role(f"{name}-deployer", [_allow(naming)], trusted=CLOUDFORMATION)
    client = embedded_aws.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=_template({"T": _topic(name)}), RoleARN=deployer)
    assert _wait(client, name) == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: sns:GetDataProtectionPolicy on any resource" in _reasons(client, name)


def test_stack_without_a_role_uses_the_callers_permissions(embedded_aws: EmbeddedAws, name: str) -> None:
    caller = embedded_aws.create_role(f"{name}-caller", [_allow("cloudformation:*")])
    client = embedded_aws.client("cloudformation", role=caller)
    client.create_stack(StackName=name, TemplateBody=_template({"T": _topic(name)}))
    assert _wait(client, name) == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: sns:CreateTopic" in _reasons(client, name)


def test_stack_cannot_create_a_role_without_the_required_boundary(embedded_aws: EmbeddedAws, name: str) -> None:
    bounded = _allow("iam:*") | {"Condition": {"StringLike": {"iam:PermissionsBoundary": "*-boundary"}}}
    deployer = embedded_aws.create_role(f"{name}-deployer", [bounded], trusted=CLOUDFORMATION)
    client = embedded_aws.client("cloudformation")
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    client.create_stack(
        StackName=name, TemplateBody=_template({"R": role}), RoleARN=deployer, Capabilities=["CAPABILITY_IAM"]
    )
    assert _wait(client, name) == "ROLLBACK_COMPLETE"
    assert "iam:CreateRole" in _reasons(client, name)


def test_parameter_store_value_is_read_at_every_update(embedded_aws: EmbeddedAws, name: str) -> None:
    ssm, client = embedded_aws.client("ssm"), embedded_aws.client("cloudformation")
    ssm.put_parameter(Name=f"/{name}", Value="v1,none", Type="StringList")
    body = _template(
        {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::Select": [0, {"Ref": "State"}]}}}},
        Parameters={"State": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": f"/{name}"}},
    )
    client.create_stack(StackName=name, TemplateBody=body)
    _wait(client, name)

    def update() -> None:
        client.update_stack(
            StackName=name,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": "State", "UsePreviousValue": True}],
        )

    with pytest.raises(ClientError, match="No updates are to be performed"):
        update()
    ssm.put_parameter(Name=f"/{name}", Value="v2,none", Type="StringList", Overwrite=True)
    update()
    assert _wait(client, name) == "UPDATE_COMPLETE"
    (parameter,) = client.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
    assert (parameter["ParameterValue"], parameter["ResolvedValue"]) == (f"/{name}", "v2,none")


def test_stack_creates_and_deletes_the_added_types(embedded_aws: EmbeddedAws, name: str) -> None:
    client = embedded_aws.client("cloudformation")
    bus = {"Type": "AWS::Events::EventBus", "Properties": {"Name": name}}
    target = {
        "MinCapacity": 1,
        "MaxCapacity": 2,
        "ResourceId": f"endpoint/{name}/variant/champion",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ServiceNamespace": "sagemaker",
    }
    tracking = {
        "TargetValue": 100,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    resources = {
        "Bus": bus,
        "Archive": {
            "Type": "AWS::Events::Archive",
            "Properties": {"ArchiveName": name, "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]}, "RetentionDays": 7},
        },
        "BusPolicy": {
            "Type": "AWS::Events::EventBusPolicy",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "StatementId": "other",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
                    "Action": "events:PutEvents",
                    "Resource": {"Fn::GetAtt": ["Bus", "Arn"]},
                },
            },
        },
        "Budget": {
            "Type": "AWS::Budgets::Budget",
            "Properties": {
                "Budget": {
                    "BudgetName": name,
                    "BudgetType": "COST",
                    "TimeUnit": "MONTHLY",
                    "BudgetLimit": {"Amount": 100, "Unit": "USD"},
                }
            },
        },
        "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target},
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": name,
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": tracking,
            },
        },
    }
    client.create_stack(StackName=name, TemplateBody=_template(resources))
    assert _wait(client, name) == "CREATE_COMPLETE", _reasons(client, name)
    scaling = embedded_aws.client("application-autoscaling")
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 2)
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=target["ResourceId"])
    assert policies["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100
    assert embedded_aws.client("events").describe_archive(ArchiveName=name)["RetentionDays"] == 7
    policy = json.loads(embedded_aws.client("events").describe_event_bus(Name=name)["Policy"])
    assert policy["Statement"][0]["Sid"] == "other"
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    assert not scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]


def test_scaling_is_refused_without_permission(embedded_aws: EmbeddedAws, name: str) -> None:
    nobody = embedded_aws.create_role(name, [])
    with pytest.raises(ClientError, match="AccessDenied"):
        embedded_aws.client("application-autoscaling", role=nobody).describe_scalable_targets(
            ServiceNamespace="sagemaker"
        )


def test_policy_can_require_one_role_for_updates(embedded_aws: EmbeddedAws, name: str) -> None:
    """The release flow's policy has this condition: it may update a stack only under the release deployer's role."""
    roles = {
        which: embedded_aws.create_role(f"{name}-{which}", [], trusted={"Service": "cloudformation.amazonaws.com"})
        for which in ("right", "wrong")
    }
    required = {"StringEquals": {"cloudformation:RoleArn": roles["right"]}}
    caller = embedded_aws.create_role(
        f"{name}-caller",
        [
            {"Effect": "Allow", "Action": "cloudformation:UpdateStack", "Resource": "*", "Condition": required},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": list(roles.values())},
        ],
    )
    resources = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    template = json.dumps({"Resources": resources})
    embedded_aws.client("cloudformation").create_stack(StackName=name, TemplateBody=template)
    cloudformation = embedded_aws.client("cloudformation", role=caller)
    for refused in ({"RoleARN": roles["wrong"]}, {}):
        with pytest.raises(ClientError, match="not authorized to perform: cloudformation:UpdateStack"):
            cloudformation.update_stack(StackName=name, TemplateBody=template, **refused)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloudformation.update_stack(StackName=name, TemplateBody=template, RoleARN=roles["right"])
