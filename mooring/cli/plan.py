"""``mooring plan``: what ``mooring deploy`` would change, in the words of ML; it changes nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence

import click

from infra.cost import Prices
from infra.fleet import FleetEnvironment
from mooring.cdk import fleet_file, synthesized
from mooring.cli.fleet import find_all
from mooring.cli.terminal import json_option, plain, print_json, print_table, progress
from mooring.errors import MooringError
from mooring.plan.build import make_plan
from mooring.plan.deployed import Reader
from mooring.plan.records import Action, CostChange, EnvironmentPlan, Plan, ResourceChange
from pipelines.interface.codec import to_json

CHANGES = 2
"""Exit code if a deployment would change something."""
COSTS = ("model", "list $ before", "list $ after", "difference", "$ to pay before", "$ to pay after", "difference")


class PlanCommand(click.Command):
    """A command whose usage errors exit with 1, because 2 says that there are changes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise MooringError(error.format_message(), remedy=f"see {ctx.command_path} --help") from error


@click.command(cls=PlanCommand)
@click.argument("name", required=False, metavar="[ENVIRONMENT|STAGE]")
@json_option
@click.pass_context
def plan(context: click.Context, name: str | None, as_json: bool) -> None:
    """Print what a deployment of the fleet, of ENVIRONMENT or of a STAGE would change; change nothing.

    Each changed property is a replacement of its resource, an interruption, or neither, by CloudFormation's rules.
    Costs are dollars a month. Exit codes: 0 no changes, 2 changes, 1 an error.

    \b
    Example:  mooring plan arrivals-dev-us-east-1
              mooring plan prod --json
    """
    chosen = _select(name)
    ids = [environment.names.id for environment in chosen]
    with progress("Synthesizing the templates") as update, synthesized(fleet_file(), *ids) as folder:
        update("Reading what is deployed")
        found = make_plan(chosen, folder, Prices.load(), Reader())
    if as_json:
        print_json(to_json(found))
    else:
        for environment in found.environments:
            _print(environment)
        click.echo(_summary(found))
    context.exit(CHANGES if found.changes else 0)


def _select(name: str | None) -> list[FleetEnvironment]:
    environments = find_all([])
    if name is None:
        return environments
    if found := [each for each in environments if name in (each.names.id, each.names.stage)]:
        return found
    ids = [each.names.id for each in environments]
    stages = list(dict.fromkeys(each.names.stage for each in environments))
    raise MooringError(
        f"there is no environment and no stage {name!r} in {fleet_file().name}",
        remedy=f"use one of {', '.join((*stages, *ids))}",
    )


def _print(environment: EnvironmentPlan) -> None:
    click.echo(environment.environment)
    if not environment.changes:
        click.echo("  no changes")
    for line in _lines(environment):
        click.echo(f"  {plain(line)}")
    click.echo()
    if rows := list(_rows(environment)):
        print_table("Resources", ("stack", "action", "effect", "resources", "properties"), rows)
    if environment.costs:
        print_table("Dollars a month", COSTS, [_cost(change) for change in environment.costs])


def _lines(environment: EnvironmentPlan) -> Iterator[str]:
    """Yield a line for the environment and for each model that changes, with what becomes of its endpoint."""
    by_model: dict[str, list[str]] = {}
    for sentence in environment.sentences:
        text = f"{sentence.text}, {sentence.when}" if sentence.when else sentence.text
        by_model.setdefault(sentence.model, []).append(text)
    endpoints = {each.model: each for each in environment.endpoints}
    for model, each in endpoints.items():
        if not each.untouched:
            by_model.setdefault(model, [])
    for model, texts in by_model.items():
        ending = [endpoints[model].text] if model in endpoints else []
        yield f"{model or 'all models'}: {'; '.join((*texts, *ending))}"
    if environment.changes and all(each.untouched for each in environment.endpoints):
        yield "No endpoint is touched."


def _rows(environment: EnvironmentPlan) -> Iterator[Sequence[object]]:
    """Yield the changed resources; those with the same changes share a row."""
    for stack in environment.stacks:
        if stack.action == Action.LEAVE:
            continue
        groups = Counter(_group(resource) for resource in stack.resources)
        for (action, effect, kind, paths), count in groups.items():
            yield stack.name, action, effect, f"{count} {kind}" if count > 1 else kind, paths


def _group(resource: ResourceChange) -> tuple[str, str, str, str]:
    kind = resource.type.removeprefix("AWS::")
    paths = ", ".join(change.path for change in (*resource.properties, *resource.attributes))
    if resource.action == Action.REMOVE:
        return resource.action, "kept" if resource.kept else "deleted", kind, ""
    if resource.action == Action.ADD:
        return resource.action, "", kind, ""
    certain = all(change.certain for change in resource.properties)
    effect = f"{'' if certain else 'may '}{resource.effect}{', the old one is kept' if resource.kept else ''}"
    return resource.action, f"{effect}; will be refused" if resource.refused else effect, kind, paths


def _cost(change: CostChange) -> tuple[str, ...]:
    later = f" (+ {change.at_release_usd:,.2f} with its endpoint)" if change.at_release_usd else ""
    listed, paid = (change.list_usd_before, change.list_usd_after), (change.usd_before, change.usd_after)
    cells = [(f"{old:,.2f}", f"{new:,.2f}", f"{new - old:+,.2f}") for old, new in (listed, paid)]
    return (f"{change.model or 'all models'}{later}", *cells[0], *cells[1])


def _summary(found: Plan) -> str:
    changed = [each for each in found.environments if each.changes]
    resources = [
        resource
        for environment in changed
        for stack in environment.stacks
        for resource in stack.resources
        if resource.touched
    ]
    counts = Counter(
        "replace" if each.action == Action.CHANGE and each.effect == "replace" else each.action.value
        for each in resources
    )
    if not changed:
        return "No changes."
    words = ", ".join(f"{count} to {action}" for action, count in counts.items()) or "no resource touched"
    costs = [change for each in changed for change in each.costs]
    gap = sum(change.list_usd_after - change.list_usd_before for change in costs)
    paid = sum(change.usd_after - change.usd_before for change in costs)
    return (
        f"{len(changed)} of {len(found.environments)} environments would change: {words}. "
        f"List prices of {found.prices_of}: {gap:+,.2f} dollars a month, {paid:+,.2f} to pay."
    )
