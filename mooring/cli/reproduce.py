"""``mooring reproduce``: trains a version again from its record, and compares the two."""

import getpass

import click

from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment, StateMachineRun
from mooring.errors import MooringError
from pipelines.datasets.commits.commits import InvalidCommitError, NoDataError
from pipelines.flows.retraining.original import NotReproducibleError, read_original, recorded_sources
from pipelines.interface.codec import read, to_json
from pipelines.interface.records import Comparison, RunOutcome


@click.command()
@click.argument("environment")
@click.argument("model")
@click.argument("version", type=click.IntRange(1))
@click.option("--reason", default="requested", show_default=True, help="Reason; it is recorded.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Your name; it is recorded.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the end, and print the comparison.")
@json_option
def reproduce(environment: str, model: str, version: int, reason: str, by: str, waits: bool, as_json: bool) -> None:
    """Train VERSION of MODEL again from its recorded commit, code, image and parameters, and compare the two.

    Nothing is registered, and the model's cooldown and daily budget are not used. Metrics are compared within 1e-9 of
    their size; rows and artifact by digests of their content. With --wait the exit code is 1 if metrics or rows differ.

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
            click.echo(f"Reproducing {model} v{version}. See it: mooring lineage {environment} {model}/{version}")
        return
    with progress(f"Reproducing {model} v{version}: {arn.rpartition(':')[2]}"):
        execution = deployed.wait_for(arn)
    comparison = comparison_of(execution, f"{model} v{version}")
    if as_json:
        print_json({"execution": arn, "status": execution.status, "comparison": to_json(comparison)})
    else:
        _print(f"{model} v{version}", comparison)
    if comparison.outcome != RunOutcome.REPRODUCED:
        raise MooringError(
            f"{model} v{version} was not reproduced: {'; '.join(comparison.differences)}",
            remedy=f"compare the two runs: mooring lineage {environment} {model}/{version}",
        )


def require_reproducible(deployed: DeployedEnvironment, model: str, version: int) -> None:
    """Check that a version can be reproduced, as the flow does, before a run is started.

    Raises
    ------
    MooringError
        The version, its recipe or its commit does not exist, or the commit was rewritten to forget data.
    """
    services = deployed.services("auditor")
    try:
        names = deployed.environment.model(model)
        original = read_original(services, names, names.package_arn(version))
        recorded_sources(services, services.settings(model), original)
    except (NotReproducibleError, NoDataError, InvalidCommitError) as error:
        raise MooringError(
            str(error), remedy=f"see its record: mooring lineage {deployed.environment.id} {model}/{version}"
        ) from error


def comparison_of(execution: StateMachineRun, what: str) -> Comparison:
    """Return the comparison in an ended execution's output.

    Raises
    ------
    MooringError
        The execution failed, or was refused because another run of the model is under way.
    """
    if execution.output.get("comparison"):
        return read(Comparison, execution.output["comparison"])
    refused = execution.output.get("failure", {}).get("Cause")
    raise MooringError(
        f"{what} was not compared; the execution {execution.status.lower()}: {refused or execution.cause}",
        remedy=f"if another run is under way, try again after its end; else see the execution {execution.arn}",
    )


def _print(what: str, comparison: Comparison) -> None:
    exactly = "exactly " if comparison.exact else ""
    is_same = comparison.outcome == RunOutcome.REPRODUCED
    verdict = f"reproduced: metrics {exactly}equal" if is_same else "not reproduced"
    parts = {
        "artifact": comparison.artifact,
        "training rows": comparison.training_rows,
        "holdout rows": comparison.holdout_rows,
    }
    click.echo(f"{what} is {verdict}; {', '.join(f'{part} {same}' for part, same in parts.items())}")
    rows = [(name, pair.recorded, pair.reproduced) for name, pair in comparison.metrics.items()]
    print_table("Metrics", ("metric", "recorded", "reproduced"), rows)
