"""The people of the tooling account may do what their role is for, and read what it needs."""

from typing import Any

from pipelines.interface.names import TOOLING_PERSONAS, Environment
from tests.infra.laws.law import listed
from tests.infra.test_bootstrap import admits
from tests.support.synth import promotion_template, resources

TOOLING = Environment(team="arrivals", stage="tooling", account="333333333331", region="eu-west-1")
MODELS, CODE = TOOLING.pipeline_arn("models"), TOOLING.pipeline_arn("code")


def role(persona: str) -> dict[str, Any]:
    (found,) = (
        each["Properties"]
        for each in resources(promotion_template(), "AWS::IAM::Role").values()
        if each["Properties"].get("RoleName") == TOOLING.persona_role(persona)
    )
    return dict(found)


def statements(persona: str) -> list[dict[str, Any]]:
    return [each for policy in role(persona)["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def resources_of(persona: str, action: str) -> list[str]:
    return sorted(
        resource
        for statement in statements(persona)
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    )


def test_approver_answers_exactly_the_approval_actions_of_both_pipelines() -> None:
    assert resources_of("approver", "codepipeline:PutApprovalResult") == [
        f"{CODE}/prod/Approve",
        f"{MODELS}/prod/Approve",
    ]
    for persona in ("operator", "auditor"):
        assert resources_of(persona, "codepipeline:PutApprovalResult") == []


def test_operator_starts_stops_and_retries_both_pipelines_and_no_other_persona_does() -> None:
    for action in ("StartPipelineExecution", "StopPipelineExecution"):
        assert resources_of("operator", f"codepipeline:{action}") == [CODE, MODELS]
        assert resources_of("approver", f"codepipeline:{action}") == []
    assert resources_of("operator", "codepipeline:RetryStageExecution") == [f"{CODE}/*", f"{MODELS}/*"]
    assert resources_of("auditor", "codepipeline:RetryStageExecution") == []


def test_every_persona_reads_what_mooring_promotions_reads() -> None:
    archive = f"arn:aws:s3:::{TOOLING.bucket('records')}/records/{'d' * 64}.zip"
    execution = TOOLING.arn("states", f"execution:{TOOLING.state_machine('promotion')}:one")
    for persona in TOOLING_PERSONAS:
        found = statements(persona)
        for action in (
            "GetPipeline",
            "GetPipelineState",
            "ListActionExecutions",
            "ListPipelineExecutions",
            "ListRuleExecutions",
        ):
            assert admits(found, f"codepipeline:{action}", MODELS)
            assert admits(found, f"codepipeline:{action}", CODE)
        assert admits(found, "states:DescribeExecution", execution)
        assert admits(found, "s3:GetObject", archive)
        assert not admits(found, "s3:PutObject", archive)


def test_accounts_that_request_promotions_may_only_read() -> None:
    trusted = {
        persona: sorted(
            account
            for statement in role(persona)["AssumeRolePolicyDocument"]["Statement"]
            for account in (each.split("::")[1].split(":")[0] for each in listed(statement["Principal"]["AWS"]))
        )
        for persona in TOOLING_PERSONAS
    }
    assert trusted == {
        "approver": ["333333333331"],
        "operator": ["333333333331"],
        "auditor": ["111111111111", "111111111112", "333333333331"],
    }
