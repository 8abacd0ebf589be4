"""``mooring adopt``: takes resources that exist into an environment's stacks."""

import os
import tempfile
from pathlib import Path
from typing import Any

import click

from mooring import cdk
from mooring.cli.fleet import find
from mooring.cli.terminal import home, json_option, print_json, progress
from mooring.environments.adoption import StackAdoption, adopt, plan_adoption, read_tags, read_templates
from mooring.environments.caller import caller_services


@click.command("adopt", short_help="Take resources that exist into an environment's stacks.")
@click.argument("environment")
@click.option("--plan", "plan_only", is_flag=True, help="Print what exists and would be adopted; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def adopt_existing(environment: str, plan_only: bool, yes: bool, as_json: bool) -> None:
    """Take what exists of ENVIRONMENT into the stacks that would create it: buckets, ledger, key, packages, endpoints.

    CloudFormation imports them, and changes none. Needed before "cdk deploy" after "mooring env down", for a model that
    comes back after "mooring retire", and for an endpoint whose stack was deleted. With --json, nothing is adopted
    without --yes.

    \b
    Example:  mooring adopt arrivals-dev-us-east-1 --plan
    """
    names = find(environment)
    services = caller_services(names)
    with progress(f"Looking for resources of {environment}"), tempfile.TemporaryDirectory(prefix="mooring-") as folder:
        cdk.run(
            ["synth", "--quiet", "--output", folder, "--context", f"environment={environment}"],
            variables=dict(os.environ),
            log=home() / f"synth-{environment}.log",
        )
        planned = plan_adoption(services, read_templates(Path(folder), names), read_tags(Path(folder)))
    if as_json:
        if planned and yes and not plan_only:
            adopt(services, planned)
        print_json({"done": bool(planned and yes and not plan_only), "stacks": plan_document(planned)})
        return
    if not planned:
        click.echo(f"{environment}: nothing exists that its stacks would create. Next: cdk deploy '{environment}-*'")
        return
    for adoption in planned:
        click.echo(f"Into {'the new stack' if adoption.is_new else 'stack'} {adoption.stack}:")
        for one in adoption.imports:
            click.echo(f"  {one.type} {' '.join(one.identifier.values())}")
    if plan_only:
        return
    if not yes:
        click.confirm("Adopt them? They stay as they are", abort=True)
    with progress(f"Adopting into {environment}") as update:
        adopt(services, planned, lambda step: update(f"Adopting into {environment}: {step}"))
    click.echo(
        f"{sum(len(each.imports) for each in planned)} resources are adopted. Next: cdk deploy '{environment}-*'"
    )


def plan_document(planned: list[StackAdoption]) -> list[dict[str, Any]]:
    """Return a plan as JSON for programs."""
    return [
        {
            "stack": adoption.stack,
            "new": adoption.is_new,
            "imports": [
                {"logical_id": one.logical_id, "type": one.type, "identifier": dict(one.identifier)}
                for one in adoption.imports
            ],
        }
        for adoption in planned
    ]
