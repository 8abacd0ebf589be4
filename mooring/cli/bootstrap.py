"""``mooring bootstrap``: prepare an environment's account and region for ``cdk deploy``."""

import os

import boto3
import click

from mooring.bootstrap import POLICY_NAME
from mooring.bootstrap import bootstrap as prepare
from mooring.cli.fleet import find
from mooring.cli.terminal import home, json_option, print_json, progress
from mooring.errors import MooringError
from pipelines.interface.names import ENVIRONMENT_TAG


@click.command()
@click.argument("environment")
@json_option
def bootstrap(environment: str, as_json: bool) -> None:
    """Prepare ENVIRONMENT's account and region for cdk deploy, with a policy narrower than AdministratorAccess."""
    found = find(environment)
    account = boto3.client("sts", region_name=found.region).get_caller_identity()["Account"]
    if account != found.account:
        raise MooringError(
            f"{found.id} is in account {found.account}, your credentials in {account}",
            remedy=f'use credentials of that account; embedded: eval "$(mooring env {found.id})"',
        )
    log = home() / f"bootstrap-{found.id}.log"
    with progress(f"cdk bootstrap aws://{found.account}/{found.region}") as update:
        prepare(found, variables=dict(os.environ), log=log, on_line=update)
    if as_json:
        print_json({"account": found.account, "region": found.region, "policy": POLICY_NAME})
    else:
        click.echo(f"aws://{found.account}/{found.region} is ready. Next: cdk deploy '{found.id}-*'")
        click.echo(f"A day later, so that the budget counts: activate the cost allocation tag {ENVIRONMENT_TAG}.")
