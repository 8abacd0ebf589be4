"""``mooring lineage``: traces a version, commit or endpoint, as text, JSON or a picture."""

from pathlib import Path

import click

from mooring.cli.fleet import datasets_by_model, find
from mooring.cli.terminal import json_option, print_json, progress
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.views.lineage import svg, text
from pipelines.views.lineage.graph import Graph
from pipelines.views.lineage.subject import UnknownSubjectError, find_subject
from pipelines.views.lineage.trace import trace


@click.command()
@click.argument("environment")
@click.argument("subject")
@click.option(
    "--svg", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Write the picture to this file."
)
@json_option
def lineage(environment: str, subject: str, picture: Path | None, as_json: bool) -> None:
    """Trace SUBJECT to its origin and its uses: commit, run, jobs, package, releases, checks.

    SUBJECT is a version (late-arrival/2, or the package's ARN), a run (late-arrival/RUN), a commit (at least six digits
    of its id, or flights/3f2a1c) or an endpoint (its name, or the model's).

    \b
    Examples:  mooring lineage arrivals-dev-us-east-1 late-arrival
               mooring lineage arrivals-dev-us-east-1 3f2a1c9d --svg lineage.svg
    """
    graph = traced(DeployedEnvironment(find(environment)), environment, subject)
    if picture:
        picture.write_text(svg.render(graph), encoding="utf-8")
    if as_json:
        print_json(graph.to_document())
        return
    click.echo(text.render(graph), nl=False)
    if picture:
        click.echo(f"\nThe picture: {picture}")


def traced(deployed: DeployedEnvironment, environment: str, subject: str) -> Graph:
    """Return the lineage of ``subject``, read under the auditor's role.

    Raises
    ------
    MooringError
        There is no such subject.
    """
    services = deployed.services("auditor")
    with progress(f"Tracing {subject}"):
        try:
            return trace(services, find_subject(subject, services, datasets_by_model(environment)))
        except UnknownSubjectError as error:
            raise MooringError(
                str(error),
                remedy=f"list what there is: mooring show {environment} MODEL, mooring data log {environment} DATASET",
            ) from error
