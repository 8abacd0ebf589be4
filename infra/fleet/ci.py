"""Whom the roles of a CI system trust: issuer, audience and exact subjects of its tokens, per stage and task."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from infra.fleet.problems import Problem
from infra.fleet.spec import REPOSITORY, CiSpec, StageSpec

ISSUERS = {"github": "https://token.actions.githubusercontent.com", "gitlab": "https://gitlab.com"}
"""Issuers of tokens by provider. CircleCI has one per organization and Jenkins one per server: the fleet names them."""
WILDCARDS = re.compile(r"[*?]")
BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._/-]+)?")


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The tokens that one role accepts: all of the conditions must hold, and one of ``subjects``."""

    issuer: str
    """The issuer's address without its scheme, as IAM writes it."""
    audience: str
    subjects: tuple[str, ...]
    claims: Mapping[str, str] = field(default_factory=dict)
    """Further claims with their values, among those that IAM compares for this issuer."""


def issuer_url(ci: CiSpec) -> str:
    return ci.issuer or ISSUERS[ci.provider]


def trusts(ci: CiSpec, stage: StageSpec) -> dict[str, Trust]:
    """Return whom the roles of a stage's environments trust, by task: ``deploy``, and ``plan`` if any job may plan.

    A GitHub job that waits for a person's approval has its GitHub environment as subject, which replaces the branch:
    IAM then compares the branch as a claim of its own.
    """
    issuer = issuer_url(ci).removeprefix("https://")
    claims: dict[str, str] = {}
    if ci.provider == "github":
        deploy, plan = [f"repo:{ci.repository}:ref:refs/heads/{ci.branch}"], [f"repo:{ci.repository}:pull_request"]
        if stage.promotion.approval == "manual":
            deploy = [f"repo:{ci.repository}:environment:{stage.name}"]
            claims = {"ref": f"refs/heads/{ci.branch}"}
    elif ci.provider == "gitlab":
        deploy, plan = [f"project_path:{ci.repository}:ref_type:branch:ref:{ci.branch}"], ci.plan_subjects
    else:
        deploy, plan = ci.deploy_subjects, ci.plan_subjects
    found = {"deploy": Trust(issuer=issuer, audience=ci.audience, subjects=tuple(deploy), claims=claims)}
    if plan:
        found["plan"] = Trust(issuer=issuer, audience=ci.audience, subjects=tuple(plan))
    return found


def check_ci(ci: CiSpec) -> Iterator[Problem]:
    """Yield what is wrong with the CI system's settings."""
    subjects = [("deploy_subjects", ci.deploy_subjects), ("plan_subjects", ci.plan_subjects)]
    listed = [(f"ci.{name}[{number}]", text) for name, texts in subjects for number, text in enumerate(texts)]
    fields = [("ci.repository", ci.repository), ("ci.branch", ci.branch), ("ci.audience", ci.audience)]
    for path, text in (*fields, *listed):
        if WILDCARDS.search(text) or not text.strip():
            yield Problem(path, text, "one exact value, without * and ?")
    if not re.match(REPOSITORY, ci.repository) and not WILDCARDS.search(ci.repository):
        yield Problem("ci.repository", ci.repository, "owner/name; on GitLab group/project, with subgroups")
    if not BRANCH.fullmatch(ci.branch) and not WILDCARDS.search(ci.branch):
        yield Problem("ci.branch", ci.branch, "a branch's name of letters, digits, and . _ / -")
    if ci.issuer is None and ci.provider not in ISSUERS:
        example = "https://oidc.circleci.com/org/<organization id>"
        where = example if ci.provider == "circleci" else "the address that Jenkins' OpenID Connect plugin shows"
        yield Problem("ci.issuer", None, f"an address with https: {where}")
    elif ci.issuer is not None and not ISSUER.fullmatch(ci.issuer):
        yield Problem("ci.issuer", ci.issuer, "an address with https, without a port, a query or a slash at its end")
    if ci.provider in ISSUERS and ci.deploy_subjects:
        allowed = "nothing: the subjects follow from repository and branch"
        yield Problem("ci.deploy_subjects", ci.deploy_subjects, allowed)
    if ci.provider == "github" and ci.plan_subjects:
        yield Problem("ci.plan_subjects", ci.plan_subjects, "nothing: the subject follows from the repository")
    if ci.provider not in ISSUERS and not ci.deploy_subjects:
        yield Problem("ci.deploy_subjects", [], f"the subjects of the tokens of {ci.provider}'s jobs that deploy")
    if ci.provider == "circleci" and ci.audience == CiSpec.model_fields["audience"].default:
        yield Problem("ci.audience", ci.audience, "the organization's id, which is the audience of CircleCI's tokens")
    for text in sorted(set(ci.deploy_subjects) & set(ci.plan_subjects)):
        yield Problem("ci.plan_subjects", text, "a subject that is not among deploy_subjects: planning only reads")
