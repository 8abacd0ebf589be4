"""``mooring deploy``: deploy what differs from what is deployed."""

import os
import time
from collections import Counter
from dataclasses import asdict

import click

from mooring import cdk, deployments
from mooring.cli.fleet import find_all
from mooring.cli.terminal import home, json_option, print_json, print_table, progress

CONCURRENCY = 4
"""Number of stacks that are deployed at a time: CloudFormation throttles a caller that does much more."""


@click.command()
@click.argument("environments", metavar="[ENVIRONMENT]...", nargs=-1)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 20),
    default=CONCURRENCY,
    show_default=True,
    help="Number of stacks that are deployed at a time.",
)
@click.option("--dry-run", is_flag=True, help="Print the stacks that differ; deploy nothing.")
@json_option
def deploy(environments: tuple[str, ...], concurrency: int, dry_run: bool, as_json: bool) -> None:
    """Deploy the stacks of each ENVIRONMENT, by default of all, that differ from what is deployed.

    A stack differs if its template, its tags or its protection does, or if its last deployment did not complete. The
    CDK's own cdk deploy deploys it; call the command again after a failure, and it continues.
    """
    begun = time.monotonic()
    names = [found.names.id for found in find_all(environments)]
    folder, variables = home() / "deploy", dict(os.environ)
    with progress(f"Synthesizing {', '.join(names)}") as update:
        arguments = ["synth", "--quiet", "--output", str(folder / "cdk.out")]
        cdk.run(
            [*arguments, "--context", f"environment={','.join(names)}"],
            variables=variables,
            log=folder / "synth.log",
            on_line=update,
        )
        stacks = deployments.read_assembly(folder / "cdk.out")
        update("Listing the deployed stacks")
        found = deployments.differences(stacks, deployments.list_deployed)
        deployments.refuse_changed_types(stacks, found, deployments.new_client)
    if not as_json:
        _print(found, len(stacks), time.monotonic() - begun)
    if found and not dry_run:
        deployed = Counter[str]()

        def count(stack: str) -> None:
            deployed[stack] += 1
            update(f"Deploying: {len(deployed)} of {len(found)} stacks, last {stack}")

        with progress(f"Deploying {len(found)} stacks") as update:
            deployments.deploy(
                folder / "cdk.out",
                [difference.stack for difference in found],
                concurrency=concurrency,
                variables=variables,
                log=folder / "deploy.log",
                on_deployed=count,
            )
    if as_json:
        differing = [asdict(difference) for difference in found]
        print_json({"stacks": len(stacks), "differing": differing, "deployed": bool(found) and not dry_run})
    elif found and not dry_run:
        click.echo(f"Deployed {len(found)} stacks in {time.monotonic() - begun:.0f} s")


def _print(found: list[deployments.Difference], stacks: int, seconds: float) -> None:
    click.echo(f"{len(found)} of {stacks:,} stacks differ from what is deployed ({seconds:.0f} s)")
    if found:
        print_table("To deploy", ("stack", "reason"), [(each.stack, each.reason) for each in found])
