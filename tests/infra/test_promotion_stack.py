"""The stack of a team's pipelines: other tools' rules, our laws, its order, and what it may reach."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from statelint.linter import Linter

from infra.fleet import Fleet, parse
from infra.functions import DRIVE_PROMOTION
from infra.parts import parts_of
from infra.synthesis import synthesize
from mooring import permissions, tooling_permissions
from mooring.embedded.repairs.resource_actions import TABLE
from pipelines.interface.names import CDK_ROLES, Environment
from tests.infra.laws import lifetimes
from tests.infra.laws.flows import definitions
from tests.infra.laws.law import Law, listed
from tests.infra.laws.laws import LAWS
from tests.infra.test_bootstrap import LONGEST, MAX_POLICY, admits
from tests.infra.test_handler_permissions import kinds_of, lacking
from tests.infra.test_packages import files_below
from tests.support.imports import file_of, imported_by
from tests.support.synth import FLEET, Template, promoting_fleet, promotion_template, promotion_template_of, resources
from tests.unit.infra.fleet.document import fleet_document

TOOLING = Environment(team="arrivals", stage="tooling", account="333333333331", region="eu-west-1")
CONNECTION = "arn:aws:codeconnections:eu-west-1:333333333331:connection/12345678-1234-1234-1234-123456789012"


def team() -> list[Environment]:
    return [each.names for each in promoting_fleet().environments() if each.names.team == "arrivals"]


def pipeline(template: Template, kind: str) -> dict[str, list[dict[str, Any]]]:
    """Return the actions of a pipeline by its stages."""
    (found,) = (
        each["Properties"]
        for each in resources(template, "AWS::CodePipeline::Pipeline").values()
        if each["Properties"]["Name"] == TOOLING.pipeline(kind)
    )
    return {stage["Name"]: stage["Actions"] for stage in found["Stages"]}


def order(actions: list[dict[str, Any]]) -> list[list[str]]:
    """Return the names of a stage's actions, those together that run at the same time."""
    numbers = sorted({action["RunOrder"] for action in actions})
    return [[action["Name"] for action in actions if action["RunOrder"] == number] for number in numbers]


def changed(**stages: dict[str, str]) -> Fleet:
    document = json.loads(promoting_fleet().model_dump_json(exclude_unset=True))
    for stage in document["stages"]:
        stage["promotion"] = {**stage.get("promotion", {}), **stages.get(stage["name"], {})}
    return parse(document)


@pytest.mark.filterwarnings("ignore")
def test_cfn_lint_finds_no_error() -> None:
    found = lint(json.dumps(promotion_template()), regions=["eu-west-1", "us-east-1"])
    assert [f"{match.rule.id} {match.message}" for match in found if match.rule.id.startswith("E")] == []


def test_statelint_finds_nothing() -> None:
    (definition,) = definitions(promotion_template()).values()
    assert Linter.validate(definition) == []


@pytest.mark.parametrize("law", [*LAWS, *lifetimes.LAWS], ids=lambda law: law.__name__)
def test_law_holds(law: Law) -> None:
    assert list(map(str, law(promotion_template()))) == []


def test_template_is_small() -> None:
    template = promotion_template()
    assert len(template["Resources"]) <= 400
    assert len(json.dumps(template)) <= 700_000


def test_models_are_imported_approved_and_released_stage_by_stage() -> None:
    stages = pipeline(promotion_template(), "models")
    assert {name: order(actions) for name, actions in stages.items()} == {
        "Source": [["Source"]],
        "staging": [["Import"], ["Release"]],
        "prod": [["Import"], ["Approve"], ["Release"]],
    }
    request = json.loads(stages["prod"][2]["Configuration"]["Input"])
    assert request == {
        "step": "release",
        "stage": "prod",
        "execution": "#{codepipeline.PipelineExecutionId}",
        "record_key": "#{Source.ObjectKey}",
        "environment": "",
    }


def test_code_is_built_once_and_deployed_and_tested_region_by_region() -> None:
    stages = pipeline(promotion_template(), "code")
    assert {name: order(actions) for name, actions in stages.items()} == {
        "Source": [["Source"]],
        "Build": [["Build"]],
        "Update": [["UpdatePipelines"]],
        "dev": [["Deploy-us-east-1"], ["Smoke-us-east-1"]],
        "staging": [["Deploy-us-east-1"], ["Smoke-us-east-1"]],
        "prod": [
            ["Approve"],
            ["Deploy-us-east-1"],
            ["Smoke-us-east-1"],
            ["Deploy-eu-west-1"],
            ["Smoke-eu-west-1"],
        ],
    }
    deployed = json.loads(stages["prod"][3]["Configuration"]["EnvironmentVariables"])
    assert deployed == [{"name": "ENVIRONMENT", "value": "arrivals-prod-eu-west-1", "type": "PLAINTEXT"}]


def test_parallel_regions_are_deployed_at_once_and_tested_at_once() -> None:
    stages = pipeline(promotion_template_of(changed(prod={"regions": "parallel"})), "code")
    assert order(stages["prod"]) == [
        ["Approve"],
        ["Deploy-us-east-1", "Deploy-eu-west-1"],
        ["Smoke-us-east-1", "Smoke-eu-west-1"],
    ]


def test_deploying_role_reaches_one_place() -> None:
    template = promotion_template()
    prod = next(each for each in team() if each.id == "arrivals-prod-eu-west-1")
    (role,) = (
        each["Properties"]
        for each in resources(template, "AWS::IAM::Role").values()
        if each["Properties"].get("RoleName") == TOOLING.deploy_project(prod)
    )
    assumed = [
        resource
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "sts:AssumeRole" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    assert sorted(assumed) == sorted(prod.cdk_role_arn(kind) for kind in CDK_ROLES)


def test_repository_replaces_the_source_bucket() -> None:
    document = json.loads(promoting_fleet().model_dump_json(exclude_unset=True))
    document["tooling"]["source"] = {"connection": CONNECTION, "repository": "team/arrivals"}
    template = promotion_template_of(parse(document))
    (source,) = pipeline(template, "code")["Source"]
    assert source["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    buckets = [bucket["Properties"]["BucketName"] for bucket in resources(template, "AWS::S3::Bucket").values()]
    assert TOOLING.bucket("source") not in buckets
    assert len(resources(template, "AWS::Events::Rule")) == 1


def test_boundary_admits_the_roles_of_the_teams_environments_only() -> None:
    statements = tooling_permissions.boundary(TOOLING, team(), None)["Statement"]
    for environment in team():
        assert admits(statements, "sts:AssumeRole", environment.role_arn(environment.promoter_role))
        assert all(admits(statements, "sts:AssumeRole", environment.cdk_role_arn(kind)) for kind in CDK_ROLES)
        assert not admits(statements, "sts:AssumeRole", environment.role_arn(environment.persona_role("operator")))
    other = Environment(team="network", stage="dev", account="222222222221", region="eu-west-1")
    assert not admits(statements, "sts:AssumeRole", other.role_arn(other.promoter_role))


def test_policies_of_a_tooling_environment_fit_into_managed_policies() -> None:
    regions = ("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4")
    many = [
        Environment(team=LONGEST.team, stage=f"stage-{number:02}", account=f"{number:012}", region=region)
        for number in range(3)
        for region in regions
    ]
    for document in (
        tooling_permissions.boundary(LONGEST, many, CONNECTION),
        tooling_permissions.deployer(LONGEST, CONNECTION),
    ):
        assert len(json.dumps(document, separators=(",", ":"))) <= MAX_POLICY


def test_deployment_policy_admits_every_resource_by_its_name() -> None:
    documents = (tooling_permissions.deployer(TOOLING, None), permissions.common(TOOLING.account))
    statements = [statement for document in documents for statement in document["Statement"]]
    for logical_id, resource in resources(promotion_template()).items():
        actions = TABLE.get(resource["Type"])
        name = resource.get("Properties", {}).get(actions.name) if actions else None
        if actions and isinstance(name, str):
            name = name.lstrip("/") if actions.arn.endswith("/{name}") else name
            arn = actions.arn.format(region=TOOLING.region, account=TOOLING.account, name=name, group="default")
            assert admits(statements, actions.create, arn), logical_id


def test_deployment_policy_holds_the_actions_of_the_stack() -> None:
    documents = (tooling_permissions.deployer(TOOLING, None), permissions.common(TOOLING.account))
    statements = [statement for document in documents for statement in document["Statement"]]
    assert lacking(statements, kinds_of(promotion_template())) == {}


def key_of(document: Any, name: str) -> list[str]:
    return [part.key("") for part in parts_of(parse(document).deployable()[name])]


def test_settings_of_a_model_leave_the_pipelines_as_they_are() -> None:
    document = json.loads(promoting_fleet().model_dump_json(exclude_unset=True))
    before = key_of(document, TOOLING.id)
    document["teams"][0]["models"][0]["gate"] = {"metric": "auc", "bound": 0.7}
    document["defaults"] = {"serving": {"instance_type": "ml.m5.xlarge"}}
    document["teams"][1]["environments"][0]["region"] = "us-east-1"
    assert key_of(document, TOOLING.id) == before
    document["stages"][1]["promotion"] = {"regions": "parallel"}
    assert key_of(document, TOOLING.id) != before


def test_settings_of_the_pipelines_leave_the_environments_as_they_are() -> None:
    document = json.loads(promoting_fleet().model_dump_json(exclude_unset=True))
    before = key_of(document, "arrivals-dev-us-east-1")
    document["tooling"]["pushes"] = "queue"
    document["tooling"]["source"] = {"connection": CONNECTION, "repository": "team/arrivals"}
    document["stages"][1]["promotion"] = {"regions": "parallel", "approval": "manual"}
    assert key_of(document, "arrivals-dev-us-east-1") == before


def test_fleet_without_a_tooling_account_has_no_pipelines() -> None:
    assert set(parse(fleet_document()).deployable()) == {
        each.names.id for each in parse(fleet_document()).environments()
    }
    assert "tooling" not in FLEET.read_text(encoding="utf-8")


def test_package_of_the_function_has_what_it_imports(tmp_path: Path) -> None:
    (part,) = parts_of(promoting_fleet().deployable()[TOOLING.id])
    synthesize(part, tmp_path)
    template = json.loads((tmp_path / f"{TOOLING.stack('promotion')}.template.json").read_text())
    (function,) = resources(template, "AWS::Lambda::Function").values()
    digest = function["Properties"]["Code"]["S3Key"].removesuffix(".zip")
    (folder,) = tmp_path.glob(f"asset.{digest}*")
    imported = {str(file_of(name)) for name in imported_by(DRIVE_PROMOTION.handler.rpartition(".")[0])}
    assert imported - files_below(folder) == set()
