"""Whom the roles of a CI system trust, and what of its settings is refused."""

from typing import Any

import pytest

from infra.fleet import FleetError, parse
from infra.fleet.ci import Trust, trusts
from infra.fleet.spec import CiSpec, PromotionSpec, StageSpec
from tests.unit.infra.fleet.document import fleet_document

GITHUB = {"provider": "github", "repository": "octo/models"}
CIRCLECI = {
    "provider": "circleci",
    "repository": "octo/models",
    "issuer": "https://oidc.circleci.com/org/0a",
    "audience": "0a",
    "deploy_subjects": ["org/0a/project/1b/user/2c"],
}


def trusted(ci: dict[str, Any], approval: Any = "automatic") -> dict[str, Trust]:
    return trusts(CiSpec(**ci), StageSpec(name="prod", promotion=PromotionSpec(approval=approval)))


def problems_with(ci: dict[str, Any]) -> str:
    with pytest.raises(FleetError) as caught:
        parse({**fleet_document(), "ci": ci})
    return str(caught.value)


def test_github_deploys_from_the_branch_and_plans_for_pull_requests() -> None:
    issuer, audience = "token.actions.githubusercontent.com", "sts.amazonaws.com"
    branch, pull = "repo:octo/models:ref:refs/heads/main", "repo:octo/models:pull_request"
    assert trusted(GITHUB) == {
        "deploy": Trust(issuer=issuer, audience=audience, subjects=(branch,)),
        "plan": Trust(issuer=issuer, audience=audience, subjects=(pull,)),
    }


def test_github_deploys_to_an_approved_stage_from_its_environment_and_the_branch() -> None:
    found = trusted(GITHUB, "manual")["deploy"]
    assert found.subjects == ("repo:octo/models:environment:prod",)
    assert found.claims == {"ref": "refs/heads/main"}


def test_gitlab_deploys_from_the_branch_and_has_no_role_for_plans_unless_a_subject_is_listed() -> None:
    ci = {"provider": "gitlab", "repository": "octo/sub/models", "branch": "trunk"}
    found = trusted(ci, "manual")
    assert found["deploy"].subjects == ("project_path:octo/sub/models:ref_type:branch:ref:trunk",)
    assert found["deploy"].issuer == "gitlab.com"
    assert list(found) == ["deploy"]
    assert trusted({**ci, "plan_subjects": ["project_path:octo/sub/models"]})["plan"].subjects


def test_circleci_trusts_the_subjects_that_the_fleet_lists() -> None:
    found = trusted(CIRCLECI)
    assert found["deploy"].issuer == "oidc.circleci.com/org/0a"
    assert found["deploy"].subjects == ("org/0a/project/1b/user/2c",)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({**GITHUB, "repository": "octo/*"}, "ci.repository: 'octo/*'; allowed: one exact value, without * and ?"),
        ({**GITHUB, "branch": "release-?"}, "ci.branch: 'release-?'; allowed: one exact value"),
        ({**GITHUB, "branch": "$(id)"}, "ci.branch: '$(id)'; allowed: a branch's name"),
        ({**GITHUB, "audience": ""}, "ci.audience: ''; allowed: one exact value"),
        ({**GITHUB, "repository": "octo"}, "ci.repository: 'octo'; allowed: owner/name"),
        ({**GITHUB, "deploy_subjects": ["repo:a/b:ref:c"]}, "ci.deploy_subjects: ['repo:a/b:ref:c']; allowed: nothing"),
        ({**GITHUB, "plan_subjects": ["repo:a/b"]}, "ci.plan_subjects: ['repo:a/b']; allowed: nothing"),
        ({**GITHUB, "issuer": "http://ci.example.com"}, "ci.issuer: 'http://ci.example.com'; allowed: an address"),
        ({**CIRCLECI, "issuer": None}, "ci.issuer: None; allowed: an address with https: https://oidc.circleci.com/"),
        ({**CIRCLECI, "audience": "sts.amazonaws.com"}, "ci.audience: 'sts.amazonaws.com'; allowed: the organization"),
        ({**CIRCLECI, "deploy_subjects": []}, "ci.deploy_subjects: []; allowed: the subjects"),
        ({**CIRCLECI, "deploy_subjects": ["org/0a/*"]}, "ci.deploy_subjects[0]: 'org/0a/*'; allowed: one exact"),
        (
            {**CIRCLECI, "plan_subjects": CIRCLECI["deploy_subjects"]},
            "ci.plan_subjects: 'org/0a/project/1b/user/2c'; allowed: a subject that is not among deploy_subjects",
        ),
        ({**GITHUB, "provider": "travis"}, "ci.provider: 'travis'"),
    ],
)
def test_refuses_patterns_and_contradictions(change: dict[str, Any], expected: str) -> None:
    assert expected in problems_with(change)
