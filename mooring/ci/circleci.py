"""Writes the pipeline for CircleCI.

The token's subject names organization, project, user and, in its second version, the branch. CircleCI starts jobs for
branches, not for pull requests: the comment is posted once there is one.
"""

from typing import Any

from mooring.ci.model import FOLDER, Job, Pipeline, Step
from mooring.ci.scripts import post_to_github, script
from mooring.ci.yaml_text import to_yaml

PATH = ".circleci/config.yml"
IMAGE = "cimg/python:3.12"
CONTEXT = "mooring"
"""Context with the variable ``GITHUB_TOKEN``, by which the comment is posted."""
POST = post_to_github(
    repository="$CIRCLE_PROJECT_USERNAME/$CIRCLE_PROJECT_REPONAME",
    number="${CIRCLE_PULL_REQUEST##*/}",
    token="GITHUB_TOKEN",
)


def render(pipeline: Pipeline, fleet: str) -> dict[str, str]:
    """Return the text of each file by its path."""
    entries: list[dict[str, Any]] = []
    for job in pipeline.jobs:
        entries += _entries(job, pipeline.ci.branch)
    document = {
        "version": 2.1,
        "jobs": {job.name: _job(job) for job in pipeline.jobs},
        "workflows": {"mooring": {"jobs": entries}},
    }
    return {PATH: to_yaml(document, "circleci", fleet)}


def _entries(job: Job, branch: str) -> list[dict[str, Any]]:
    """Return the job's place in the workflow, after a job that waits for a person if one must approve it."""
    settings: dict[str, Any] = {}
    if not (job.on_change and job.on_branch):
        settings["filters"] = {"branches": {"ignore" if job.on_change else "only": branch}}
    if job.needs:
        settings["requires"] = list(job.needs)
    approval = []
    if job.approved:
        approval = [{f"approve-{job.stage}": {"type": "approval", **settings}}]
        settings = {**settings, "requires": [f"approve-{job.stage}"]}
    if job.takes_token or job.posts:
        settings["context"] = [CONTEXT]
    return [*approval, {job.name: settings}]


def _job(job: Job) -> dict[str, Any]:
    steps: list[Any] = ["checkout", *({"run": _run(step)} for step in job.steps)]
    if job.posts:
        steps.append({"store_artifacts": {"path": f"{FOLDER}/comment.md"}})
    return {"docker": [{"image": IMAGE}], "resource_class": "large", "steps": steps}


def _run(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"name": step.name}
    if step.always:
        found["when"] = "always"
    command = script(step, token="printf '%s' \"$CIRCLE_OIDC_TOKEN_V2\"", post=POST)
    return found | {"command": command, "no_output_timeout": "30m"}
