"""``mooring retire``: ends a model in an environment."""

import re
from collections.abc import Iterator
from typing import Any

import click

from infra.fleet.spec import NAME
from mooring.cdk import fleet_file
from mooring.cli.fleet import datasets_by_model, find
from mooring.cli.terminal import json_option, print_json, progress
from mooring.environments.caller import caller_services
from mooring.environments.erasure import Belongings
from mooring.environments.retirement import RetirementPlan, plan_retirement, retire
from mooring.environments.stacks import Stacks
from mooring.errors import MooringError
from pipelines.interface.codec import to_json

MIB = 1024 * 1024


@click.command("retire", short_help="End a model: endpoint, schedules, settings and stacks.")
@click.argument("environment")
@click.argument("model", required=False)
@click.option("--erase", is_flag=True, help="Erase its packages, files and records as well, for ever.")
@click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def retire_model(environment: str, model: str | None, erase: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """End MODEL in ENVIRONMENT: its endpoint, schedules, settings and stacks, in fleet.yaml or not.

    Without MODEL it lists the stacks whose model has left fleet.yaml: cdk destroy does not find them.

    Its packages, files and records stay, unless --erase takes them. Run it with the credentials that deploy the
    environment. A killed command is repeated: it continues. With --json, nothing is deleted without --yes.

    \b
    Example:  mooring retire arrivals-dev-us-east-1 late-arrival --dry-run
    """
    names = find(environment)
    if model is None:
        _list_orphans(environment, as_json=as_json)
        return
    if not re.fullmatch(NAME, model):
        raise MooringError(f"{model!r} is not a model's name", remedy="use small letters, digits and dashes")
    services, in_fleet = caller_services(names), model in datasets_by_model(environment)
    with progress(f"Looking for {model} in {environment}"):
        plan = plan_retirement(services, names.model(model))
    _require_known(plan, environment, in_fleet)
    nothing = plan.is_empty and not (erase and not plan.belongings.is_empty)
    if not as_json:
        for line in plan_in_words(plan, erase=erase):
            click.echo(line)
    if nothing or dry_run or (as_json and not yes):
        if as_json:
            print_json({"done": False, **plan_document(plan, erase=erase)})
        return
    if not yes:
        click.confirm("Erase it for ever?" if erase else "Retire it?", abort=True)
    with progress(f"Retiring {model}") as update:
        done = retire(services, plan, erased=erase, on_step=lambda step: update(f"Retiring {model}: {step}"))
    if as_json:
        print_json({"done": True, **plan_document(plan, erase=erase), "record": to_json(done), "in_fleet": in_fleet})
        return
    click.echo(f"{model} is retired from {environment}. Record: {done.retirement_id}")
    if in_fleet:
        click.echo(
            f"Do this: take {model} out of {fleet_file()}, before the next cdk deploy: it would deploy the model again"
        )


def _list_orphans(environment: str, *, as_json: bool) -> None:
    stacks = Stacks(caller_services(find(environment))).listed()
    orphans = [stack for stack in stacks if stack.model and stack.model not in datasets_by_model(environment)]
    if as_json:
        print_json([{"stack": stack.name, "model": stack.model, "status": stack.status} for stack in orphans])
        return
    if not orphans:
        click.echo(f"{environment}: the model of every stack is in {fleet_file()}.")
    for stack in orphans:
        click.echo(f"{stack.name} ({stack.status}): {stack.model} has left {fleet_file()}")
        click.echo(f"  Do this: mooring retire {environment} {stack.model}")


def _require_known(plan: RetirementPlan, environment: str, in_fleet: bool) -> None:
    if plan.is_empty and plan.belongings.is_empty and not in_fleet:
        raise MooringError(
            f"there is no model {plan.model.name!r} in {environment}: neither deployed, nor in the fleet, nor recorded",
            remedy=f"list the stacks whose model has left the fleet: mooring retire {environment}",
        )


def plan_in_words(plan: RetirementPlan, *, erase: bool) -> Iterator[str]:
    """Yield the lines of a plan."""
    if plan.is_empty:
        yield f"{plan.model.id}: nothing is deployed."
    else:
        yield f"To delete of {plan.model.id}:"
        for stack in plan.stacks:
            yield f"  stack {stack.name}{' (its termination protection is switched off)' if stack.protected else ''}"
        if plan.endpoint:
            yield f"  endpoint {plan.endpoint}, which serves {plan.champion or 'an unknown package'}"
        yield from (f"  endpoint config {name}" for name in plan.leftovers.configs)
        yield from (f"  SageMaker model {name}" for name in plan.leftovers.models)
        yield from (f"  {name}, taken out of stack {plan.registry}" for name in plan.parts)
        if plan.parameter:
            yield f"  parameter {plan.parameter}"
    belongings = plan.belongings
    if erase:
        yield f"To erase for ever: {belongings_in_words(belongings)}"
    elif not belongings.is_empty:
        yield f"Stays: {belongings_in_words(belongings)}"


def belongings_in_words(belongings: Belongings) -> str:
    """Return what a model has produced, in one line."""
    log_group = f", log group {belongings.log_group}" if belongings.log_group else ""
    return (
        f"packages: {belongings.packages}, versions of files of runs, checks, traffic and labels: "
        f"{belongings.versions:,} ({belongings.size_bytes / MIB:,.1f} MiB), ledger records: {belongings.records:,}"
        f"{log_group}"
    )


def plan_document(plan: RetirementPlan, *, erase: bool) -> dict[str, Any]:
    """Return a plan as JSON for programs."""
    return {
        "model": plan.model.id,
        "stacks": [stack.name for stack in plan.stacks],
        "endpoint": plan.endpoint,
        "endpoint_configs": list(plan.leftovers.configs),
        "models": list(plan.leftovers.models),
        "registry": plan.registry,
        "parts": list(plan.parts),
        "parameter": plan.parameter,
        "champion": plan.champion,
        "erase": erase,
        "belongings": {
            "packages": plan.belongings.packages,
            "versions": plan.belongings.versions,
            "size_bytes": plan.belongings.size_bytes,
            "records": plan.belongings.records,
            "log_group": plan.belongings.log_group,
        },
    }
