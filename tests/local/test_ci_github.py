"""The GitHub workflow, step by step: a change is planned, tried on the runner and commented; main deploys."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mooring.ci.github import OWN
from mooring.embedded import process
from pipelines.models import flights
from tests.support.embedded_aws import EmbeddedAws
from tests.support.github_runner import Runner, copy_of_the_repository, install_gh, prepare, token_issuer
from tests.support.synth import FLEET

ENVIRONMENT = "citeam-dev-us-east-1"
ACCOUNT, REGION = "515151515151", "us-east-1"
REPOSITORY = "octo/models"
WORKFLOW = ".github/workflows/mooring.yml"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
PULL_REQUEST = {
    "github.event_name == 'pull_request'": True,
    "github.event_name == 'push'": False,
    "github.event.pull_request.head.repo.fork": "false",
    "github.event.pull_request.number": 7,
    "github.token": "a-token",
    "always()": True,
    OWN: True,
}
PUSH = {"github.event_name == 'pull_request'": False, "github.event_name == 'push'": True, "always()": True}


def git(tree: Path, *arguments: str) -> None:
    who = ("-c", "user.name=octo", "-c", "user.email=octo@example.com")
    subprocess.run(["git", *who, *arguments], cwd=tree, check=True, capture_output=True)


def fleet_with(bound: float) -> str:
    """Return a fleet with one environment of one model, on which GitHub's jobs work."""
    document: dict[str, Any] = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    team = document["teams"][0] | {"name": "citeam"}
    team["environments"] = [{"stage": "dev", "account": ACCOUNT, "region": REGION}]
    team["models"][0] |= {"gate": {"metric": "auc", "bound": bound}, "program": "late_arrival"}
    stages = [{"name": "dev"}]
    return yaml.safe_dump(
        {"ci": {"provider": "github", "repository": REPOSITORY}, "stages": stages, "teams": [team]}, sort_keys=False
    )


@dataclass(frozen=True, kw_only=True)
class World:
    """The clone in which the jobs run, and the workflow that its branch has."""

    tree: Path
    folder: Path
    comments: Path
    account: dict[str, str]
    port: int

    @property
    def jobs(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.tree / WORKFLOW).read_text())["jobs"]
        return found

    def runner(self, expressions: dict[str, Any], issuer: str) -> Runner:
        variables = {name: value for name, value in self.account.items() if name not in KEYS}
        github = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": issuer,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            # The repository's own check takes an hour: the variable is the workflow's.
            "MOORING_CI_CHECK": "lint",
            "MOORING_CI_PORT": str(self.port),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        return Runner(tree=self.tree, folder=self.folder, expressions=expressions, variables=variables | github)


@pytest.fixture(scope="module")
def world(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Make a repository whose main branch is deployed to the account, and a clone with a change of the gate."""
    folder = tmp_path_factory.mktemp("github")
    origin = copy_of_the_repository(folder / "origin")
    (origin / "fleet.yaml").write_text(fleet_with(0.6))
    flights.write_months(origin / "samples" / "flights", [1, 2, 3])
    git(origin, "init", "--quiet", "--initial-branch", "main")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "The fleet")
    git(folder, "clone", "--quiet", "origin", "clone")
    tree = folder / "clone"
    prepare(tree)
    account = embedded_aws.variables(ACCOUNT, REGION)
    world = World(tree=tree, folder=folder, comments=install_gh(folder), account=account, port=process.free_port())
    administrator = world.runner({}, "")
    administrator = replace(administrator, variables={**administrator.variables, **account})
    commands = ("ci init github", f"bootstrap {ENVIRONMENT}", f"deploy {ENVIRONMENT}")
    script = "\n".join(("source .venv/bin/activate", *(f"mooring {command}" for command in commands)))
    administrator.run({"steps": [{"name": "once, by an administrator", "run": script}]})
    git(tree, "checkout", "--quiet", "-b", "change")
    (tree / "fleet.yaml").write_text(fleet_with(0.65))
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "A stricter gate")
    try:
        yield world
    finally:
        process.stop(home=tree / ".mooring")


def test_a_change_is_planned_in_the_account_tried_on_the_runner_and_commented_once(world: World) -> None:
    with token_issuer({"sub": f"repo:{REPOSITORY}:pull_request"}) as issuer:
        runner = world.runner(PULL_REQUEST, issuer)
        assert runner.run(world.jobs["check"]) == ["Check"]
        assert runner.run(world.jobs["change"]) == [
            "Set up",
            "Check out the target branch",
            f"Plan {ENVIRONMENT}",
            "Start the embedded AWS",
            f"Try {ENVIRONMENT} on the embedded AWS",
            "Comment",
            "Stop the embedded AWS",
        ]
        (first,) = json.loads(world.comments.read_text())
        again = [step for step in world.jobs["change"]["steps"] if step.get("name") == "Comment"]
        runner.run({"steps": again})
    (second,) = json.loads(world.comments.read_text())
    assert first["address"] == f"repos/{REPOSITORY}/issues/7/comments"
    assert (first["updates"], second["updates"]) == (0, 1)
    text = first["body"]
    assert "**1 of 1 environment** change" in text
    assert "0.65" in text.partition("### Cost")[0]
    assert f"**late-arrival** in {ENVIRONMENT}: **registered**. It was retrained because its settings differ" in text
    assert "| auc | at least 0.65 | 0.7" in text
    assert "xychart-beta" in text


def test_a_pull_request_cannot_deploy(world: World) -> None:
    with (
        token_issuer({"sub": f"repo:{REPOSITORY}:pull_request"}) as issuer,
        pytest.raises(AssertionError, match="AssumeRoleWithWebIdentity"),
    ):
        world.runner(PUSH, issuer).run(world.jobs["deploy-dev"])


def test_the_main_branch_of_another_repository_cannot_deploy(world: World) -> None:
    with (
        token_issuer({"sub": "repo:other/models:ref:refs/heads/main"}) as issuer,
        pytest.raises(AssertionError, match="AssumeRoleWithWebIdentity"),
    ):
        world.runner(PUSH, issuer).run(world.jobs["deploy-dev"])


def test_the_main_branch_deploys_and_then_there_is_nothing_to_plan(world: World) -> None:
    with token_issuer({"sub": f"repo:{REPOSITORY}:ref:refs/heads/main"}) as issuer:
        assert world.runner(PUSH, issuer).run(world.jobs["deploy-dev"]) == ["Set up", f"Deploy {ENVIRONMENT}"]
    with token_issuer({"sub": f"repo:{REPOSITORY}:pull_request"}) as issuer:
        plan = [step for step in world.jobs["change"]["steps"] if step.get("name") == f"Plan {ENVIRONMENT}"]
        world.runner(PULL_REQUEST, issuer).run({"steps": plan})
    planned = json.loads((world.tree / "build" / "ci" / f"plan-{ENVIRONMENT}.json").read_text())
    assert [each["stacks"] for each in planned["environments"]] == [[]]
