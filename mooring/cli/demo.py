"""``mooring demo``: the whole loop on an embedded AWS, which is stopped at the end unless ``--keep`` is given."""

import os
from collections.abc import Sequence

import boto3
import click
from rich.console import Console

from mooring.cli.fleet import find_deployable
from mooring.cli.terminal import home
from mooring.demo import chapters, promotion
from mooring.demo.story import Story
from mooring.demo.year import tell_year
from mooring.deployed import DeployedEnvironment
from mooring.embedded import process
from mooring.errors import MooringError

ENVIRONMENTS = ("arrivals-dev-us-east-1", "network-dev-eu-west-1")
LATER = ("arrivals-staging-us-east-1", "arrivals-prod-us-east-1")
TOOLING = "arrivals-tooling-us-east-1"
SCHEDULE_SPEED = 360.0
"""Factor by which schedules run faster: the hourly drift check runs every ten seconds."""


@click.command()
@click.option(
    "--year", is_flag=True, help="Run one model from April to December instead, and measure the cost of drift."
)
@click.option("--keep", is_flag=True, help="Keep the embedded AWS running at the end, as mooring up does.")
def demo(year: bool, keep: bool) -> None:
    """Deploy two environments, train, serve, drift, retrain, release, reject, promote; every claim is checked."""
    folder = home() if keep else home() / "demo"
    if keep and process.running(folder):
        raise MooringError(
            "the embedded AWS is already running, and the demo needs an empty one",
            remedy="stop it, which deletes everything in it: mooring down",
        )
    story = Story(Console())
    # The year calls each of its checks itself.
    speed = 1.0 if year else SCHEDULE_SPEED
    with story.chapter("An AWS on this machine") as figures:
        with story.doing("starting the embedded AWS"):
            port = process.DEFAULT_PORT if keep else process.free_port()
            server = process.start(home=folder, port=port, schedule_speed=speed)
        story.say(f"{server.url}: TLS, IAM enforced, loopback only; speed of schedules: {speed:.0f}")
        story.say(f"log: {server.log}")
        figures["process"] = str(server.pid)
    try:
        made = _year(_stage(story, server, ENVIRONMENTS[:1])) if year else _loop(story, server)
    except BaseException:
        process.stop(home=folder)
        raise
    if not keep:
        process.stop(home=folder)
    story.end({**made, **(_LOOK_AROUND if keep else _KEEP), "Your own account": "docs/how-to/deploy-to-aws.md"})


_LOOK_AROUND = {
    "Use it from this terminal": f'eval "$(mooring env {ENVIRONMENTS[0]})"',
    "List its stacks and endpoints": "mooring embedded",
    "Show the champion's record": f"mooring show {ENVIRONMENTS[0]} {chapters.MODEL}",
    "Print the last retraining's logs": f"mooring logs {ENVIRONMENTS[0]} {chapters.MODEL}",
    "Stop it": "mooring down",
}
_KEEP = {"Keep it running at the end": "make demo KEEP=1"}


def _loop(story: Story, server: process.Server) -> dict[str, str]:
    """Run the whole loop; return the files that it wrote, by their titles."""
    stage = _stage(story, server, ENVIRONMENTS)
    chapters.deploy(stage, "Two teams, two accounts, two regions: deployed with the CDK CLI")
    chapters.first_champions(stage, "January to March: the first champions", range(1, 4))
    with chapters.constant_caller(stage) as caller:
        chapters.june(stage, caller)
        chapters.october(stage, caller)
    picture = chapters.provenance(stage)
    report = chapters.save_report(stage)
    promotion.promoted(
        stage,
        _deployed(server, TOOLING, person=chapters.ENGINEER),
        _deployed(server, TOOLING, person=chapters.APPROVER),
        [_deployed(server, name) for name in LATER],
    )
    return {
        "The last drift check's report": str(report),
        "The champion's lineage": str(picture),
        "The same, step by step": "docs/tutorial.md",
    }


def _year(stage: chapters.Stage) -> dict[str, str]:
    """Run a model's year; return the files that it wrote, by their titles."""
    chapters.deploy(stage, "One environment, deployed with the CDK CLI")
    chapters.first_champions(stage, "January to April: the champion of the year", range(1, 5))
    return {**tell_year(stage), "What it means": "docs/year-of-drift.md"}


def _stage(story: Story, server: process.Server, names: Sequence[str]) -> chapters.Stage:
    every = (*ENVIRONMENTS, *LATER, TOOLING)
    variables = {name: _variables(server, name) for name in every}
    # All clients of this process call the server; each account's keys are in a session of their own.
    common = set.intersection(*(set(each.items()) for each in variables.values()))
    os.environ.update({name: value for name, value in common if name != "AWS_SECRET_ACCESS_KEY"})
    arrivals, *others = (_deployed(server, name) for name in names)
    return chapters.Stage(
        story=story,
        arrivals=arrivals,
        network=others[0] if others else None,
        variables=variables,
        home=server.home,
    )


def _variables(server: process.Server, name: str) -> dict[str, str]:
    (found,) = find_deployable((name,))
    return process.variables(server, account=found.names.account, region=found.names.region)


def _deployed(server: process.Server, name: str, *, person: str | None = None) -> DeployedEnvironment:
    (found,) = find_deployable((name,))
    of = _variables(server, name)
    session = boto3.Session(
        aws_access_key_id=of["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=of["AWS_SECRET_ACCESS_KEY"],
        region_name=of["AWS_REGION"],
    )
    return DeployedEnvironment(found.names, session=session, person=person)
