"""``mooring env ENVIRONMENT`` prints variables; ``mooring env down ENVIRONMENT`` takes an environment down."""

from collections.abc import Iterator
from typing import Any

import click

from mooring.cli.embedded import env as print_variables
from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, print_json, progress
from mooring.environments.caller import caller_services
from mooring.environments.kept import KEY_WINDOW_DAYS, Kept
from mooring.environments.sweep import Found
from mooring.environments.takedown import TakedownPlan, erase_all_kept, plan_takedown, take_down
from mooring.errors import MooringError

MIB = 1024 * 1024
REPEAT = "repeat the command; if the same is left then, delete it yourself, and report it"


class EnvGroup(click.Group):
    """A group that prints variables when it gets an environment's id instead of a command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "env", print_variables, args


@click.command(
    cls=EnvGroup, context_settings={"ignore_unknown_options": True}, subcommand_metavar="ENVIRONMENT|ACCOUNT"
)
def env() -> None:
    """Print the variables for boto3, the AWS CLI and cdk to use one account and region of the embedded AWS.

    ENVIRONMENT is an id of fleet.yaml, such as arrivals-dev-us-east-1; ACCOUNT is any account id of 12 digits, with
    --region REGION. --json prints JSON; --proxy also leads clients that ignore AWS_ENDPOINT_URL through a proxy, for a
    terminal of its own.

    \b
    Example:  eval "$(mooring env arrivals-dev-us-east-1)"
    """


@env.command(short_help="Delete an environment's stacks and endpoints; data and ledger stay.")
@click.argument("environment")
@click.option("--erase", is_flag=True, help="Erase what stays as well, for ever; asks for the environment's id.")
@click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation; --erase still does.")
@json_option
def down(environment: str, erase: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take ENVIRONMENT down: delete its stacks and endpoints, in order, and show that nothing else is left.

    Buckets, ledger, key, event archives, packages and release states stay, and the plan says what they go on costing.
    "mooring adopt" and "cdk deploy" take the environment up again, with the champions that served. Run it with the
    credentials that deploy the environment. A killed command is repeated: it continues.

    \b
    Example:  mooring env down arrivals-dev-us-east-1 --dry-run
    """
    services = caller_services(find(environment))
    with progress(f"Looking for {environment}") as update:
        plan = plan_takedown(services, lambda step: update(f"Looking for {environment}: {step}"))
    if not as_json:
        for line in plan_in_words(plan, environment, erase=erase):
            click.echo(line)
    if dry_run or (plan.is_empty and not (erase and plan.kept)) or (as_json and not yes):
        if as_json:
            print_json({"done": False, **plan_document(plan)})
        return
    _confirm(environment, erase=erase, yes=yes)
    with progress(f"Taking {environment} down") as update:
        left = take_down(services, plan, lambda step: update(f"Taking {environment} down: {step}"))
        _require_nothing(left, environment)
        if erase:
            left = erase_all_kept(services, lambda step: update(f"Erasing {environment}: {step}"))
            _require_nothing(left, environment)
    if as_json:
        print_json({"done": True, "erased": erase, **plan_document(plan)})
    elif erase:
        click.echo(
            f"{environment} is erased: a sweep of all services finds nothing. AWS deletes its key in {KEY_WINDOW_DAYS} "
            "days; until then: aws kms cancel-key-deletion"
        )
    else:
        click.echo(f"{environment} is down: a sweep of all services finds nothing but what stays.")
        click.echo(f"Take it up again: mooring adopt {environment}, then cdk deploy '{environment}-*'")


def _confirm(environment: str, *, erase: bool, yes: bool) -> None:
    if erase:
        typed = click.prompt(f"Type {environment} to erase its data, ledger and key for ever", err=True)
        if typed.strip() != environment:
            raise MooringError(f"{typed!r} is not {environment}: nothing was changed", remedy="repeat the command")
    elif not yes:
        click.confirm("Take it down?", abort=True)


def _require_nothing(left: list[Found], environment: str) -> None:
    if left:
        listed = ", ".join(f"{found.kind} {found.name}" for found in left[:10])
        raise MooringError(f"{len(left)} resources of {environment} are left behind: {listed}", remedy=REPEAT)


def plan_in_words(plan: TakedownPlan, environment: str, *, erase: bool) -> Iterator[str]:
    """Yield the lines of a plan."""
    if plan.is_empty:
        yield f"{environment} is down: there is no stack and no endpoint."
    else:
        yield f"To delete of {environment}, in this order:"
        for stack in plan.endpoint_stacks:
            yield f"  stack {stack.name}{_protection(stack.protected)}"
        yield from (f"  {found.kind} {found.name}" for found in plan.serving)
        for group in plan.groups:
            yield from (f"  stack {stack.name}{_protection(stack.protected)}" for stack in group)
    if plan.kept:
        what = "To erase for ever" if erase else "Stays, for about"
        yield f"{what}{'' if erase else f' ${plan.monthly_usd:.2f} a month (list prices of us-east-1)'}:"
        yield from (f"  {kept_in_words(kept)}" for kept in plan.kept)


def kept_in_words(kept: Kept) -> str:
    """Return one line about a resource that stays."""
    size = "" if kept.size_bytes is None else f", {kept.size_bytes / MIB:,.1f} MiB"
    cost = f", ${kept.monthly_usd:.2f} a month" if kept.monthly_usd >= 0.005 else ""
    return f"{kept.kind} {kept.name}{size}{cost}"


def _protection(protected: bool) -> str:
    return " (its termination protection is switched off)" if protected else ""


def plan_document(plan: TakedownPlan) -> dict[str, Any]:
    """Return a plan as JSON for programs."""
    return {
        "stacks": [stack.name for stack in plan.stacks],
        "serving": [{"kind": found.kind, "name": found.name} for found in plan.serving],
        "kept": [
            {
                "kind": kept.kind,
                "name": kept.name,
                "size_bytes": kept.size_bytes,
                "monthly_usd": round(kept.monthly_usd, 4),
            }
            for kept in plan.kept
        ],
        "kept_monthly_usd": round(plan.monthly_usd, 2),
    }
