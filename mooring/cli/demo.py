"""``mooring demo``: the whole loop on an embedded AWS of its own, which it stops at the end."""

import os

import boto3
import click
from rich.console import Console

from mooring.cli.fleet import find
from mooring.cli.terminal import home
from mooring.demo import chapters
from mooring.demo.story import Story
from mooring.deployed import Deployed
from mooring.local import process

ENVIRONMENTS = ("arrivals-dev-us-east-1", "network-dev-eu-west-1")
SCHEDULE_SPEED = 360.0
"""The drift check is scheduled every hour; here an hour takes ten seconds."""


@click.command()
def demo() -> None:
    """Deploy two environments, train, serve, drift, retrain, release, reject; every claim is checked."""
    folder = home() / "demo"
    story = Story(Console())
    with story.chapter("An AWS on this machine") as figures:
        with story.doing("starting the embedded AWS"):
            server = process.start(home=folder, port=process.free_port(), schedule_speed=SCHEDULE_SPEED)
        story.say(f"{server.url}: TLS, IAM enforced, loopback only; schedules run {SCHEDULE_SPEED:.0f} times as fast")
        story.say(f"log: {server.log}")
        figures["process"] = str(server.pid)
    try:
        stage = _stage(story, server)
        chapters.deploy(stage)
        chapters.first_champions(stage)
        with chapters.constant_caller(stage) as caller:
            chapters.june(stage, caller)
            chapters.october(stage, caller)
        picture = chapters.provenance(stage)
        report = chapters.save_report(stage)
    finally:
        process.stop(home=folder)
    story.end(
        {
            "The last drift check's report": str(report),
            "The champion's lineage": str(picture),
            "Stay and look around": 'mooring up, then eval "$(mooring env arrivals-dev-us-east-1)"; mooring status',
            "The same, step by step": "docs/tutorial.md",
            "Your own account": "mooring bootstrap ENVIRONMENT && cdk deploy 'ENVIRONMENT-*' (README.md)",
        }
    )


def _stage(story: Story, server: process.Server) -> chapters.Stage:
    arrivals, network = (find(name) for name in ENVIRONMENTS)
    variables = {
        environment.id: process.variables(server, account=environment.account, region=environment.region)
        for environment in (arrivals, network)
    }
    # Every client of this process talks to the server; the accounts' keys go into sessions of their own.
    common = set.intersection(*(set(each.items()) for each in variables.values()))
    os.environ.update({name: value for name, value in common if name != "AWS_SECRET_ACCESS_KEY"})

    def deployed(name: str) -> Deployed:
        of = variables[name]
        session = boto3.Session(
            aws_access_key_id=of["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=of["AWS_SECRET_ACCESS_KEY"],
            region_name=of["AWS_REGION"],
        )
        return Deployed(find(name), session=session)

    return chapters.Stage(
        story=story,
        arrivals=deployed(arrivals.id),
        network=deployed(network.id),
        variables=variables,
        home=server.home,
    )
