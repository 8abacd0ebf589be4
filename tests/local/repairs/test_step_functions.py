"""Step Functions: tasks act under the machine's role; stopped and timed-out executions end."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.functions import create_function, finish

STATES = {"Service": "states.amazonaws.com"}


def _allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _run(
    aws: EmbeddedAws, state: dict[str, Any], statements: list[dict[str, Any]], *, wait: bool = True, **more: Any
) -> dict[str, Any]:
    name = f"machine-{uuid4().hex[:8]}"
    role = aws.create_role(name, statements, trusted=more.pop("trusted", STATES))
    states = aws.client("stepfunctions")
    definition = {"StartAt": "Do", "States": {"Do": {"Type": "Task", "End": True, **state}}, **more}
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    return finish(aws, execution) if wait else {"executionArn": execution}


@pytest.fixture(scope="module")
def echo(embedded_aws: EmbeddedAws) -> str:
    role = embedded_aws.create_role("echo", [], trusted={"Service": "lambda.amazonaws.com"})
    return create_function(embedded_aws, "echo", role=role)


def _invoke(function: str) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {"n": 1}},
        "OutputPath": "$.Payload",
    }


def test_lambda_task_runs_when_the_role_allows_it(embedded_aws: EmbeddedAws, echo: str) -> None:
    found = _run(embedded_aws, _invoke(echo), [_allow("lambda:InvokeFunction", echo)])
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"got": {"n": 1}})


def test_lambda_task_fails_when_the_role_allows_another_function(embedded_aws: EmbeddedAws, echo: str) -> None:
    found = _run(embedded_aws, _invoke(echo), [_allow("lambda:InvokeFunction", f"{echo}-other")])
    assert found["error"] == "Lambda.AWSLambdaException"
    assert "is not authorized to perform: lambda:InvokeFunction" in found["cause"]


@pytest.mark.parametrize("allowed", [True, False])
def test_distributed_map_needs_permission_to_start_its_own_machine(embedded_aws: EmbeddedAws, allowed: bool) -> None:
    items = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Pass",
        "States": {"Pass": {"Type": "Pass", "End": True}},
    }
    state = {"Type": "Map", "ItemProcessor": items, "Parameters": {"n.$": "$$.Map.Item.Value"}, "ItemsPath": "$"}
    machines = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{'machine-' if allowed else 'other-'}*"
    found = _run(embedded_aws, state, [_allow("states:StartExecution", machines)])
    assert found["status"] == ("SUCCEEDED" if allowed else "FAILED")
    if not allowed:
        assert found["error"] == "States.Permissions"
        assert "states:StartExecution" in found["cause"]


def test_permissions_boundary_limits_the_role(embedded_aws: EmbeddedAws, echo: str) -> None:
    policy = {"Version": "2012-10-17", "Statement": [_allow("s3:*", "*")]}
    boundary = embedded_aws.client("iam").create_policy(PolicyName="only-s3", PolicyDocument=json.dumps(policy))[
        "Policy"
    ]["Arn"]
    role = embedded_aws.create_role(
        "bounded", [_allow("lambda:InvokeFunction", echo)], trusted=STATES, boundary=boundary
    )
    states = embedded_aws.client("stepfunctions")
    definition = {"StartAt": "Do", "States": {"Do": {"Type": "Task", "End": True, **_invoke(echo)}}}
    machine = states.create_state_machine(name="bounded", definition=json.dumps(definition), roleArn=role)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    assert finish(embedded_aws, execution)["error"] == "Lambda.AWSLambdaException"


@pytest.mark.parametrize(
    ("resource", "parameters", "error"),
    [
        (
            "sns:publish",
            {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t", "Message": "m"},
            "SNS.AuthorizationErrorException",
        ),
        (
            "sqs:sendMessage",
            {"QueueUrl": f"https://localhost/{ACCOUNT}/q", "MessageBody": "m"},
            "SQS.AmazonSQSException",
        ),
        (
            "events:putEvents",
            {"Entries": [{"Source": "s", "DetailType": "d", "Detail": {}}]},
            "EventBridge.EventBridgeException",
        ),
        ("dynamodb:getItem", {"TableName": "t", "Key": {}}, "DynamoDB.AmazonDynamoDBException"),
        (
            "states:startExecution",
            {"StateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"},
            "StepFunctions.AWSStepFunctionsException",
        ),
        ("aws-sdk:ssm:getParameter", {"Name": "p"}, "Ssm.SsmException"),
        ("aws-sdk:dynamodb:query", {"TableName": "t"}, "DynamoDb.DynamoDbException"),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b"}, "S3.S3Exception"),
    ],
)
def test_other_tasks_are_refused_without_permission(
    embedded_aws: EmbeddedAws, resource: str, parameters: dict[str, Any], error: str
) -> None:
    found = _run(embedded_aws, {"Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}, [])
    assert found["error"] == error
    assert "not authorized" in found["cause"]


def test_sdk_task_runs_when_the_role_allows_it(embedded_aws: EmbeddedAws) -> None:
    embedded_aws.client("ssm").put_parameter(Name="/p", Value="v", Type="String")
    found = _run(
        embedded_aws,
        {"Resource": "arn:aws:states:::aws-sdk:ssm:getParameter", "Parameters": {"Name": "/p"}},
        [_allow("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p")],
    )
    assert json.loads(found["output"])["Parameter"]["Value"] == "v"


def test_role_that_does_not_trust_step_functions_is_refused(embedded_aws: EmbeddedAws, echo: str) -> None:
    allowed = [_allow("lambda:InvokeFunction", echo)]
    found = _run(embedded_aws, _invoke(echo), allowed, trusted={"Service": "lambda.amazonaws.com"})
    assert "not authorized to assume" in found["cause"]


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
@pytest.mark.parametrize("allowed", [True, False])
def test_items_of_a_map_act_under_the_role(embedded_aws: EmbeddedAws, echo: str, mode: str, allowed: bool) -> None:
    item = {"StartAt": "Item", "States": {"Item": {"Type": "Task", "End": True, **_invoke(echo)}}}
    config = {"Mode": mode} | ({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {"ProcessorConfig": config, **item},
    }
    definition_input = {"Type": "Pass", "Result": {"items": [1, 2]}, "Next": "Do"}
    name = f"map-{uuid4().hex[:8]}"
    own = _allow("states:StartExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}")
    statements = [own, *([_allow("lambda:InvokeFunction", echo)] if allowed else [])]
    role = embedded_aws.create_role(name, statements, trusted=STATES)
    definition = {"StartAt": "In", "States": {"In": definition_input, "Do": {**state, "End": True}}}
    states = embedded_aws.client("stepfunctions")
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    assert finish(embedded_aws, execution)["status"] == ("SUCCEEDED" if allowed else "FAILED")


def test_execution_times_out(embedded_aws: EmbeddedAws) -> None:
    found = _run(embedded_aws, {"Type": "Wait", "Seconds": 3}, [], TimeoutSeconds=1)
    assert (found["status"], found["error"]) == ("TIMED_OUT", "States.Timeout")


def test_stopped_execution_stays_aborted_when_its_task_fails(embedded_aws: EmbeddedAws) -> None:
    role = embedded_aws.create_role("slow", [], trusted={"Service": "lambda.amazonaws.com"})
    source = "import time\ndef handle(event, context):\n    time.sleep(1)\n    raise ValueError('late')\n"
    slow = create_function(embedded_aws, "slow", source, role=role)
    started = _run(embedded_aws, _invoke(slow), [_allow("lambda:InvokeFunction", slow)], wait=False)
    time.sleep(0.5)
    states = embedded_aws.client("stepfunctions")
    states.stop_execution(executionArn=started["executionArn"])
    time.sleep(1.5)
    assert states.describe_execution(executionArn=started["executionArn"])["status"] == "ABORTED"
