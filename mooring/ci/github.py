"""Writes the pipeline for GitHub Actions."""

from typing import Any

from mooring.ci.comment import MARKER
from mooring.ci.model import FOLDER, Job, Pipeline, Step
from mooring.ci.scripts import TOKEN_FILE, role_variables
from mooring.ci.yaml_text import to_yaml

PATH = ".github/workflows/mooring.yml"
CHECKOUT, VERSION = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"
"""The only action that the workflow uses, at the commit of its tag: a tag can be moved, a commit cannot."""
RUNNER = "ubuntu-24.04"
OWN = "github.event.pull_request.head.repo.full_name == github.repository"
"""True for a pull request of the repository itself: GitHub gives one of a fork neither token."""
POST = f"""\
cat {FOLDER}/comment.md >> "$GITHUB_STEP_SUMMARY"
if [ "$FROM_FORK" = true ]; then exit 0; fi
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
mine='.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("{MARKER}"))) | .id'
id=$(gh api --paginate "$comments" --jq "$mine" | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field body=@{FOLDER}/comment.md --silent
else
  gh api --method POST "$comments" --field body=@{FOLDER}/comment.md --silent
fi"""


def render(pipeline: Pipeline, fleet: str) -> dict[str, str]:
    """Return the text of each file by its path."""
    branch = pipeline.ci.branch
    document = {
        "name": "mooring",
        "on": {"pull_request": {"branches": [branch]}, "push": {"branches": [branch]}},
        "permissions": {},
        "defaults": {"run": {"shell": "bash"}},
        "jobs": {job.name: _job(job, pipeline.ci.audience) for job in pipeline.jobs},
    }
    return {PATH: to_yaml(document, "github", fleet).replace(CHECKOUT, f"{CHECKOUT} # {VERSION}")}


def _job(job: Job, audience: str) -> dict[str, Any]:
    permissions = {"contents": "read"}
    if job.takes_token:
        permissions["id-token"] = "write"
    if job.posts:
        permissions["pull-requests"] = "write"
    found: dict[str, Any] = {"name": job.title}
    if not (job.on_change and job.on_branch):
        found["if"] = f"github.event_name == '{'pull_request' if job.on_change else 'push'}'"
    if job.needs:
        found["needs"] = list(job.needs)
    if job.approved:
        found["environment"] = job.stage
    if job.posts:
        # Two runs of one change would write each other's comment.
        group = f"mooring-{job.name}-${{{{ github.event.pull_request.number }}}}"
        found["concurrency"] = {"group": group, "cancel-in-progress": True}
    if job.stage:
        found["concurrency"] = {"group": f"mooring-{job.name}", "cancel-in-progress": False}
    found |= {"runs-on": RUNNER, "timeout-minutes": job.timeout_minutes, "permissions": permissions}
    # The whole history holds the target branch, so that no step needs git's credentials.
    history = {"fetch-depth": 0} if job.posts else {}
    checkout = {"uses": CHECKOUT, "with": {"persist-credentials": False, **history}}
    return found | {"steps": [checkout, *(_step(step, audience, on_change=job.on_change) for step in job.steps)]}


def _step(step: Step, audience: str, *, on_change: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": step.name}
    if step.always:
        found["if"] = "always()"
    elif step.role and on_change:
        found["if"] = OWN
    run = step.run
    if step.role:
        found["env"] = role_variables(step.role)
        address = f'"$ACTIONS_ID_TOKEN_REQUEST_URL&audience={audience}"'
        header = '--header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN"'
        token = f"curl --silent --show-error --fail {header} {address} | jq --exit-status --raw-output .value"
        run = f"{token} > {TOKEN_FILE}\n{run}"
    if step.posts:
        found["env"] = {
            "FROM_FORK": "${{ github.event.pull_request.head.repo.fork }}",
            "GH_TOKEN": "${{ github.token }}",
            "NUMBER": "${{ github.event.pull_request.number }}",
        }
        run = f"{run}\n{POST}"
    return found | {"run": run}
