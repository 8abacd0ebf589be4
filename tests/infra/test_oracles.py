"""Other tools find no errors in templates and state machines: cfn-lint, statelint, botocore's service model."""

import json
from typing import Any

import botocore.session
import pytest
from cfnlint.api import lint
from statelint.linter import Linter

from infra.components.checks_flow import checks_flow
from infra.components.release_flow import release_flow
from infra.components.retraining_flow import retraining_flow
from pipelines.interface.names import Environment
from tests.infra.golden import COMPARED, WHOLE
from tests.infra.laws.flows import definitions
from tests.support.synth import Template, changed, example_fleet, resources

REGIONS = sorted({environment.names.region for environment in example_fleet().environments()})
NAMES = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")
FLOWS = {"retraining": retraining_flow(NAMES), "release": release_flow(NAMES), "checks": checks_flow(NAMES)}


@pytest.mark.filterwarnings("ignore")
def test_cfn_lint_finds_no_error_in_any_region_of_the_fleet(templates: dict[str, Template]) -> None:
    """Lint both teams and both kinds of stages; the other environments differ from these in names only."""
    found = [
        f"{name}: {match.rule.id} {match.message}"
        for name, template in templates.items()
        if name.startswith((WHOLE, *COMPARED))
        for match in lint(json.dumps(template), regions=REGIONS)
        if match.rule.id.startswith("E")
    ]
    assert found == []


@pytest.mark.filterwarnings("ignore")
def test_cfn_lint_finds_a_missing_target(templates: dict[str, Template]) -> None:
    template = templates["arrivals-dev-us-east-1-registry-16"]
    schedule = next(iter(resources(template, "AWS::Scheduler::Schedule")))
    matches = lint(json.dumps(changed(template, schedule, Target=None)), regions=REGIONS)
    assert any(match.rule.id.startswith("E") for match in matches)


@pytest.mark.parametrize("flow", FLOWS)
def test_statelint_finds_nothing(flow: str) -> None:
    assert Linter.validate(FLOWS[flow]) == []


def test_templates_contain_the_flows(templates: dict[str, Template]) -> None:
    found = definitions(templates["arrivals-dev-us-east-1-operations"])
    assert sorted(found.values(), key=str) == sorted(FLOWS.values(), key=str)


@pytest.mark.parametrize("flow", FLOWS)
def test_requests_of_jobs_fit_the_service_model(flow: str) -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    problems = []
    for title, state in FLOWS[flow]["States"].items():
        if not state.get("Resource", "").startswith("arn:aws:states:::sagemaker:"):
            continue
        call = state["Resource"].rpartition(":")[2].removesuffix(".sync")
        shape = service.operation_model(call[0].upper() + call[1:]).input_shape
        problems += [f"{title}: {problem}" for problem in _differences(state["Parameters"], shape, "")]
    assert problems == []


def test_comparison_finds_wrong_requests() -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape = service.operation_model("CreateTrainingJob").input_shape
    problems = list(_differences({"TrainingJobName": 1, "RoleArm.$": "$.role"}, shape, ""))
    assert ".TrainingJobName: int is no string" in problems
    assert ".RoleArm: unknown" in problems
    assert ".RoleArn: missing" in problems


def _differences(value: Any, shape: Any, path: str) -> list[str]:
    """Return a request's unknown and missing fields and wrong types; values from the state are not checked."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{path}: {type(value).__name__} is no structure"]
        given = {name.removesuffix(".$"): (name.endswith(".$"), inner) for name, inner in value.items()}
        problems = [f"{path}.{name}: unknown" for name in given if name not in shape.members]
        problems += [f"{path}.{name}: missing" for name in shape.required_members if name not in given]
        for name, (is_path, inner) in given.items():
            if not is_path and name in shape.members:
                problems += _differences(inner, shape.members[name], f"{path}.{name}")
        return problems
    if shape.type_name == "list":
        return [problem for item in value for problem in _differences(item, shape.member, f"{path}[]")]
    if shape.type_name == "map":
        return [problem for item in value.values() for problem in _differences(item, shape.value, f"{path}{{}}")]
    types: dict[str, Any] = {"string": str, "integer": int, "boolean": bool, "long": int, "float": (int, float)}
    if not isinstance(value, types[shape.type_name]):
        return [f"{path}: {type(value).__name__} is no {shape.type_name}"]
    allowed = getattr(shape, "enum", [])
    return [f"{path}: {value!r} is none of {allowed}"] if allowed and value not in allowed else []
