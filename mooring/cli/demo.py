"""``mooring demo``: the whole loop on an embedded AWS of its own, which it stops at the end."""

import os
from collections.abc import Sequence

import boto3
import click
from rich.console import Console

from mooring.cli.fleet import find
from mooring.cli.terminal import home
from mooring.demo import chapters
from mooring.demo.story import Story
from mooring.demo.year import tell_year
from mooring.deployed import DeployedEnvironment
from mooring.embedded import process

ENVIRONMENTS = ("arrivals-dev-us-east-1", "network-dev-eu-west-1")
SCHEDULE_SPEED = 360.0
"""The drift check is scheduled every hour; here an hour takes ten seconds."""


@click.command()
@click.option("--year", is_flag=True, help="Instead: one model's traffic from April to December, and what drift costs.")
def demo(year: bool) -> None:
    """Deploy two environments, train, serve, drift, retrain, release, reject; every claim is checked."""
    folder = home() / "demo"
    story = Story(Console())
    # The year asks for each of its checks itself.
    speed = 1.0 if year else SCHEDULE_SPEED
    with story.chapter("An AWS on this machine") as figures:
        with story.doing("starting the embedded AWS"):
            server = process.start(home=folder, port=process.free_port(), schedule_speed=speed)
        story.say(f"{server.url}: TLS, IAM enforced, loopback only; speed of schedules: {speed:.0f}")
        story.say(f"log: {server.log}")
        figures["process"] = str(server.pid)
    try:
        made = _year(_stage(story, server, ENVIRONMENTS[:1])) if year else _loop(_stage(story, server, ENVIRONMENTS))
    finally:
        process.stop(home=folder)
    story.end(
        {
            **made,
            "Stay and look around": 'mooring up, then eval "$(mooring env arrivals-dev-us-east-1)"; mooring status',
            "Your own account": "mooring bootstrap ENVIRONMENT && cdk deploy 'ENVIRONMENT-*' (README.md)",
        }
    )


def _loop(stage: chapters.Stage) -> dict[str, str]:
    """The whole loop; returns what it has made, as what and where."""
    chapters.deploy(stage, "Two teams, two accounts, two regions: deployed with the CDK CLI")
    chapters.first_champions(stage, "January to March: the first champions", range(1, 4))
    with chapters.constant_caller(stage) as caller:
        chapters.june(stage, caller)
        chapters.october(stage, caller)
    picture = chapters.provenance(stage)
    report = chapters.save_report(stage)
    return {
        "The last drift check's report": str(report),
        "The champion's lineage": str(picture),
        "The same, step by step": "docs/tutorial.md",
    }


def _year(stage: chapters.Stage) -> dict[str, str]:
    """A model's year; returns what it has made, as what and where."""
    chapters.deploy(stage, "One environment, deployed with the CDK CLI")
    chapters.first_champions(stage, "January to April: the champion that will grow old", range(1, 5))
    return {**tell_year(stage), "What it means": "docs/year-of-drift.md"}


def _stage(story: Story, server: process.Server, names: Sequence[str]) -> chapters.Stage:
    variables = {
        environment.id: process.variables(server, account=environment.account, region=environment.region)
        for environment in map(find, names)
    }
    # Every client of this process talks to the server; the accounts' keys go into sessions of their own.
    common = set.intersection(*(set(each.items()) for each in variables.values()))
    os.environ.update({name: value for name, value in common if name != "AWS_SECRET_ACCESS_KEY"})

    def deployed(name: str) -> DeployedEnvironment:
        of = variables[name]
        session = boto3.Session(
            aws_access_key_id=of["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=of["AWS_SECRET_ACCESS_KEY"],
            region_name=of["AWS_REGION"],
        )
        return DeployedEnvironment(find(name), session=session)

    arrivals, *others = map(deployed, names)
    return chapters.Stage(
        story=story,
        arrivals=arrivals,
        network=others[0] if others else None,
        variables=variables,
        home=server.home,
    )
