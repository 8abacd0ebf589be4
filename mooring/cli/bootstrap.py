"""``mooring bootstrap``: prepare an environment's account and region for ``cdk deploy``."""

import os

import boto3
import click

from mooring.bootstrap import bootstrap as prepare
from mooring.bootstrap import neighbours
from mooring.cli.fleet import find_deployable
from mooring.cli.terminal import home, json_option, print_json, progress
from mooring.errors import MooringError
from pipelines.interface.names import ENVIRONMENT_TAG


@click.command()
@click.argument("environment")
@json_option
def bootstrap(environment: str, as_json: bool) -> None:
    """Prepare ENVIRONMENT's account and region for cdk deploy, with policies narrower than AdministratorAccess.

    It writes the policies of all environments that the fleet has there, and names what was changed since.
    """
    found = find_deployable([environment])[0].names
    account = boto3.client("sts", region_name=found.region).get_caller_identity()["Account"]
    if account != found.account:
        raise MooringError(
            f"{found.id} is in account {found.account}, your credentials in {account}",
            remedy=f'use credentials of that account; embedded: eval "$(mooring env {found.id})"',
        )
    log = home() / f"bootstrap-{found.id}.log"
    with progress(f"cdk bootstrap aws://{found.account}/{found.region}") as update:
        renewed = prepare(found, variables=dict(os.environ), log=log, on_line=update)
    environments = [each.id for each in neighbours(found)]
    if as_json:
        print_json(
            {
                "account": found.account,
                "region": found.region,
                "environments": environments,
                "renewed": [str(each) for each in renewed],
            }
        )
    else:
        for each in renewed:
            click.echo(f"renewed, because it differed from what this checkout writes: {each}")
        click.echo(f"aws://{found.account}/{found.region} is ready for {', '.join(environments)}.")
        click.echo(f"Next: cdk deploy '{found.id}-*'")
        click.echo(f"A day later, so that the budget counts: activate the cost allocation tag {ENVIRONMENT_TAG}.")
