"""IAM actions that a stack's role needs for each resource type.

The table has the one action of each create, update and delete that names the resource. The other actions of the same
service that AWS's handlers call (``handler_permissions``) must be allowed on some resource. A type that is in neither
table is not checked. SageMaker's service checks its own types.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ministack.core.responses import get_account_id, get_region
from ministack.services import kms

from mooring.embedded import identity
from mooring.embedded.repairs import handler_permissions, iam_requests, keys


class Actions(NamedTuple):
    """IAM actions of one resource type.

    ``name`` is the property that names the resource (empty: none). ``arn`` is a template with the fields ``region``,
    ``account``, ``name`` and ``group``.
    """

    create: str
    update: str
    delete: str
    name: str
    arn: str


_HERE = "{region}:{account}"
TABLE = {
    "AWS::ApplicationAutoScaling::ScalableTarget": None,  # mooring.embedded.services.scaling checks both types
    "AWS::ApplicationAutoScaling::ScalingPolicy": None,
    "AWS::Budgets::Budget": Actions(
        "budgets:ModifyBudget",
        "budgets:ModifyBudget",
        "budgets:ModifyBudget",
        "",
        "arn:aws:budgets::{account}:budget/*",
    ),
    "AWS::CloudWatch::Alarm": Actions(
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:DeleteAlarms",
        "AlarmName",
        f"arn:aws:cloudwatch:{_HERE}:alarm:{{name}}",
    ),
    "AWS::CloudWatch::Dashboard": Actions(
        "cloudwatch:PutDashboard",
        "cloudwatch:PutDashboard",
        "cloudwatch:DeleteDashboards",
        "DashboardName",
        "arn:aws:cloudwatch::{account}:dashboard/{name}",
    ),
    "AWS::CodeBuild::Project": None,  # mooring.embedded.services.codebuild checks it
    "AWS::DynamoDB::Table": Actions(
        "dynamodb:CreateTable",
        "dynamodb:UpdateTable",
        "dynamodb:DeleteTable",
        "TableName",
        f"arn:aws:dynamodb:{_HERE}:table/{{name}}",
    ),
    "AWS::Events::Archive": Actions(
        "events:CreateArchive",
        "events:UpdateArchive",
        "events:DeleteArchive",
        "ArchiveName",
        f"arn:aws:events:{_HERE}:archive/{{name}}",
    ),
    "AWS::Events::EventBus": Actions(
        "events:CreateEventBus",
        "events:UpdateEventBus",
        "events:DeleteEventBus",
        "Name",
        f"arn:aws:events:{_HERE}:event-bus/{{name}}",
    ),
    "AWS::Events::Rule": Actions(
        "events:PutRule", "events:PutRule", "events:DeleteRule", "Name", f"arn:aws:events:{_HERE}:rule/{{name}}"
    ),
    "AWS::IAM::ManagedPolicy": Actions(
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "ManagedPolicyName",
        "arn:aws:iam::{account}:policy/{name}",
    ),
    "AWS::IAM::Role": Actions(
        "iam:CreateRole", "iam:UpdateRole", "iam:DeleteRole", "RoleName", "arn:aws:iam::{account}:role/{name}"
    ),
    "AWS::KMS::Alias": Actions(
        "kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "AliasName", f"arn:aws:kms:{_HERE}:{{name}}"
    ),
    "AWS::KMS::Key": Actions(
        "kms:CreateKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "", f"arn:aws:kms:{_HERE}:key/{{name}}"
    ),
    "AWS::Lambda::EventSourceMapping": Actions(
        "lambda:CreateEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
        "",
        f"arn:aws:lambda:{_HERE}:event-source-mapping:{{name}}",
    ),
    "AWS::Lambda::Function": Actions(
        "lambda:CreateFunction",
        "lambda:UpdateFunctionCode",
        "lambda:DeleteFunction",
        "FunctionName",
        f"arn:aws:lambda:{_HERE}:function:{{name}}",
    ),
    "AWS::Lambda::LayerVersion": Actions(
        "lambda:PublishLayerVersion",
        "lambda:PublishLayerVersion",
        "lambda:DeleteLayerVersion",
        "LayerName",
        f"arn:aws:lambda:{_HERE}:layer:{{name}}",
    ),
    "AWS::Logs::LogGroup": Actions(
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "logs:DeleteLogGroup",
        "LogGroupName",
        f"arn:aws:logs:{_HERE}:log-group:{{name}}",
    ),
    "AWS::S3::Bucket": Actions(
        "s3:CreateBucket", "s3:PutBucketVersioning", "s3:DeleteBucket", "BucketName", "arn:aws:s3:::{name}"
    ),
    "AWS::SNS::Topic": Actions(
        "sns:CreateTopic", "sns:SetTopicAttributes", "sns:DeleteTopic", "TopicName", f"arn:aws:sns:{_HERE}:{{name}}"
    ),
    "AWS::SQS::Queue": Actions(
        "sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:DeleteQueue", "QueueName", f"arn:aws:sqs:{_HERE}:{{name}}"
    ),
    "AWS::SSM::Parameter": Actions(
        "ssm:PutParameter", "ssm:PutParameter", "ssm:DeleteParameter", "Name", f"arn:aws:ssm:{_HERE}:parameter/{{name}}"
    ),
    "AWS::Scheduler::Schedule": Actions(
        "scheduler:CreateSchedule",
        "scheduler:UpdateSchedule",
        "scheduler:DeleteSchedule",
        "Name",
        f"arn:aws:scheduler:{_HERE}:schedule/{{group}}/{{name}}",
    ),
    "AWS::StepFunctions::StateMachine": Actions(
        "states:CreateStateMachine",
        "states:UpdateStateMachine",
        "states:DeleteStateMachine",
        "StateMachineName",
        f"arn:aws:states:{_HERE}:stateMachine:{{name}}",
    ),
}


def authorize_resource(operation: str, resource_type: str, props: dict[str, Any], physical_id: str) -> None:
    """Check that the acting principal may ``create``, ``update`` or ``delete`` one resource.

    Raises
    ------
    AccessDeniedError
        The principal may not do this, or may not pass a role that the resource names.
    """
    if resource_type == "AWS::IAM::Policy":
        action = "iam:DeleteRolePolicy" if operation == "delete" else "iam:PutRolePolicy"
        for role in props.get("Roles") or []:
            _authorize_role(action, role)
    elif resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource":
        identity.authorize("lambda:InvokeFunction", str(props.get("ServiceToken", "")))
    elif (actions := TABLE.get(resource_type)) is not None:
        name = str(props.get(actions.name) or physical_id).rpartition("|")[2]
        arn = (
            name
            if name.startswith("arn:")
            else _arn(actions, props, name.rpartition("/")[2] if "://" in name else name)
        )
        identity.authorize(getattr(actions, operation), arn, context=_keys(operation, resource_type, props, name))
        for action, resource, context in _further(operation, resource_type, props, arn):
            identity.authorize(action, resource, context=context)
    if identity.acting_role():
        # After a create or update, a read gives the attributes that Fn::GetAtt returns.
        operations = (operation,) if operation == "delete" else (operation, "read")
        for action in handler_permissions.needed_of_its_service(resource_type, *operations):
            identity.authorize_somewhere(action)
    if operation != "delete":
        for role_arn, service in _passed(resource_type, props):
            identity.check_pass_role(role_arn, service)


def _authorize_role(action: str, name: str) -> None:
    identity.authorize(action, f"arn:aws:iam::{get_account_id()}:role/{name}", context=iam_requests.role_keys(name))


def _keys(operation: str, resource_type: str, props: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the condition keys of the action that names the resource."""
    if resource_type == "AWS::IAM::Role" and operation == "create":
        return {"iam:PermissionsBoundary": props.get("PermissionsBoundary")}
    if resource_type == "AWS::Lambda::EventSourceMapping":
        return iam_requests.mapping_keys(str(props.get("FunctionName", "")))
    if resource_type == "AWS::KMS::Key":
        return _request_tags(props) if operation == "create" else keys.conditions({"KeyId": name})
    return {}


def _request_tags(props: dict[str, Any]) -> dict[str, Any]:
    return {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in props.get("Tags") or []}


def _further(
    operation: str, resource_type: str, props: dict[str, Any], arn: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield action, resource and condition keys of what CloudFormation also calls, if it could raise rights."""
    if operation == "delete":
        return
    if resource_type == "AWS::KMS::Key" and operation == "create":
        yield "kms:TagResource", arn, _request_tags(props)
    if resource_type == "AWS::KMS::Alias":
        key = kms._resolve_key(str(props.get("TargetKeyId", "")))
        if key is not None:
            yield "kms:CreateAlias", key["Arn"], keys.conditions({"KeyId": key["KeyId"]})
    if resource_type == "AWS::IAM::Role":
        boundary = {"iam:PermissionsBoundary": props.get("PermissionsBoundary")}
        if operation == "update":
            yield "iam:UpdateAssumeRolePolicy", arn, {}
            current = iam_requests.role_keys(arn.rpartition("/")[2])
            if boundary["iam:PermissionsBoundary"]:
                yield "iam:PutRolePermissionsBoundary", arn, boundary
            elif current["iam:PermissionsBoundary"]:
                yield "iam:DeleteRolePermissionsBoundary", arn, current
        if props.get("Policies"):
            yield "iam:PutRolePolicy", arn, boundary
        for policy in props.get("ManagedPolicyArns") or []:
            yield "iam:AttachRolePolicy", arn, {**boundary, "iam:PolicyARN": policy}


def _arn(actions: Actions, props: dict[str, Any], name: str) -> str:
    return actions.arn.format(
        region=get_region(),
        account=get_account_id(),
        name=name.lstrip("/") if actions.arn.endswith("/{name}") else name,
        group=props.get("GroupName") or "default",
    )


def _passed(resource_type: str, props: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if resource_type == "AWS::Lambda::Function":
        yield props["Role"], "lambda.amazonaws.com"
    elif resource_type == "AWS::StepFunctions::StateMachine":
        yield props["RoleArn"], "states.amazonaws.com"
    elif resource_type == "AWS::Scheduler::Schedule":
        yield props["Target"]["RoleArn"], "scheduler.amazonaws.com"
    elif resource_type == "AWS::Events::Rule":
        yield from ((t["RoleArn"], "events.amazonaws.com") for t in props.get("Targets") or [] if t.get("RoleArn"))
