"""The definition of an environment's promotion state machine; see docs/reference/promotion.md."""

from aws_cdk import aws_iam as iam

from infra.components.asl import TRANSIENT, State, call, catch, choose, fail
from infra.components.policies import allow
from infra.components.state_machine import executions
from pipelines.interface.names import Environment
from pipelines.interface.release_state import LONGEST_RELEASE_S
from pipelines.interface.requests import Step

IMPORT_TIMEOUT_S = 930
"""Seconds that the task waits for ``import_release``: a little more than the longest time-out of a function."""
RESTORE_S = 3600
"""Seconds more than a release's own limit: those of a restoration that has begun."""
FIELDS = ("step", "execution", "digest", "record", "signature", "by")
NESTED = "arn:aws:states:::states:startExecution.sync:2"
THROTTLED: State = {
    **TRANSIENT,
    "ErrorEquals": ["StepFunctions.ExecutionLimitExceeded", "StepFunctions.SdkClientException"],
}


def promotion_flow(environment: Environment, *, imports: bool) -> State:
    """Return the definition; without ``imports``, in the first stage, it only tests the environment."""
    steps: dict[str | bool, str] = {Step.SMOKE: "Test environment"}
    if imports:
        steps |= {Step.IMPORT: "Import release", Step.RELEASE: "Prepare release", Step.RETURN: "Prepare release"}
    return {
        "Comment": f"Imports, releases and returns promoted models in {environment.id}, and tests the environment",
        "StartAt": "Which step?",
        "TimeoutSeconds": LONGEST_RELEASE_S + 2 * RESTORE_S,
        "States": {
            "Which step?": choose("$.step", steps, otherwise="Refuse step"),
            "Refuse step": {
                "Type": "Fail",
                "Error": "UnknownStepError",
                "Cause": f"{environment.id} does not have this step: the team's pipelines are of another release",
            },
            "Test environment": _call(environment, "smoke_test", then=None),
            **(_import_and_release(environment) if imports else {}),
            "Failed": fail(),
        },
    }


def _call(
    environment: Environment, function: str, *, then: str | None, keep: str | None = None, timeout_s: int | None = None
) -> State:
    payload = {f"{name}.$": f"$.{name}" for name in FIELDS}
    state = call(environment, function, payload, then=then, keep=keep, catches=[catch("Failed")])
    return {**state, "TimeoutSeconds": timeout_s} if timeout_s else state


def _import_and_release(environment: Environment) -> dict[str, State]:
    release = {
        "StateMachineArn": environment.state_machine_arn("release"),
        "Input": {
            "package_arn.$": "$.release.package_arn",
            "by.$": "$.release.by",
            "rollback.$": "$.release.rollback",
            "promotion.$": "$.release.promotion",
            "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
        },
    }
    return {
        "Import release": _call(environment, "import_release", then=None, timeout_s=IMPORT_TIMEOUT_S),
        "Prepare release": _call(environment, "prepare_promotion", then="Is a release needed?", keep="release"),
        "Is a release needed?": choose("$.release.needed", {True: "Release"}, otherwise="Conclude promotion"),
        "Release": {
            "Type": "Task",
            "Resource": NESTED,
            "Parameters": release,
            "ResultPath": None,
            "TimeoutSeconds": LONGEST_RELEASE_S + RESTORE_S,
            "Retry": [THROTTLED],
            # The ledger tells why it failed.
            "Catch": [catch("Conclude promotion")],
            "Next": "Conclude promotion",
        },
        "Conclude promotion": _call(environment, "conclude_promotion", then=None),
    }


def nested_statements(environment: Environment) -> list[iam.PolicyStatement]:
    """Return the permissions of ``.sync:2`` for the release machine."""
    rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
    return [
        allow(["states:StartExecution"], environment.state_machine_arn("release")),
        allow(["states:DescribeExecution", "states:StopExecution"], executions(environment, "release")[0]),
        allow(
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"], environment.arn("events", f"rule/{rule}")
        ),
    ]
