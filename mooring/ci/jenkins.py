"""Writes the pipeline for Jenkins, as a declarative Jenkinsfile of a multibranch project.

The token comes from the plugin OpenID Connect Provider: a credential of the kind "id token as file" with the id
``mooring-oidc``. The comment is posted to GitHub with the credential ``mooring-comment``, a secret text.
"""

from collections.abc import Iterator

from mooring.ci.model import FOLDER, Job, Pipeline, Step
from mooring.ci.scripts import post_to_github, script

PATH = "Jenkinsfile"
OIDC, COMMENT = "mooring-oidc", "mooring-comment"
HEADER = "// Made by `mooring ci init jenkins` from {fleet}. Change the fleet and make it anew with --force.\n"


def render(pipeline: Pipeline, fleet: str) -> dict[str, str]:
    """Return the text of each file by its path."""
    lines = ["pipeline {", "  agent none", "  options {", "    disableConcurrentBuilds()", "  }", "  stages {"]
    for job in pipeline.jobs:
        lines += (f"    {line}" for line in _stage(job, pipeline))
    lines += ["  }", "}"]
    return {PATH: HEADER.format(fleet=fleet) + "\n".join(lines) + "\n"}


def _stage(job: Job, pipeline: Pipeline) -> Iterator[str]:
    yield f"stage({_quoted(job.title)}) {{"
    yield from ("  agent any", "  options {", f"    timeout(time: {job.timeout_minutes}, unit: 'MINUTES')", "  }")
    if not (job.on_change and job.on_branch):
        condition = "changeRequest()" if job.on_change else f"branch {_quoted(pipeline.ci.branch)}"
        # A person is asked only where the stage runs, and before it takes an agent.
        before = ("    beforeAgent true", "    beforeInput true")
        yield from ("  when {", *before, f"    {condition}", "  }")
    if job.approved:
        yield from ("  input {", f"    message {_quoted(f'Deploy {job.stage}?')}", "  }")
    yield "  steps {"
    for step in job.steps:
        if not step.always:
            yield from (f"    {line}" for line in _step(step, pipeline.ci.repository))
    yield "  }"
    if ends := [step for step in job.steps if step.always]:
        yield from ("  post {", "    always {")
        for step in ends:
            yield from (f"      {line}" for line in _step(step, pipeline.ci.repository))
        if job.posts:
            yield f"      archiveArtifacts artifacts: '{FOLDER}/comment.md', allowEmptyArchive: true"
        yield from ("    }", "  }")
    yield "}"


def _step(step: Step, repository: str) -> Iterator[str]:
    """Yield a step: a script of Bash, with the credentials that it needs."""
    post = post_to_github(repository=repository, number="${CHANGE_ID:-}", token="GITHUB_TOKEN")
    body = script(step, token='cat "$MOORING_TOKEN"', post=post)
    text = f"#!/usr/bin/env bash\nset -euo pipefail\n{body}"
    call = f"sh(label: {_quoted(step.name)}, script: {_quoted(text)})"
    binding = ""
    if step.role:
        binding = f"file(credentialsId: '{OIDC}', variable: 'MOORING_TOKEN')"
    elif step.posts:
        binding = f"string(credentialsId: '{COMMENT}', variable: 'GITHUB_TOKEN')"
    yield from (f"withCredentials([{binding}]) {{", f"  {call}", "}") if binding else (call,)


def _quoted(text: str) -> str:
    """Return a string of Groovy in which nothing is replaced; that of a script keeps its lines.

    Examples
    --------
    >>> print(_quoted("echo 'a'"))
    'echo \\'a\\''
    """
    mark = "'''" if "\n" in text else "'"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"{mark}{escaped}{mark}"
