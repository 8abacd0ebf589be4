"""ValidateStateMachineDefinition finds what is wrong with a definition."""

import json
from typing import Any

import pytest

from infra.components.checks_flow import checks_flow
from infra.components.release_flow import release_flow
from infra.components.retraining_flow import retraining_flow
from mooring.embedded.repairs.definitions import problems
from pipelines.interface.names import Environment
from tests.support.embedded_aws import EmbeddedAws

NAMES = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")
END: dict[str, Any] = {"Type": "Pass", "End": True}


def machine(**states: Any) -> str:
    return json.dumps({"StartAt": "A", "States": states})


@pytest.mark.parametrize(
    ("definition", "code", "says"),
    [
        ("{", "INVALID_JSON_DESCRIPTION", "no JSON"),
        ("[]", "INVALID_JSON_DESCRIPTION", "no object"),
        ('{"StartAt": "A", "States": {}}', "SCHEMA_VALIDATION_FAILED", "States is missing or empty"),
        (machine(B=END), "MISSING_TRANSITION_TARGET", "StartAt names 'A'"),
        (machine(A={"Type": "Pass", "Next": "C"}), "MISSING_TRANSITION_TARGET", "Next names 'C'"),
        (machine(A=END, B=END), "UNREACHABLE_STATE", "No state leads to 'B'"),
        (machine(A={"Type": "Pas", "End": True}), "SCHEMA_VALIDATION_FAILED", "Type is 'Pas'"),
        (machine(A={"Type": "Pass"}), "SCHEMA_VALIDATION_FAILED", "needs Next, or End"),
        (machine(A={"Type": "Task", "End": True}), "SCHEMA_VALIDATION_FAILED", "A Task state needs Resource"),
        (
            machine(A={"Type": "Task", "Resource": "r", "End": True, "Catch": [{"ErrorEquals": ["x"], "Next": "B"}]}),
            "MISSING_TRANSITION_TARGET",
            "Catch/0/Next names 'B'",
        ),
        (
            machine(A={"Type": "Choice", "Choices": [{"Next": "B"}], "Default": "C"}, B={"Type": "Succeed"}),
            "MISSING_TRANSITION_TARGET",
            "Default names 'C'",
        ),
        (
            machine(A={"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "X", "States": {"Y": END}}}),
            "MISSING_TRANSITION_TARGET",
            "StartAt names 'X'",
        ),
        (
            machine(A={"Type": "Parallel", "End": True, "Branches": [{"StartAt": "X", "States": {}}]}),
            "SCHEMA_VALIDATION_FAILED",
            "States is missing or empty",
        ),
    ],
)
def test_problem_is_found(definition: str, code: str, says: str) -> None:
    assert [found for found in problems(definition) if found["code"] == code and says in found["message"]]


@pytest.mark.parametrize("flow", [retraining_flow(NAMES), release_flow(NAMES), checks_flow(NAMES)])
def test_nothing_is_found_in_our_flows(flow: Any) -> None:
    assert list(problems(json.dumps(flow))) == []


def test_service_answers_as_step_functions_does(embedded_aws: EmbeddedAws) -> None:
    states = embedded_aws.client("stepfunctions")
    found = states.validate_state_machine_definition(definition=machine(A=END))
    assert (found["result"], found["diagnostics"]) == ("OK", [])
    found = states.validate_state_machine_definition(definition=machine(A={"Type": "Pass", "Next": "B"}))
    assert (found["result"], found["diagnostics"][0]["severity"]) == ("FAIL", "ERROR")
