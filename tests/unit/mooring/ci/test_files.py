"""The workflow files pass their systems' own linters, and say what the fleet says."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from mooring.ci import circleci, gitlab
from mooring.ci.comment import MARKER
from mooring.ci.files import render, write
from mooring.cli import cli
from mooring.errors import MooringError
from tests.support.ci import PROVIDERS, file_of, fleet_of
from tests.support.jenkinsfile import parse

BIN = Path(sys.executable).parent
LINTERS = {
    "github": ["actionlint", "-no-color", "-shellcheck", str(BIN / "shellcheck")],
    "gitlab": ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"],
    "circleci": ["check-jsonschema", "--builtin-schema", "vendor.circle-ci"],
}

CURL = """\
#!/bin/bash
case "$*" in *--request*) ;; *"?per_page=100&sort=asc") cat {folder}/listed.json; exit ;; esac
while [ $# -gt 1 ]; do [ "$1" = --request ] && method=$2; shift; done
echo "$method $1" >> {folder}/called
"""
"""A program that lists the comments of a file, and notes the method and the address of every other request."""


def lint(provider: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "workflow.yml"
    path.write_text(text)
    program, *options = LINTERS[provider]
    command = [str(BIN / program), *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("provider", LINTERS)
@pytest.mark.parametrize("plans", [True, False], ids=["plan in the account", "plan on the runner"])
def test_file_passes_its_linter(provider: str, plans: bool, tmp_path: Path) -> None:
    subjects = {"plan_subjects": ["plans"]} if plans and provider != "github" else {}
    done = lint(provider, file_of(provider, **subjects), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("provider", "old", "new"),
    [
        ("github", "runs-on:", "run-on:"),
        ("github", 'cat build/ci/comment.md >> "$GITHUB_STEP_SUMMARY"', "cat $GITHUB_STEP_SUMMARY x"),
        ("gitlab", "rules:", "rule:"),
        ("circleci", "docker:", "dockers:"),
    ],
)
def test_linter_finds_a_wrong_word(provider: str, old: str, new: str, tmp_path: Path) -> None:
    assert lint(provider, file_of(provider).replace(old, new), tmp_path).returncode != 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_files_are_the_same_each_time(provider: str) -> None:
    assert file_of(provider) == file_of(provider)


def github() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file_of("github"))
    return found


def test_github_deploys_stage_after_stage_and_a_person_approves_prod() -> None:
    jobs = github()["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "check": None,
        "change": None,
        "deploy-dev": ["check"],
        "deploy-staging": ["deploy-dev"],
        "deploy-prod": ["deploy-staging"],
    }
    assert {name: job["environment"] for name, job in jobs.items() if "environment" in job} == {"deploy-prod": "prod"}


def test_github_gives_each_job_the_least_permissions_and_pins_every_action() -> None:
    document = github()
    assert document["permissions"] == {}
    assert {name: job["permissions"] for name, job in document["jobs"].items()} == {
        "check": {"contents": "read"},
        "change": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        **{f"deploy-{stage}": {"contents": "read", "id-token": "write"} for stage in ("dev", "staging", "prod")},
    }
    used = [step["uses"] for job in document["jobs"].values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[a-z-]+/[a-z-]+@[0-9a-f]{40}", action) for action in used)
    assert "secrets." not in file_of("github")


def test_github_scripts_take_no_value_of_the_pull_request_but_by_variables() -> None:
    scripts = [step["run"] for job in github()["jobs"].values() for step in job["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_gitlab_asks_a_person_for_prod_and_takes_a_token_only_where_a_role_is_assumed() -> None:
    jobs = yaml.safe_load(file_of("gitlab"))
    assert jobs["deploy-prod"]["rules"][0]["when"] == "manual"
    assert "when" not in jobs["deploy-staging"]["rules"][0]
    assert [name for name, job in jobs.items() if "id_tokens" in job] == ["deploy-dev", "deploy-staging", "deploy-prod"]


def test_without_a_role_for_plans_the_target_branch_is_deployed_to_the_runner_and_planned_against() -> None:
    script = "\n".join(yaml.safe_load(file_of("gitlab"))["change"]["script"])
    first, second = "python -m mooring deploy arrivals-dev-us-east-1", "mooring plan arrivals-dev-us-east-1 --json"
    assert script.index(first) < script.index(second) < script.index("\nmooring deploy arrivals-dev-us-east-1")
    assert "prod" not in script


def test_circleci_waits_for_an_approval_before_prod() -> None:
    (workflow,) = yaml.safe_load(file_of("circleci"))["workflows"].values()
    entries = {name: settings for entry in workflow["jobs"] for name, settings in entry.items()}
    assert entries["approve-prod"]["type"] == "approval"
    assert entries["approve-prod"]["requires"] == ["deploy-staging"]
    assert entries["deploy-prod"]["requires"] == ["approve-prod"]


def test_jenkinsfile_has_the_structure_of_a_declarative_pipeline() -> None:
    (pipeline,) = parse(file_of("jenkins"))
    stages = {stage.argument: stage for stage in pipeline.child("stages").children}
    assert list(stages) == ["Check", "Plan and try the change", "Deploy dev", "Deploy staging", "Deploy prod"]
    assert [name for name, stage in stages.items() if stage.has("input")] == ["Deploy prod"]
    assert all(stage.has("agent") and stage.has("steps") for stage in stages.values())


def scripts(provider: str) -> list[str]:
    text = file_of(provider)
    if provider == "jenkins":
        found = re.findall(r"script: '''(.*?)'''", text, re.DOTALL)
        return [each.replace("\\'", "'").replace("\\\\", "\\") for each in found]
    document = yaml.safe_load(text)
    if provider == "gitlab":
        return [each for job in document.values() if "script" in job for each in job["script"]]
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    return [step["run"]["command"] for step in steps if "run" in step]


@pytest.mark.parametrize("provider", ["gitlab", "circleci", "jenkins"])
def test_scripts_pass_shellcheck(provider: str) -> None:
    found = scripts(provider)
    assert len(found) > 10
    for script in found:
        # Shellcheck does not follow the activation of a virtual environment.
        command = [str(BIN / "shellcheck"), "--shell", "bash", "--exclude", "SC1091", "-"]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("script", "variables", "addresses"),
    [
        (
            gitlab.POST,
            {
                "MOORING_COMMENT_TOKEN": "t",
                "CI_API_V4_URL": "https://g",
                "CI_PROJECT_ID": "3",
                "CI_MERGE_REQUEST_IID": "7",
            },
            [
                "POST https://g/projects/3/merge_requests/7/notes",
                "PUT https://g/projects/3/merge_requests/7/notes/5",
            ],
        ),
        (
            circleci.POST,
            {
                "GITHUB_TOKEN": "t",
                "CIRCLE_PROJECT_USERNAME": "octo",
                "CIRCLE_PROJECT_REPONAME": "models",
                "CIRCLE_PULL_REQUEST": "https://github.com/octo/models/pull/7",
            },
            [
                "POST https://api.github.com/repos/octo/models/issues/7/comments",
                "PATCH https://api.github.com/repos/octo/models/issues/comments/5",
            ],
        ),
    ],
    ids=["gitlab", "circleci"],
)
def test_comment_is_posted_once_and_then_updated(
    script: str, variables: dict[str, str], addresses: list[str], tmp_path: Path
) -> None:
    curl, listed = tmp_path / "curl", tmp_path / "listed.json"
    curl.write_text(CURL.format(folder=tmp_path))
    curl.chmod(0o755)
    (tmp_path / "build/ci").mkdir(parents=True)
    others = {"id": 4, "body": "of somebody else"}
    for comments in ([others], [others, {"id": 5, "body": f"{MARKER} of before"}]):
        listed.write_text(json.dumps(comments))
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env={"PATH": f"{tmp_path}:{BIN}:/usr/bin:/bin", **variables},
            check=True,
        )
    assert (tmp_path / "called").read_text().splitlines() == addresses


@pytest.mark.parametrize("script", [gitlab.POST, circleci.POST], ids=["gitlab", "circleci"])
def test_without_a_token_the_script_says_that_it_posts_nothing(script: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Not posted: ")


def test_init_writes_the_file_and_lists_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(yaml.safe_dump(fleet_of("gitlab").model_dump(mode="json", exclude_unset=True)))
    monkeypatch.setenv("MOORING_FLEET", str(fleet))
    done = CliRunner().invoke(cli, ["ci", "init", "gitlab", "--to", str(tmp_path), "--json"])
    assert json.loads(done.stdout) == {"written": [".gitlab-ci.yml"]}
    assert (tmp_path / ".gitlab-ci.yml").read_text() == file_of("gitlab")


def test_a_file_that_exists_is_overwritten_only_by_force(tmp_path: Path) -> None:
    (tmp_path / "Jenkinsfile").write_text("mine")
    files = render(fleet_of("jenkins"), "jenkins", "fleet.yaml")
    with pytest.raises(MooringError, match="Jenkinsfile exists with another text"):
        write(files, tmp_path, force=False)
    assert (tmp_path / "Jenkinsfile").read_text() == "mine"
    write(files, tmp_path, force=True)
    assert write(files, tmp_path, force=False) == [tmp_path / "Jenkinsfile"]


def test_a_system_that_no_role_trusts_gets_no_file() -> None:
    with pytest.raises(MooringError, match=r"has ci\.provider gitlab, so no role trusts the jobs of github"):
        render(fleet_of("gitlab"), "github", "fleet.yaml")
