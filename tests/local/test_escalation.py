"""Nobody who deploys through the bootstrap becomes administrator, on the embedded AWS with IAM enforced.

The tests act as a role with the policies of CloudFormation's role, and as a role that such a deployment makes with all
rights in its own policy. Each does what belongs to the environment, and nothing else.
"""

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mooring import permissions
from pipelines.interface.names import ENVIRONMENT_TAG, Environment
from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws

ENVIRONMENT = Environment(team="escalation", stage="dev", account=ACCOUNT, region=REGION)
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
LAMBDA = {"Service": "lambda.amazonaws.com"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """An account with an environment's policies, and with things of somebody else.

    ``deployer`` has the policies of CloudFormation's role and trusts the account; ``execution`` has them and trusts
    CloudFormation. ``made`` is a role of the environment: it has its boundary, and all rights in its own policy.
    """

    aws: EmbeddedAws
    deployer: str
    execution: str
    made: str
    others_role: str
    others_key: str
    others_untagged_key: str

    def client(self, service: str) -> Any:
        return self.aws.client(service, role=self.deployer)


@pytest.fixture(scope="module")
def place(embedded_aws: EmbeddedAws) -> Place:
    iam, kms = embedded_aws.client("iam"), embedded_aws.client("kms")
    named = {
        permissions.COMMON: permissions.common(ACCOUNT),
        ENVIRONMENT.boundary: permissions.boundary(ENVIRONMENT, []),
        ENVIRONMENT.deployer: permissions.deployer(ENVIRONMENT),
        "open-boundary": ALL,
    }
    arns = {name: f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in named}
    for name, document in named.items():
        # Another test may have bootstrapped the account: the common policy is the same.
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
    roles = {
        name: embedded_aws.create_role(name, [], trusted=trusted)
        for name, trusted in (("escalating", None), ("executing", {"Service": "cloudformation.amazonaws.com"}))
    }
    for name in roles:
        for policy in (permissions.COMMON, ENVIRONMENT.deployer):
            iam.attach_role_policy(RoleName=name, PolicyArn=arns[policy])
    others_key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/others", TargetKeyId=others_key)
    s3 = embedded_aws.client("s3")
    for bucket in ("somebody-elses-bucket", ENVIRONMENT.bucket("data")):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key="file", Body=b"data")
    others_role = embedded_aws.create_role("others", ALL["Statement"], trusted=LAMBDA)  # type: ignore[arg-type]
    embedded_aws.client("lambda").create_function(**_function("others", others_role))
    place = Place(
        aws=embedded_aws,
        deployer=roles["escalating"],
        execution=roles["executing"],
        made=f"arn:aws:iam::{ACCOUNT}:role/{ENVIRONMENT.id}-made",
        others_role=others_role,
        others_key=others_key,
        others_untagged_key=kms.create_key()["KeyMetadata"]["Arn"],
    )
    _create_role(place, f"{ENVIRONMENT.id}-made", boundary=ENVIRONMENT.boundary_arn)
    place.client("iam").put_role_policy(
        RoleName=f"{ENVIRONMENT.id}-made", PolicyName="all", PolicyDocument=json.dumps(ALL)
    )
    return place


def _function(name: str, role: str) -> dict[str, Any]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("handler.py", "def handle(event, context): return 1")
    code = {"ZipFile": archive.getvalue()}
    return {"FunctionName": name, "Role": role, "Runtime": "python3.12", "Handler": "handler.handle", "Code": code}


def _create_role(place: Place, name: str, *, boundary: str | None) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    place.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        **({"PermissionsBoundary": boundary} if boundary else {}),
    )


def _policy(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


ESCALATIONS: dict[str, tuple[str, Callable[[Place], Any]]] = {
    "create a policy named x-boundary": (
        "iam:CreatePolicy",
        lambda p: p.client("iam").create_policy(PolicyName="x-boundary", PolicyDocument=json.dumps(ALL)),
    ),
    "create a policy of the environment": (
        "iam:CreatePolicy",
        lambda p: p.client("iam").create_policy(PolicyName=f"{ENVIRONMENT.id}-x", PolicyDocument=json.dumps(ALL)),
    ),
    "create a role without a boundary": (
        "iam:CreateRole",
        lambda p: _create_role(p, f"{ENVIRONMENT.id}-x", boundary=None),
    ),
    "create a role under another boundary": (
        "iam:CreateRole",
        lambda p: _create_role(p, f"{ENVIRONMENT.id}-x", boundary=_policy("open-boundary")),
    ),
    "create a role of somebody else": (
        "iam:CreateRole",
        lambda p: _create_role(p, "another", boundary=ENVIRONMENT.boundary_arn),
    ),
    "attach AdministratorAccess": (
        "iam:AttachRolePolicy",
        lambda p: p.client("iam").attach_role_policy(RoleName=f"{ENVIRONMENT.id}-made", PolicyArn=ADMINISTRATOR),
    ),
    "attach AdministratorAccess to the own role": (
        "iam:AttachRolePolicy",
        lambda p: p.client("iam").attach_role_policy(RoleName="escalating", PolicyArn=ADMINISTRATOR),
    ),
    "edit the own role": (
        "iam:PutRolePolicy",
        lambda p: p.client("iam").put_role_policy(
            RoleName="escalating", PolicyName="all", PolicyDocument=json.dumps(ALL)
        ),
    ),
    "edit another role's trust": (
        "iam:UpdateAssumeRolePolicy",
        lambda p: p.client("iam").update_assume_role_policy(RoleName="others", PolicyDocument=json.dumps(ALL)),
    ),
    "pass a foreign role": (
        "iam:PassRole",
        lambda p: p.client("lambda").create_function(**_function(f"{ENVIRONMENT.id}-x", p.others_role)),
    ),
    "write a boundary": (
        "iam:CreatePolicyVersion",
        lambda p: p.client("iam").create_policy_version(
            PolicyArn=ENVIRONMENT.boundary_arn, PolicyDocument=json.dumps(ALL), SetAsDefault=True
        ),
    ),
    "take an older version of a boundary": (
        "iam:SetDefaultPolicyVersion",
        lambda p: p.client("iam").set_default_policy_version(PolicyArn=ENVIRONMENT.boundary_arn, VersionId="v1"),
    ),
    "delete a boundary": (
        "iam:DeletePolicy",
        lambda p: p.client("iam").delete_policy(PolicyArn=ENVIRONMENT.boundary_arn),
    ),
    "write the deployment policy": (
        "iam:CreatePolicyVersion",
        lambda p: p.client("iam").create_policy_version(
            PolicyArn=_policy(ENVIRONMENT.deployer), PolicyDocument=json.dumps(ALL), SetAsDefault=True
        ),
    ),
    "detach a boundary": (
        "iam:DeleteRolePermissionsBoundary",
        lambda p: p.client("iam").delete_role_permissions_boundary(RoleName=f"{ENVIRONMENT.id}-made"),
    ),
    "replace a boundary": (
        "iam:PutRolePermissionsBoundary",
        lambda p: p.client("iam").put_role_permissions_boundary(
            RoleName=f"{ENVIRONMENT.id}-made", PermissionsBoundary=_policy("open-boundary")
        ),
    ),
    "read another bucket": (
        "s3:GetObject",
        lambda p: p.client("s3").get_object(Bucket="somebody-elses-bucket", Key="file"),
    ),
    "edit another bucket's policy": (
        "s3:PutBucketPolicy",
        lambda p: p.client("s3").put_bucket_policy(Bucket="somebody-elses-bucket", Policy=json.dumps(ALL)),
    ),
    "read the environment's data": (
        "s3:GetObject",
        lambda p: p.client("s3").get_object(Bucket=ENVIRONMENT.bucket("data"), Key="file"),
    ),
    "use another key": (
        "kms:GenerateDataKey",
        lambda p: p.client("kms").generate_data_key(KeyId=p.others_key, KeySpec="AES_256"),
    ),
    "use another key without alias": (
        "kms:Encrypt",
        lambda p: p.client("kms").encrypt(KeyId=p.others_untagged_key, Plaintext=b"x"),
    ),
    "tag another key": (
        "kms:TagResource",
        lambda p: p.client("kms").tag_resource(
            KeyId=p.others_key, Tags=[{"TagKey": ENVIRONMENT_TAG, "TagValue": ENVIRONMENT.id}]
        ),
    ),
    "give another key the environment's alias": (
        "kms:CreateAlias",
        lambda p: p.client("kms").create_alias(AliasName=f"{ENVIRONMENT.key_alias}-x", TargetKeyId=p.others_key),
    ),
    "create a key of another environment": (
        "kms:CreateKey",
        lambda p: p.client("kms").create_key(Tags=[{"TagKey": ENVIRONMENT_TAG, "TagValue": "other-dev-eu-west-1"}]),
    ),
    "change another function": (
        "lambda:UpdateFunctionCode",
        lambda p: p.client("lambda").update_function_code(
            FunctionName="others", ZipFile=_function("x", "x")["Code"]["ZipFile"]
        ),
    ),
    "send events to another function": (
        "lambda:CreateEventSourceMapping",
        lambda p: p.client("lambda").create_event_source_mapping(
            FunctionName="others", EventSourceArn=ENVIRONMENT.arn("sqs", ENVIRONMENT.landing_queue)
        ),
    ),
}
"""What somebody could try with CloudFormation's rights: the action that must be denied, and the call."""


@pytest.mark.parametrize("title", ESCALATIONS)
def test_deployer_cannot(place: Place, title: str) -> None:
    action, attempt = ESCALATIONS[title]
    with pytest.raises(ClientError) as refused:
        attempt(place)
    assert _is_denied(refused.value)
    if not action.startswith("s3:"):  # S3 does not name the action
        assert action in str(refused.value)


def _is_denied(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


def test_deployer_does_what_belongs_to_the_environment(place: Place) -> None:
    iam, kms = place.client("iam"), place.client("kms")
    made = f"{ENVIRONMENT.id}-made"
    assert iam.get_role(RoleName=made)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("-boundary")
    place.client("lambda").create_function(**_function(f"{ENVIRONMENT.id}-echo", place.made))
    place.client("sqs").create_queue(QueueName=ENVIRONMENT.landing_queue)
    place.client("lambda").create_event_source_mapping(
        FunctionName=f"{ENVIRONMENT.id}-echo", EventSourceArn=ENVIRONMENT.arn("sqs", ENVIRONMENT.landing_queue)
    )
    iam.attach_role_policy(RoleName=made, PolicyArn=ENVIRONMENT.boundary_arn)
    iam.detach_role_policy(RoleName=made, PolicyArn=ENVIRONMENT.boundary_arn)
    key = kms.create_key(Tags=[{"TagKey": ENVIRONMENT_TAG, "TagValue": ENVIRONMENT.id}])["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=ENVIRONMENT.key_alias, TargetKeyId=key)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "more", "TagValue": "tags"}])
    assert kms.generate_data_key(KeyId=key, KeySpec="AES_256")["KeyId"] == key
    assert place.aws.client("kms", role=place.made).encrypt(KeyId=key, Plaintext=b"x")["KeyId"] == key
    place.client("s3").get_bucket_versioning(Bucket=ENVIRONMENT.bucket("data"))
    place.aws.client("s3", role=place.made).get_object(Bucket=ENVIRONMENT.bucket("data"), Key="file")


BEYOND: dict[str, Callable[[Callable[[str], Any], Place], Any]] = {
    "create a user": lambda client, _: client("iam").create_user(UserName="admin"),
    "write its boundary": lambda client, _: client("iam").create_policy_version(
        PolicyArn=ENVIRONMENT.boundary_arn, PolicyDocument=json.dumps(ALL), SetAsDefault=True
    ),
    "detach its boundary": lambda client, _: client("iam").delete_role_permissions_boundary(
        RoleName=f"{ENVIRONMENT.id}-made"
    ),
    "read another bucket": lambda client, _: client("s3").get_object(Bucket="somebody-elses-bucket", Key="file"),
    "use another key": lambda client, place: client("kms").encrypt(KeyId=place.others_key, Plaintext=b"x"),
    "tag another key": lambda client, place: client("kms").tag_resource(
        KeyId=place.others_untagged_key, Tags=[{"TagKey": ENVIRONMENT_TAG, "TagValue": ENVIRONMENT.id}]
    ),
    "change another function": lambda client, _: client("lambda").update_function_code(
        FunctionName="others", ZipFile=_function("x", "x")["Code"]["ZipFile"]
    ),
    "update another stack": lambda client, _: client("cloudformation").create_stack(
        StackName="others", TemplateBody='{"Resources": {}}'
    ),
    "pass a foreign role": lambda client, place: client("lambda").create_function(
        **_function(f"{ENVIRONMENT.id}-y", place.others_role)
    ),
}
"""What a role of the environment could try with all rights in its own policy."""


@pytest.mark.parametrize("title", BEYOND)
def test_role_with_all_rights_does_not_exceed_its_boundary(place: Place, title: str) -> None:
    with pytest.raises(ClientError) as refused:
        BEYOND[title](lambda service: place.aws.client(service, role=place.made), place)
    assert _is_denied(refused.value)


TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": LAMBDA, "Action": "sts:AssumeRole"}]}
STACKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "policy": (
        "iam:CreatePolicy",
        "AWS::IAM::ManagedPolicy",
        {"ManagedPolicyName": "x-boundary", "PolicyDocument": ALL},
    ),
    "role without a boundary": (
        "iam:CreateRole",
        "AWS::IAM::Role",
        {"RoleName": f"{ENVIRONMENT.id}-s", "AssumeRolePolicyDocument": TRUST},
    ),
    "role with AdministratorAccess": (
        "iam:AttachRolePolicy",
        "AWS::IAM::Role",
        {
            "RoleName": f"{ENVIRONMENT.id}-t",
            "AssumeRolePolicyDocument": TRUST,
            "PermissionsBoundary": ENVIRONMENT.boundary_arn,
            "ManagedPolicyArns": [ADMINISTRATOR],
        },
    ),
    "rights for another role": (
        "iam:PutRolePolicy",
        "AWS::IAM::Policy",
        {"PolicyName": "all", "PolicyDocument": ALL, "Roles": ["executing"]},
    ),
    "untagged key": ("kms:CreateKey", "AWS::KMS::Key", {"KeyPolicy": ALL}),
    "another bucket": ("s3:CreateBucket", "AWS::S3::Bucket", {"BucketName": "another-bucket"}),
    "schedule with a foreign role": (
        "iam:PassRole",
        "AWS::Scheduler::Schedule",
        {
            "Name": f"{ENVIRONMENT.id}-s",
            "ScheduleExpression": "rate(1 day)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:others",
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/others",
            },
        },
    ),
}
"""Resources of templates: the action that CloudFormation must be denied, the type and its properties."""


@pytest.mark.parametrize("title", STACKS)
def test_stack_cannot_have(place: Place, title: str) -> None:
    action, kind, properties = STACKS[title]
    client, name = place.aws.client("cloudformation"), f"{ENVIRONMENT.id}-{title.replace(' ', '-')}"
    body = json.dumps({"Resources": {"It": {"Type": kind, "Properties": properties}}})
    client.create_stack(
        StackName=name, TemplateBody=body, RoleARN=place.execution, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    assert _wait(client, name) == "ROLLBACK_COMPLETE"
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    reasons = "\n".join(event.get("ResourceStatusReason", "") for event in events)
    assert f"not authorized to perform: {action}" in reasons


def _wait(client: Any, stack: str) -> str:
    while (status := client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith("_IN_PROGRESS"):
        pass
    return str(status)


def test_boundary_that_a_stack_owned_outlives_its_removal_from_the_stack(place: Place) -> None:
    older = replace(ENVIRONMENT, team="older")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{ENVIRONMENT.id}-kept"}}
    properties = {"ManagedPolicyName": older.boundary, "PolicyDocument": ALL}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    client, name = place.aws.client("cloudformation"), f"{ENVIRONMENT.id}-older"
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"Topic": topic, "Boundary": policy}}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    assert _wait(client, name) == "CREATE_COMPLETE"
    client.update_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Topic": topic}}), RoleARN=place.execution
    )
    assert _wait(client, name) == "UPDATE_COMPLETE"
    assert place.aws.client("iam").get_policy(PolicyArn=older.boundary_arn)["Policy"]["PolicyName"] == older.boundary
