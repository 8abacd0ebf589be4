"""Writes the pipeline for GitLab CI/CD.

A job's own token may not write comments (gitlab.com/gitlab-org/gitlab/-/issues/464591): the comment is posted with the
project access token in ``MOORING_COMMENT_TOKEN``, and without it stays in the job's log and artifacts.
"""

from typing import Any

from mooring.ci.model import FOLDER, Job, Pipeline, Step
from mooring.ci.scripts import post_with_curl, script
from mooring.ci.yaml_text import to_yaml

PATH = ".gitlab-ci.yml"
IMAGE = "python:3.12-bookworm"
API = "$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
POST = post_with_curl(
    header="PRIVATE-TOKEN: $MOORING_COMMENT_TOKEN",
    comments=API,
    comment=API,
    update="PUT",
    only_if='-n "${MOORING_COMMENT_TOKEN:-}"',
    without="Not posted: MOORING_COMMENT_TOKEN is not set.",
)
CHANGE = '$CI_PIPELINE_SOURCE == "merge_request_event"'


def render(pipeline: Pipeline, fleet: str) -> dict[str, str]:
    """Return the text of each file by its path."""
    branch = f'$CI_COMMIT_BRANCH == "{pipeline.ci.branch}"'
    document: dict[str, Any] = {
        "workflow": {"rules": [{"if": CHANGE}, {"if": branch}]},
        "stages": ["check", "change", "deploy"],
        "default": {"image": IMAGE},
        "variables": {"GIT_DEPTH": "0"},
    }
    document |= {job.name: _job(job, branch, pipeline.ci.audience) for job in pipeline.jobs}
    return {PATH: to_yaml(document, "gitlab", fleet)}


def _job(job: Job, branch: str, audience: str) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [{"if": CHANGE}] if job.on_change else []
    if job.on_branch:
        rules.append({"if": branch} | ({"when": "manual", "allow_failure": False} if job.approved else {}))
    found: dict[str, Any] = {"stage": "deploy" if job.stage else job.name, "rules": rules}
    # Without needs, a job would wait for all of the stage before, which has none for the branch.
    found["needs"] = list(job.needs)
    found["timeout"] = f"{job.timeout_minutes} minutes"
    if job.stage:
        found |= {"environment": {"name": job.stage}, "resource_group": f"mooring-{job.stage}"}
    if job.takes_token:
        found["id_tokens"] = {"AWS_ID_TOKEN": {"aud": audience}}
    found["script"] = [_script(step) for step in job.steps if not step.always]
    if ends := [step.run for step in job.steps if step.always]:
        found["after_script"] = ends
    if job.posts:
        paths = [f"{FOLDER}/*.json", f"{FOLDER}/comment.md"]
        found["artifacts"] = {"when": "always", "expire_in": "1 week", "paths": paths}
    return found


def _script(step: Step) -> str:
    """Return a step as a subshell: the variables of one step do not reach the next."""
    text = script(step, token="printf '%s' \"$AWS_ID_TOKEN\"", post=POST)
    return f"# {step.name}\n(\n{text}\n)"
