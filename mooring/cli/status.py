"""``mooring status``: the models of the fleet, worst first."""

import math
from collections import Counter
from collections.abc import Sequence

import click

from mooring.cli.fleet import find_all
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from mooring.fleet_status import ModelState, State, ordered, read_states
from pipelines.interface.codec import to_json

PAGE = 30
"""Number of models on a page: it fits one screen with the counts above it."""


@click.command()
@click.argument("environments", metavar="[ENVIRONMENT]...", nargs=-1)
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, help=f"Page of {PAGE} models to print.")
@json_option
def status(environments: tuple[str, ...], page: int, as_json: bool) -> None:
    """Print the models of each ENVIRONMENT, by default of all that your credentials reach, worst first.

    A model is failed (its last release or retraining), drifted (or its input is broken, or its quality lost), without a
    champion, without a recent check, or healthy. --json prints all models.
    """
    states: list[ModelState] = []
    unreached: list[MooringError] = []
    with progress("Reading the ledger"):
        for found in find_all(environments):
            try:
                states += read_states(DeployedEnvironment(found.names), [model.name for model in found.team.models])
            except MooringError as error:
                if environments:
                    raise
                unreached.append(error)
    if unreached and not states:
        raise unreached[0]
    states = ordered(states)
    counts = Counter(each.state for each in states)
    if as_json:
        print_json(
            {
                "counts": {str(state): counts[state] for state in State},
                "models": [
                    {"environment": each.environment, "state": each.state, "reason": each.reason}
                    | dict(to_json(each.status))
                    for each in states
                ],
                "unreached": [unshown.message for unshown in unreached],
            }
        )
        return
    summary = ", ".join(f"{counts[state]:,} {state}" for state in State)
    click.echo(f"{len(states):,} model{'s' * (len(states) != 1)}: {summary}")
    for unshown in unreached:
        click.echo(f"Not shown: {unshown.message}")
    _print(states, page)


def _print(states: Sequence[ModelState], page: int) -> None:
    pages = max(math.ceil(len(states) / PAGE), 1)
    if page > pages:
        raise MooringError(f"there is no page {page} of {len(states)} models", remedy=f"give a page from 1 to {pages}")
    rows = [
        (
            each.state,
            each.environment,
            each.status.model,
            "" if each.status.champion is None else each.status.champion,
            each.status.checked_to or "",
            each.reason,
        )
        for each in states[(page - 1) * PAGE : page * PAGE]
    ]
    title = f"Page {page} of {pages}" + (f"; the next: mooring status --page {page + 1}" if page < pages else "")
    print_table(title, ("state", "environment", "model", "version", "checked to", "reason"), rows)
