"""``mooring reproduce``: train a version again from what was recorded of it, and compare."""

import getpass
from typing import Any

import click

from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment, Execution
from mooring.errors import MooringError
from pipelines.aws.clients import read_settings
from pipelines.datasets.commits.commits import InvalidCommitError, NoDataError
from pipelines.flows.retraining.reproduction import REPRODUCED, NotReproducibleError, plan_again, read_original


@click.command()
@click.argument("environment")
@click.argument("model")
@click.argument("version", type=click.IntRange(1))
@click.option("--reason", default="asked for", show_default=True, help="Why; it is recorded.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who asks; it is recorded.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the end, and print the comparison.")
@json_option
def reproduce(environment: str, model: str, version: int, reason: str, by: str, waits: bool, as_json: bool) -> None:
    """Train VERSION of MODEL again from its recorded commit, code, image and parameters, and compare the two.

    Nothing is registered, and neither the model's cooldown nor its daily budget is touched. Metrics are compared
    within 1e-9 of their size; rows and artifact by digests of their content. Exits with 1 if the metrics differ.

    \b
    Example:  mooring reproduce arrivals-dev-us-east-1 late-arrival 2 --wait
    """
    deployed = DeployedEnvironment(find(environment, model=model))
    require_reproducible(deployed, model, version)
    arn = deployed.start_reproduction(model, version, by=by, reason=reason)
    if not waits:
        if as_json:
            print_json({"execution": arn})
        else:
            click.echo(f"Reproducing {model} v{version}. Watch it: mooring lineage {environment} {model}/{version}")
        return
    with progress(f"Reproducing {model} v{version}: {arn.rpartition(':')[2]}"):
        execution = deployed.wait_for(arn)
    comparison = comparison_of(execution, f"{model} v{version}")
    if as_json:
        print_json({"execution": arn, "status": execution.status, "comparison": comparison})
    else:
        _print(f"{model} v{version}", comparison)
    if comparison["outcome"] != REPRODUCED:
        raise MooringError(
            f"{model} v{version} was not reproduced: {'; '.join(comparison['differences'])}",
            remedy=f"compare the two runs: mooring lineage {environment} {model}/{version}",
        )


def require_reproducible(deployed: DeployedEnvironment, model: str, version: int) -> None:
    """Refuse before anything is started what the flow would refuse as well.

    Raises
    ------
    MooringError
        The version, its recipe or its commit is not there, or the commit was rewritten to forget something.
    """
    services = deployed.services("auditor")
    try:
        original = read_original(services, deployed.model(model), deployed.package_arn(model, version))
        plan_again(services, read_settings(services, model), original)
    except (NotReproducibleError, NoDataError, InvalidCommitError) as error:
        raise MooringError(
            str(error), remedy=f"see what became of it: mooring lineage {deployed.environment.id} {model}/{version}"
        ) from error


def comparison_of(execution: Execution, what: str) -> dict[str, Any]:
    """What an ended execution found.

    Raises
    ------
    MooringError
        It failed, or was refused because another run of the model is under way.
    """
    if execution.output.get("comparison"):
        return dict(execution.output["comparison"])
    refused = execution.output.get("failure", {}).get("Cause")
    raise MooringError(
        f"{what} was not compared; the execution {execution.status.lower()}: {refused or execution.cause}",
        remedy=f"if another run was under way, try again after it; else look at {execution.arn}",
    )


def _print(what: str, comparison: dict[str, Any]) -> None:
    exactly = "exactly " if comparison["exact"] else ""
    verdict = f"reproduced: metrics {exactly}equal" if comparison["outcome"] == REPRODUCED else "not reproduced"
    parts = ", ".join(f"{part.replace('_', ' ')} {comparison[part]}" for part in _PARTS)
    click.echo(f"{what} is {verdict}; {parts}")
    rows = [(name, pair["recorded"], pair["reproduced"]) for name, pair in comparison["metrics"].items()]
    print_table("Metrics", ("metric", "recorded", "reproduced"), rows)


_PARTS = ("artifact", "training_rows", "holdout_rows")
