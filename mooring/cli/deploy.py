"""``mooring deploy``: deploy what differs from what is deployed."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from infra.fleet import FleetEnvironment
from mooring import cdk, deployments
from mooring.cli.fleet import find_deployable
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
@click.option(
    "--assembly",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Deploy from this cloud assembly, which a build made, instead of synthesizing one.",
)
@click.option("--dry-run", is_flag=True, help="Print the stacks that differ; deploy nothing.")
@json_option
def deploy(
    environments: tuple[str, ...], concurrency: int, assembly: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Deploy the stacks of each ENVIRONMENT, by default of all, that differ from what is deployed.

    A stack differs if its template, its tags or its protection does, or if its last deployment did not complete. The
    CDK's own cdk deploy deploys it; call the command again after a failure, and it continues.
    """
    begun = time.monotonic()
    chosen = find_deployable(environments)
    folder, variables = home() / "deploy", dict(os.environ)
    with progress(f"Synthesizing {', '.join(found.names.id for found in chosen)}") as update:
        if assembly is None:
            assembly = folder / "cdk.out"
            _synthesize(chosen, assembly, variables, folder / "synth.log", update)
        stacks = deployments.of_environments(deployments.read_assembly(assembly), [found.names.id for found in chosen])
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
                assembly,
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


def _synthesize(
    chosen: Sequence[FleetEnvironment],
    assembly: Path,
    variables: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None],
) -> None:
    ids = ",".join(found.names.id for found in chosen)
    arguments = ["synth", "--quiet", "--output", str(assembly), "--context", f"environment={ids}"]
    cdk.run(arguments, variables=variables, log=log, on_line=on_line)


def _print(found: list[deployments.Difference], stacks: int, seconds: float) -> None:
    click.echo(f"{len(found)} of {stacks:,} stacks differ from what is deployed ({seconds:.0f} s)")
    if found:
        print_table("To deploy", ("stack", "reason"), [(each.stack, each.reason) for each in found])
