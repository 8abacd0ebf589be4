"""SageMaker in state machines and in stacks."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION
from tests.support.sagemaker_world import World, constant_model, wait, world

__all__ = ["world"]


def _machine(world: World, name: str, request: dict[str, Any], statements: list[dict[str, Any]], **task: Any) -> str:
    role = world.aws.create_role(f"machine-{name}", statements, trusted={"Service": "states.amazonaws.com"})
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": request,
        "End": True,
        **task,
    }
    definition = json.dumps({"StartAt": "Train", "States": {"Train": state}})
    states = world.client("stepfunctions")
    arn = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    return str(states.start_execution(stateMachineArn=arn)["executionArn"])


def _permissions(world: World) -> list[dict[str, Any]]:
    jobs = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*"
    actions = ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"]
    return [
        {"Effect": "Allow", "Action": actions, "Resource": jobs},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": world.role},
    ]


def _ended(world: World, execution: str) -> dict[str, Any]:
    states = world.client("stepfunctions")
    ended: dict[str, Any] = wait(
        lambda: states.describe_execution(executionArn=execution), until=lambda found: found["status"] != "RUNNING"
    )
    return ended


def test_sync_returns_the_described_job(world: World) -> None:
    request = world.training_request("sync-good", "print('done')")
    ended = _ended(world, _machine(world, "sync-good", request, _permissions(world)))
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    assert output["TrainingJobStatus"] == "Completed"
    assert output["ModelArtifacts"]["S3ModelArtifacts"].endswith("/sync-good/output/model.tar.gz")


def test_sync_fails_with_the_job_as_cause(world: World) -> None:
    request = world.training_request("sync-bad", "raise ValueError('sour')")
    ended = _ended(world, _machine(world, "sync-bad", request, _permissions(world)))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert "sour" in json.loads(ended["cause"])["FailureReason"]


def test_a_refused_create_is_a_sagemaker_exception(world: World) -> None:
    ended = _ended(world, _machine(world, "denied", world.training_request("sync-denied", "pass"), []))
    assert ended["error"] == "SageMaker.AmazonSageMakerException"
    assert "sagemaker:CreateTrainingJob" in ended["cause"]
    only_create = _permissions(world)[:1]
    request = world.training_request("sync-no-pass", "pass")
    ended = _ended(world, _machine(world, "no-pass", request, only_create))
    assert "iam:PassRole" in ended["cause"]


@pytest.mark.parametrize(("isolated", "status"), [(True, "SUCCEEDED"), (False, "FAILED")])
def test_role_that_demands_network_isolation_creates_no_other_job(world: World, isolated: bool, status: str) -> None:
    create, passing = _permissions(world)
    demand = {"Bool": {"sagemaker:NetworkIsolation": "true"}}
    name = f"isolated-{str(isolated).lower()}"
    request = {**world.training_request(name, "print('done')"), "EnableNetworkIsolation": isolated}
    others = {**create, "Action": create["Action"][1:]}
    statements = [{**create, "Action": create["Action"][:1], "Condition": demand}, others, passing]
    ended = _ended(world, _machine(world, name, request, statements))
    assert ended["status"] == status, ended
    assert isolated or "sagemaker:CreateTrainingJob" in ended["cause"]


def test_a_tasks_timeout_stops_its_job(world: World) -> None:
    request = world.training_request("sync-slow", "import time\ntime.sleep(60)")
    ended = _ended(world, _machine(world, "slow", request, _permissions(world), TimeoutSeconds=2))
    assert ended["error"] == "States.Timeout"
    assert world.training_end("sync-slow")["TrainingJobStatus"] == "Stopped"


def test_stopping_the_execution_stops_its_job(world: World) -> None:
    request = world.training_request("sync-stopped", "import time\ntime.sleep(60)")
    execution = _machine(world, "stopped", request, _permissions(world))
    listed = world.client("sagemaker").list_training_jobs
    wait(lambda: listed(NameContains="sync-stopped")["TrainingJobSummaries"])
    world.client("stepfunctions").stop_execution(executionArn=execution)
    assert world.training_end("sync-stopped")["TrainingJobStatus"] == "Stopped"
    assert _ended(world, execution)["status"] == "ABORTED"


def _template(world: World, url: str, *, group: bool = True) -> str:
    resources: dict[str, Any] = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": world.role,
                "PrimaryContainer": {
                    "Image": "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
                    "ModelDataUrl": url,
                },
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "main",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InstanceType": "ml.t2.medium",
                        "InitialInstanceCount": "1",
                        "InitialVariantWeight": "1.0",
                    }
                ]
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "stacked",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }
    if group:
        resources["Group"] = {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "DeletionPolicy": "Retain",
            "Properties": {"ModelPackageGroupName": "stacked", "Tags": [{"Key": "team", "Value": "a"}]},
        }
    outputs = {"Endpoint": {"Value": {"Ref": "Endpoint"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def _stack(world: World) -> dict[str, Any]:
    cloudformation = world.client("cloudformation")
    found: dict[str, Any] = wait(
        lambda: cloudformation.describe_stacks(StackName="serving")["Stacks"][0],
        until=lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
        timeout_s=60,
    )
    return found


def _answer(world: World) -> Any:
    runtime = world.client("sagemaker-runtime")
    return json.loads(runtime.invoke_endpoint(EndpointName="stacked", Body=b"1", ContentType="text/csv")["Body"].read())


def test_a_stack_creates_updates_rolls_back_and_deletes(world: World) -> None:
    cloudformation, sagemaker = world.client("cloudformation"), world.client("sagemaker")
    one, two = (world.put(f"stack/{n}.tar.gz", constant_model(n)) for n in (1.0, 2.0))
    bad = world.put("stack/bad.tar.gz", constant_model(0, before="raise RuntimeError('no')"))
    cloudformation.create_stack(StackName="serving", TemplateBody=_template(world, one))
    stack = _stack(world)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    assert stack["Outputs"][0]["OutputValue"] == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/stacked"
    assert _answer(world) == [1.0]
    first = sagemaker.describe_endpoint(EndpointName="stacked")

    cloudformation.update_stack(StackName="serving", TemplateBody=_template(world, two))
    assert _stack(world)["StackStatus"] == "UPDATE_COMPLETE"
    second = sagemaker.describe_endpoint(EndpointName="stacked")
    assert second["CreationTime"] == first["CreationTime"]
    assert second["EndpointConfigName"] != first["EndpointConfigName"]
    assert _answer(world) == [2.0]
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_endpoint_config(EndpointConfigName=first["EndpointConfigName"])

    cloudformation.update_stack(StackName="serving", TemplateBody=_template(world, bad))
    assert _stack(world)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert _answer(world) == [2.0]
    assert sagemaker.describe_endpoint(EndpointName="stacked")["EndpointConfigName"] == second["EndpointConfigName"]

    cloudformation.delete_stack(StackName="serving")
    wait(lambda: not sagemaker.list_endpoints(NameContains="stacked")["Endpoints"])
    wait(lambda: not sagemaker.list_endpoint_configs(NameContains="Config-")["EndpointConfigs"])
    assert sagemaker.describe_model_package_group(ModelPackageGroupName="stacked")


def test_an_endpoint_that_cannot_be_created_is_deleted(world: World) -> None:
    cloudformation, sagemaker = world.client("cloudformation"), world.client("sagemaker")
    bad = world.put("stack/bad2.tar.gz", constant_model(0, before="raise RuntimeError('never loads')"))
    cloudformation.create_stack(StackName="serving", TemplateBody=_template(world, bad, group=False))
    assert _stack(world)["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName="serving")["StackEvents"]
    ]
    assert any("never loads" in reason for reason in reasons)
    assert not sagemaker.list_endpoints(NameContains="stacked")["Endpoints"]


def test_a_stacks_role_needs_sagemakers_permissions(world: World) -> None:
    cloudformation = world.client("cloudformation")
    role = world.aws.create_role("stack-role", [], trusted={"Service": "cloudformation.amazonaws.com"})
    url = world.put("stack/d.tar.gz", constant_model(1.0))
    cloudformation.create_stack(StackName="denied", TemplateBody=_template(world, url, group=False), RoleARN=role)
    wait(
        lambda: cloudformation.describe_stacks(StackName="denied")["Stacks"][0],
        until=lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
    )
    events = cloudformation.describe_stack_events(StackName="denied")["StackEvents"]
    assert any("sagemaker:CreateModel" in event.get("ResourceStatusReason", "") for event in events)
