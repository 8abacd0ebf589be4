"""The roles of stacks hold every action that CloudFormation's handlers call for the stacks' resources."""

import json
import zipfile
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from mooring import permissions
from mooring.embedded.repairs import handler_permissions
from mooring.embedded.repairs.handler_permissions import OPERATIONS, UNUSED, needed, read_schemas, types
from tests.infra.golden import WHOLE
from tests.infra.laws.law import listed
from tests.support.synth import Template, example_fleet, promotion_template, resources

WITHOUT_HANDLERS = {"AWS::Budgets::Budget", "AWS::CodeBuild::Project", "AWS::SageMaker::EndpointConfig"}
"""Types whose registry schemas list no handlers."""


def lacking(statements: Iterable[Template], kinds: Iterable[str]) -> dict[str, list[str]]:
    """Return the actions that no statement allows, by resource type."""
    allowed = [pattern for found in statements if found["Effect"] == "Allow" for pattern in listed(found["Action"])]
    return {
        kind: missing
        for kind in sorted(kinds)
        if (missing := [action for action in needed(kind, *OPERATIONS) if not _matches(action, allowed)])
    }


def _matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def kinds_of(*found: Template) -> set[str]:
    return {resource["Type"] for template in found for resource in resources(template).values()}


def deployer(templates: dict[str, Template]) -> list[Template]:
    """Return the statements of the role under which releases update the Serving stacks."""
    roles = [
        role["Properties"]
        for name, template in templates.items()
        if name.startswith(WHOLE)
        for role in resources(template, "AWS::IAM::Role").values()
        if role["Properties"].get("RoleName") == f"{WHOLE}-release-deployer"
    ]
    return [statement for policy in roles[0]["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


@pytest.fixture
def serving(templates: dict[str, Template]) -> set[str]:
    return kinds_of(*(template for name, template in templates.items() if name.endswith("-serving")))


def test_release_deployer_holds_the_actions_of_the_serving_stack(
    templates: dict[str, Template], serving: set[str]
) -> None:
    assert lacking(deployer(templates), serving) == {}


def test_action_that_the_release_deployer_lacks_is_named(templates: dict[str, Template], serving: set[str]) -> None:
    reading = "application-autoscaling:DescribeScheduledActions"
    without = [
        {**found, "Action": [action for action in listed(found["Action"]) if action != reading]}
        for found in deployer(templates)
    ]
    assert lacking(without, serving) == {"AWS::ApplicationAutoScaling::ScalableTarget": [reading]}


def test_deployment_policy_holds_the_actions_of_every_stack(templates: dict[str, Template]) -> None:
    environment = example_fleet().environment(WHOLE).names
    documents = (permissions.deployer(environment), permissions.common(environment.account))
    statements = [statement for document in documents for statement in document["Statement"]]
    assert lacking(statements, kinds_of(*templates.values())) == {}


def test_every_type_of_the_templates_is_in_the_table(templates: dict[str, Template]) -> None:
    found = {kind for kind in kinds_of(*templates.values(), promotion_template()) if not kind.startswith("Custom::")}
    assert found - types() == set()
    assert {kind for kind in types() if not needed(kind, *OPERATIONS)} == WITHOUT_HANDLERS
    assert types() - found == set(), "remove the types that no template has"


def test_every_exception_excepts_something() -> None:
    table: dict[str, dict[str, list[str]]] = json.loads(handler_permissions.FILE.read_text(encoding="utf-8"))
    actions = {action for handlers in table.values() for found in handlers.values() for action in found}
    assert [pattern for pattern in UNUSED if not any(fnmatchcase(action, pattern) for action in actions)] == []


def test_command_writes_the_table_from_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema: dict[str, Any] = {"typeName": "A::B::C", "handlers": {"create": {"permissions": ["a:Put", "a:Get"]}}}
    archive, written = tmp_path / "schemas.zip", tmp_path / "table.json"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("us-east-1/a-b-c.json", json.dumps(schema))
        opened.writestr("us-east-1/other.json", json.dumps({"typeName": "A::B::D"}))
    assert {found["typeName"] for found in read_schemas(archive)} == {"A::B::C", "A::B::D"}
    monkeypatch.setattr(handler_permissions, "FILE", written)
    monkeypatch.setattr(handler_permissions, "_table", {"A::B::C": {}})
    monkeypatch.setattr("sys.argv", ["handler_permissions", str(archive)])
    handler_permissions.main()
    assert json.loads(written.read_text()) == {"A::B::C": {"create": ["a:Get", "a:Put"]}}
    monkeypatch.setattr("sys.argv", ["handler_permissions", str(archive), "A::B::E"])
    with pytest.raises(SystemExit):
        handler_permissions.main()
