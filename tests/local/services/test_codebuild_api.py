"""CodeBuild's API: projects, listings, IAM, events and CloudFormation, called with boto3."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.codebuild_world import CODEBUILD, ENVIRONMENT, LOGS, World, spec, world
from tests.support.embedded_aws import ACCOUNT, REGION
from tests.support.sagemaker_world import wait

__all__ = ["world"]

INLINE = spec(build=["true"])


@pytest.fixture
def name() -> str:
    return f"project-{uuid.uuid4().hex[:8]}"


def _arn(name: str) -> str:
    return f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"


def test_project_lives_as_on_aws(world: World, name: str) -> None:
    codebuild = world.client("codebuild")
    project = world.project(name, INLINE, description="one", tags=[{"key": "team", "value": "a"}])
    assert project["arn"] == _arn(name)
    assert (project["timeoutInMinutes"], project["queuedTimeoutInMinutes"]) == (60, 480)
    assert project["encryptionKey"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3"
    assert project["cache"] == {"type": "NO_CACHE"}
    with pytest.raises(codebuild.exceptions.ResourceAlreadyExistsException, match=name):
        world.project(name, INLINE)
    updated = codebuild.update_project(name=name, timeoutInMinutes=10)["project"]
    assert (updated["timeoutInMinutes"], updated["description"]) == (10, "one")
    assert updated["lastModified"] > project["lastModified"]
    found = codebuild.batch_get_projects(names=[name, _arn(name), "absent"])
    assert [project["name"] for project in found["projects"]] == [name, name]
    assert found["projectsNotFound"] == ["absent"]
    assert name in codebuild.list_projects(sortBy="CREATED_TIME", sortOrder="DESCENDING")["projects"]
    build = world.end(world.start(name))
    codebuild.delete_project(name=name)
    codebuild.delete_project(name=name)
    assert codebuild.batch_get_projects(names=[name])["projectsNotFound"] == [name]
    assert world.get(build["id"])["buildStatus"] == "SUCCEEDED"
    assert world.log(build)
    with pytest.raises(codebuild.exceptions.ResourceNotFoundException, match=name):
        codebuild.start_build(projectName=name)
    with pytest.raises(codebuild.exceptions.ResourceNotFoundException, match=name):
        codebuild.update_project(name=name)


def test_builds_are_listed_counted_and_retried(world: World, name: str) -> None:
    codebuild = world.client("codebuild")
    world.project(name, INLINE)
    first = world.end(world.start(name, idempotencyToken=name))
    assert world.start(name, idempotencyToken=name) == first["id"]
    with pytest.raises(codebuild.exceptions.InvalidInputException, match="other parameters"):
        world.start(name, idempotencyToken=name, timeoutInMinutesOverride=5)
    failed = world.end(world.start(name, buildspecOverride=spec(build=["false"])))
    again = world.end(codebuild.retry_build(id=failed["id"])["build"]["id"])
    assert [build["buildNumber"] for build in (first, failed, again)] == [1, 2, 3]
    assert [build["buildStatus"] for build in (first, failed, again)] == ["SUCCEEDED", "FAILED", "FAILED"]
    ids = [build["id"] for build in (again, failed, first)]
    assert codebuild.list_builds_for_project(projectName=name)["ids"] == ids
    assert codebuild.list_builds_for_project(projectName=name, sortOrder="ASCENDING")["ids"] == ids[::-1]
    assert [found for found in codebuild.list_builds()["ids"] if found in ids] == ids
    assert codebuild.batch_get_builds(ids=[first["arn"], f"{name}:none"])["buildsNotFound"] == [f"{name}:none"]
    for operation in (codebuild.stop_build, codebuild.retry_build):
        with pytest.raises(codebuild.exceptions.ResourceNotFoundException):
            operation(id=f"{name}:none")


def test_limit_of_concurrent_builds_refuses_the_next(world: World, name: str) -> None:
    codebuild = world.client("codebuild")
    world.project(name, spec(build=["sleep 600"]), concurrentBuildLimit=1)
    build_id = world.start(name)
    with pytest.raises(codebuild.exceptions.AccountLimitExceededException, match="more than 1 active builds"):
        world.start(name)
    with pytest.raises(codebuild.exceptions.InvalidInputException, match="has not ended"):
        codebuild.retry_build(id=build_id)
    codebuild.stop_build(id=build_id)
    world.end(build_id)
    codebuild.update_project(name=name, concurrentBuildLimit=-1)
    assert "concurrentBuildLimit" not in codebuild.batch_get_projects(names=[name])["projects"][0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"vpcConfig": {"vpcId": "vpc-1"}}, "vpcConfig.vpcId"),
        ({"cache": {"type": "LOCAL"}}, "cache.type = 'LOCAL'"),
        ({"environment": {**ENVIRONMENT, "privilegedMode": True}}, "environment.privilegedMode = True"),
        ({"environment": {**ENVIRONMENT, "type": "WINDOWS_CONTAINER"}}, "environment.type = 'WINDOWS_CONTAINER'"),
        ({"source": {"type": "GITHUB", "location": "https://x"}}, "source.type = 'GITHUB'"),
        ({"logsConfig": {"s3Logs": {"status": "ENABLED", "location": "b"}}}, "logsConfig.s3Logs"),
        ({"name": "with space"}, "with space"),
        ({"timeoutInMinutes": 5000}, "timeoutInMinutes"),
        (
            {
                "environment": {
                    **ENVIRONMENT,
                    "environmentVariables": [{"name": "A", "value": "b", "type": "SECRETS_MANAGER"}],
                }
            },
            "SECRETS_MANAGER",
        ),
    ],
)
def test_refuses_by_name(world: World, name: str, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ClientError, match="InvalidInputException") as refused:
        world.project(**({"name": name, "buildspec": INLINE} | changes))
    assert named in str(refused.value)


def test_refuses_other_operations_and_builds_of_pipelines(world: World, name: str) -> None:
    codebuild = world.client("codebuild")
    with pytest.raises(codebuild.exceptions.InvalidInputException, match="ListReportGroups is not supported"):
        codebuild.list_report_groups()
    pipeline = {"type": "CODEPIPELINE"}
    world.project(name, INLINE, source={**pipeline, "buildspec": INLINE}, artifacts=pipeline)
    with pytest.raises(codebuild.exceptions.InvalidInputException, match="type CODEPIPELINE"):
        world.start(name)
    overrides = {"sourceTypeOverride": "NO_SOURCE", "artifactsOverride": {"type": "NO_ARTIFACTS"}}
    assert world.end(world.start(name, **overrides))["buildStatus"] == "SUCCEEDED"


def test_iam_decides_on_the_project_and_on_the_role(world: World, name: str) -> None:
    allowed = {"Effect": "Allow", "Action": "codebuild:*", "Resource": _arn(name)}
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": world.role,
        "Condition": {"StringEquals": {"iam:PassedToService": "codebuild.amazonaws.com"}},
    }
    request = {
        "name": name,
        "source": {"type": "NO_SOURCE", "buildspec": INLINE},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": ENVIRONMENT,
        "serviceRole": world.role,
    }
    without = world.client("codebuild", world.aws.create_role(f"{name}-a", [allowed]))
    with pytest.raises(ClientError, match=r"AccessDenied.*iam:PassRole"):
        without.create_project(**request)
    with pytest.raises(ClientError, match="codebuild:CreateProject"):
        without.create_project(**{**request, "name": f"{name}-other"})
    both = world.client("codebuild", world.aws.create_role(f"{name}-b", [allowed, passing]))
    both.create_project(**request)
    with pytest.raises(ClientError, match=r"AccessDenied.*iam:PassRole"):
        without.update_project(name=name, serviceRole=world.role)
    with pytest.raises(ClientError, match=r"AccessDenied.*iam:PassRole"):
        without.start_build(projectName=name, serviceRoleOverride=world.role)
    build = without.start_build(projectName=name)["build"]
    assert build["initiator"] == f"{name}-a/test"
    assert world.end(build["id"])["buildStatus"] == "SUCCEEDED"
    world.project(f"{name}-other", INLINE)
    with pytest.raises(ClientError, match=f"codebuild:BatchGetProjects on resource: {_arn(f'{name}-other')}"):
        both.batch_get_projects(names=[name, f"{name}-other"])
    with pytest.raises(ClientError, match="codebuild:StopBuild"):
        both.stop_build(id=f"{name}-other:1")
    with pytest.raises(ClientError, match="codebuild:ListProjects"):
        both.list_projects()


def test_tags_of_a_project_are_found_and_decide(world: World, name: str) -> None:
    world.project(name, INLINE, tags=[{"key": "team", "value": name}])
    tagging = world.client("resourcegroupstaggingapi")
    found = tagging.get_resources(TagFilters=[{"Key": "team", "Values": [name]}], ResourceTypeFilters=["codebuild"])
    assert [item["ResourceARN"] for item in found["ResourceTagMappingList"]] == [_arn(name)]
    tagged = {"StringEquals": {"aws:ResourceTag/team": name}}
    statement = {"Effect": "Allow", "Action": "codebuild:*", "Resource": "*", "Condition": tagged}
    allowed = world.client("codebuild", world.aws.create_role(name, [statement]))
    assert allowed.batch_get_projects(names=[name])["projects"]
    world.project(f"{name}-other", INLINE)
    with pytest.raises(ClientError, match="codebuild:BatchGetProjects"):
        allowed.batch_get_projects(names=[f"{name}-other"])


def test_role_that_does_not_trust_codebuild_for_the_project_is_refused(world: World, name: str) -> None:
    role = world.aws.create_role(name, [LOGS])
    with pytest.raises(ClientError, match="CodeBuild is not authorized to perform: sts:AssumeRole"):
        world.project(name, INLINE, serviceRole=role)
    trust = {
        "Effect": "Allow",
        "Principal": CODEBUILD,
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:SourceArn": _arn(name)}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    world.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        world.project(f"{name}-other", INLINE, serviceRole=role)
    assert world.build(name, INLINE, serviceRole=role)["buildStatus"] == "SUCCEEDED"


def test_events_tell_states_and_phases(world: World, name: str) -> None:
    received = _receive(world, name)
    build = world.build(name, spec(build=["exit 2"]))
    events = wait(received, until=_ended, timeout_s=30)
    states = [event for event in events if event["detail-type"] == "CodeBuild Build State Change"]
    assert {event["detail"]["build-status"] for event in states} == {"IN_PROGRESS", "FAILED"}
    (last,) = (event for event in states if event["detail"]["build-status"] == "FAILED")
    assert (last["source"], last["resources"]) == ("aws.codebuild", [build["arn"]])
    assert (last["detail"]["build-id"], last["detail"]["current-phase"]) == (build["arn"], "COMPLETED")
    more = last["detail"]["additional-information"]
    assert (more["build-complete"], more["logs"]["group-name"]) == (True, f"/aws/codebuild/{name}")
    phases = {
        event["detail"]["completed-phase"]: event["detail"]["completed-phase-status"]
        for event in events
        if event["detail-type"] == "CodeBuild Build Phase Change"
    }
    assert (phases["INSTALL"], phases["BUILD"], phases["FINALIZING"]) == ("SUCCEEDED", "FAILED", "SUCCEEDED")


def _ended(events: list[dict[str, Any]]) -> bool:
    return any(event["detail"].get("build-status") == "FAILED" for event in events)


def _receive(world: World, name: str) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that returns all events of a project since now."""
    sqs, events = world.client("sqs"), world.client("events")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    pattern = {"source": ["aws.codebuild"], "detail": {"project-name": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    found: list[dict[str, Any]] = []

    def receive() -> list[dict[str, Any]]:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return receive


def _template(name: str, **changes: Any) -> str:
    trust = {"Effect": "Allow", "Principal": CODEBUILD, "Action": "sts:AssumeRole"}
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/{name}"
    logs = {**LOGS, "Resource": [group, f"{group}:*"]}  # as the CDK grants it
    role = {
        "RoleName": f"{name}-builder",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "logs", "PolicyDocument": {"Version": "2012-10-17", "Statement": [logs]}}],
    }
    properties = {
        "Name": name,
        "Source": {"Type": "NO_SOURCE", "BuildSpec": INLINE},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Cache": {"Type": "NO_CACHE"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": "aws/codebuild/standard:7.0",
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "ImagePullCredentialsType": "CODEBUILD",
            "PrivilegedMode": False,
            "EnvironmentVariables": [{"Name": "A", "Type": "PLAINTEXT", "Value": "b"}],
        },
        "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
        "TimeoutInMinutes": "30",
        "Visibility": "PRIVATE",
        **changes,
    }
    outputs = {"Ref": {"Value": {"Ref": "Project"}}, "Arn": {"Value": {"Fn::GetAtt": ["Project", "Arn"]}}}
    return json.dumps(
        {
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": role},
                "Project": {"Type": "AWS::CodeBuild::Project", "Properties": properties},
            },
            "Outputs": outputs,
        }
    )


def _settled(world: World, name: str) -> dict[str, Any]:
    cloudformation = world.client("cloudformation")
    stack: dict[str, Any] = wait(
        lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0],
        until=lambda found: not found["StackStatus"].endswith("_IN_PROGRESS"),
    )
    return stack


def _reasons(world: World, name: str) -> str:
    events = world.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)


def test_stack_creates_updates_replaces_and_deletes_a_project(world: World, name: str) -> None:
    codebuild, cloudformation = world.client("codebuild"), world.client("cloudformation")
    capabilities = ["CAPABILITY_NAMED_IAM"]
    first = _template(name, Description="one", Tags=[{"Key": "team", "Value": "a"}], ConcurrentBuildLimit=2)
    cloudformation.create_stack(StackName=name, TemplateBody=first, Capabilities=capabilities)
    stack = _settled(world, name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", _reasons(world, name)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    assert outputs == {"Ref": name, "Arn": _arn(name)}
    (project,) = codebuild.batch_get_projects(names=[name])["projects"]
    assert (project["timeoutInMinutes"], project["concurrentBuildLimit"]) == (30, 2)
    assert {"key": "team", "value": "a"} in project["tags"]
    assert world.end(world.start(name))["buildStatus"] == "SUCCEEDED"

    cloudformation.update_stack(
        StackName=name, TemplateBody=_template(name, TimeoutInMinutes=5), Capabilities=capabilities
    )
    assert _settled(world, name)["StackStatus"] == "UPDATE_COMPLETE", _reasons(world, name)
    (project,) = codebuild.batch_get_projects(names=[name])["projects"]
    assert (project["timeoutInMinutes"], project["description"]) == (5, "")
    assert not [tag for tag in project["tags"] if not tag["key"].startswith("aws:")]
    assert "concurrentBuildLimit" not in project

    renamed = _template(name, Name=f"{name}-new")
    cloudformation.update_stack(StackName=name, TemplateBody=renamed, Capabilities=capabilities)
    assert _settled(world, name)["StackStatus"] == "UPDATE_COMPLETE", _reasons(world, name)
    found = codebuild.batch_get_projects(names=[name, f"{name}-new"])
    assert found["projectsNotFound"] == [name]

    cloudformation.delete_stack(StackName=name)
    wait(lambda: codebuild.batch_get_projects(names=[f"{name}-new"])["projectsNotFound"])


@pytest.mark.parametrize(
    ("actions", "named"),
    [
        (["iam:PassRole"], "codebuild:CreateProject"),
        (["codebuild:CreateProject"], "iam:PassRole"),
    ],
)
def test_stack_acts_under_its_role(world: World, name: str, actions: list[str], named: str) -> None:
    statements = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    role = world.aws.create_role(name, statements, trusted={"Service": "cloudformation.amazonaws.com"})
    project = json.loads(_template(name, ServiceRole=world.role))["Resources"]["Project"]
    template = json.dumps({"Resources": {"Project": project}})
    world.client("cloudformation").create_stack(StackName=name, TemplateBody=template, RoleARN=role)
    assert _settled(world, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert named in _reasons(world, name)


def test_stack_refuses_properties_that_are_not_supported(world: World, name: str) -> None:
    project = json.loads(_template(name, ServiceRole=world.role, Triggers={"Webhook": True}))["Resources"]["Project"]
    template = json.dumps({"Resources": {"Project": project}})
    world.client("cloudformation").create_stack(StackName=name, TemplateBody=template)
    assert _settled(world, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Triggers.Webhook" in _reasons(world, name)
