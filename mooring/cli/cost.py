"""``mooring cost``: what a fleet, an environment or a model costs a month, and each retraining."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from infra import fleet
from infra.cost import Bill, Item, Line, Part, Prices, costs_of, list_total, read_assembly, total
from infra.cost.prices import DEFAULT_REGION, FILE, unit_of
from mooring.cdk import fleet_file, synthesized
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.costs import Use, bill_with, read_use
from mooring.errors import MooringError

PARTS = {
    Part.ENVIRONMENT: "environments, idle",
    Part.MODEL: "models beside their endpoints, idle",
    Part.ENDPOINT: "endpoints",
    Part.RETRAINING: "retrainings of the month",
}
LEFT_OUT = (
    "Not in it: requests to endpoints and their capture, stored data, taxes; $1 more for the key after each of its "
    "first two yearly rotations; $0.30 a month for each of a few metrics, by the hour, while something is found."
)
ALLOWANCE = (
    "Free: what AWS never charges, once for an account, and once for all accounts of an organisation; other workloads "
    "may use it up."
)


@click.command()
@click.argument("name", required=False, metavar="[ENVIRONMENT|MODEL]")
@click.option(
    "--fleet",
    "other",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with this fleet file: what it costs more or less, by item.",
)
@click.option("--refresh-prices", is_flag=True, help="Write the table of prices anew from AWS's Pricing API.")
@json_option
def cost(name: str | None, other: Path | None, refresh_prices: bool, as_json: bool) -> None:
    """Print dollars a month of the fleet, of ENVIRONMENT or of MODEL, from the synthesized templates.

    With credentials of an environment, the retrainings of the last 30 days are counted and idle endpoints are named;
    without, retrainings are those that schedules start.

    \b
    Example:  mooring cost arrivals-dev-us-east-1
              mooring cost late-arrival --fleet cheaper.yaml
    """
    if refresh_prices:
        _refresh()
        return
    chosen, model = _select(fleet_file(), name)
    prices = Prices.load()
    with progress("Synthesizing the templates"):
        bill, use = _bill(fleet_file(), chosen, prices, deployed=other is None)
        compared = _bill(other, chosen, prices, deployed=False)[0] if other else None
    bill = _only(bill, model)
    if compared:
        _print_difference(bill, _only(compared, model), as_json=as_json)
    elif as_json:
        print_json(_document(bill, use, prices))
    else:
        _print_bill(bill, use, prices, {environment.names.id: environment for environment in chosen})


def _select(path: Path, name: str | None) -> tuple[list[fleet.FleetEnvironment], str | None]:
    """Return the environments that are named, and the model if a model is named."""
    try:
        environments = list(fleet.load(path).deployable().values())
    except fleet.FleetError as error:
        raise MooringError(str(error), remedy=f"correct {path}, and try again") from error
    if name is None:
        return environments, None
    if found := [environment for environment in environments if environment.names.id == name]:
        return found, None
    if found := [environment for environment in environments if name in _models(environment)]:
        return found, name
    models = sorted({model for environment in environments for model in _models(environment)})
    raise MooringError(
        f"there is no environment and no model {name!r} in {path.name}",
        remedy=f"use one of {', '.join(environment.names.id for environment in environments)}, {', '.join(models)}",
    )


def _models(environment: fleet.FleetEnvironment) -> list[str]:
    return [] if environment.is_tooling else [model.name for model in environment.team.models]


def _bill(path: Path, chosen: Sequence[fleet.FleetEnvironment], prices: Prices, *, deployed: bool) -> tuple[Bill, Use]:
    """Synthesize the chosen environments of a fleet file, and price them; read their use if they are deployed."""
    with synthesized(path, *(environment.names.id for environment in chosen)) as folder:
        stacks = read_assembly(folder)
    models = {environment.names: _models(environment) for environment in chosen if not environment.is_tooling}
    use = read_use(models, now=datetime.now(UTC)) if deployed else Use()
    return bill_with(costs_of(stacks), use, prices), use


def _only(bill: Bill, model: str | None) -> Bill:
    """Return the lines of one model, or all."""
    if model is None:
        return bill

    def of(lines: Iterable[Line]) -> tuple[Line, ...]:
        return tuple(line for line in lines if line.item.model == model)

    return Bill(
        standing=of(bill.standing),
        retrainings=of(bill.retrainings),
        per_retraining=of(bill.per_retraining),
        unknown=bill.unknown,
    )


def _print_bill(bill: Bill, use: Use, prices: Prices, environments: dict[str, fleet.FleetEnvironment]) -> None:
    columns = ("part", "model", "item", "quantity", "price", "list $", "free $", "$ a month")
    for environment in environments:
        lines = [line for line in bill.month if line.item.environment == environment]
        print_table(f"{environment}, a month", columns, _rows(lines))
    one = [line for line in bill.per_retraining if line.item.environment in environments]
    sums = [(label, *_sums([line for line in bill.month if line.item.part == part])) for part, label in PARTS.items()]
    print_table("Sums", ("of", "number", "list $", "$ a month", "list $ each", "$ each"), [*sums, ("all", *_all(bill))])
    retrained = {(line.item.environment, line.item.model) for line in one}
    rows = [
        (environment, model, f"{sum(line.list_usd for line in one if _place(line) == (environment, model)):.2f}")
        for environment, model in sorted(retrained)
    ]
    print_table("One retraining, with the release of its version", ("environment", "model", "list $"), rows)
    for note in _notes(bill, use, prices):
        click.echo(note)


def _place(line: Line) -> tuple[str, str]:
    return line.item.environment, line.item.model


def _rows(lines: Sequence[Line]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a table; models with the same items share theirs."""
    by_model: dict[tuple[Part, str], list[Line]] = {}
    for line in lines:
        by_model.setdefault((line.item.part, line.item.model), []).append(line)
    groups: dict[tuple[Any, ...], list[tuple[str, list[Line]]]] = {}
    for (part, model), some in by_model.items():
        same = (part, tuple((line.item.what, line.item.unit, line.item.quantity) for line in some))
        groups.setdefault(same, []).append((model, some))
    for (part, _), members in groups.items():
        who = members[0][0] if len(members) == 1 else f"{len(members):,} models"
        for lines_of_item in zip(*(some for _, some in members), strict=True):
            yield (part.value, who, *_cells(lines_of_item))


def _cells(lines: Sequence[Line]) -> Sequence[str]:
    item, each = lines[0].item, lines[0].usd_each
    unit = unit_of(item.unit)
    per = f" per {unit.per:,}" if unit.per > 1 else ""
    quantity = sum(line.item.quantity for line in lines)
    return (
        f"{item.what}{' ≈' if item.estimated else ''}",
        f"{quantity:,.4g} {unit.name}" if quantity < 1000 else f"{quantity:,.0f} {unit.name}",
        "no price" if each is None else f"{f'{each * unit.per:.10f}'.rstrip('0').rstrip('.')}{per}",
        *(f"{sum(values):,.4f}" for values in zip(*((x.list_usd, x.free_usd, x.usd) for x in lines), strict=True)),
    )


def _sums(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return the number of environments or models, the sums, and the mean of each."""
    count = len({_place(line) for line in lines})
    sums = (list_total(lines), total(lines))
    return (f"{count:,}", *(f"{usd:,.2f}" for usd in sums), *(f"{usd / count:,.4f}" if count else "" for usd in sums))


def _all(bill: Bill) -> tuple[str, ...]:
    return ("", f"{list_total(bill.month):,.2f}", f"{total(bill.month):,.2f}", "", "")


def _notes(bill: Bill, use: Use, prices: Prices) -> Iterator[str]:
    yield f"List prices of {prices.dated} ({prices.source}). {ALLOWANCE}"
    for region, units in bill.from_other_region.items():
        yield f"{region}: {len(units)} prices are not known and taken from {DEFAULT_REGION}: {', '.join(units)}"
    if bill.unpriced:
        yield f"Without a price, and not in the sums: {', '.join(bill.unpriced)}. Run: mooring cost --refresh-prices"
    if bill.unknown:
        yield f"Not priced, as no rule knows them: {', '.join(bill.unknown)}"
    guessed = sum(line.list_usd for line in bill.month if line.item.estimated)
    share = guessed / list_total(bill.month) if bill.month else 0
    yield (
        f"≈ rests on estimated seconds, sizes or requests, which may be off by half: "
        f"${guessed:,.2f} of the list prices ({share:.0%}), so ±${guessed / 2:,.2f}."
    )
    yield LEFT_OUT
    for reason in dict.fromkeys(use.unread.values()):
        unread = ", ".join(environment for environment, why in use.unread.items() if why == reason)
        yield f"Not read, so the retrainings are those that schedules start: {unread} ({reason})"
    for (environment, model), count in use.retrainings.items():
        checks = use.checks[environment, model]
        yield f"{environment} {model}: {count} retrainings and {checks:,} checks in the last 30 days"
    yield from _endpoints(bill, use)


def _endpoints(bill: Bill, use: Use) -> Iterator[str]:
    for place in sorted(use.absent):
        yield f"{' '.join(place)}: no endpoint yet, so none is in the sums"
    for place in sorted(use.idle):
        usd = list_total(line for line in bill.standing if _place(line) == place and line.item.part == Part.ENDPOINT)
        yield f"{' '.join(place)}: no request in 24 hours; its endpoint costs ${usd:,.2f} a month"


def _document(bill: Bill, use: Use, prices: Prices) -> dict[str, Any]:
    def lines(some: Iterable[Line]) -> list[dict[str, Any]]:
        return [
            {**asdict(line.item), "usd_each": line.usd_each, "priced_in": line.priced_in}
            | {"list_usd": line.list_usd, "free_usd": line.free_usd, "usd": line.usd}
            for line in some
        ]

    return {
        "prices_of": prices.dated,
        "month": lines(bill.month),
        "per_retraining": lines(bill.per_retraining),
        "totals": {part: {"list_usd": list_total(bill.month, part), "usd": total(bill.month, part)} for part in Part},
        "unpriced": bill.unpriced,
        "unknown_types": bill.unknown,
        "unread": dict(use.unread),
        "idle_endpoints": [{"environment": environment, "model": model} for environment, model in sorted(use.idle)],
        "notes": list(_notes(bill, use, prices)),
    }


def _print_difference(this: Bill, other: Bill, *, as_json: bool) -> None:
    """Print the items in which the two bills differ, at list prices; those of one retraining are items of their own."""
    ours, theirs = _by_item(this), _by_item(other)
    rows = [
        (*key, ours.get(key, 0.0), theirs.get(key, 0.0))
        for key in dict.fromkeys((*ours, *theirs))
        if abs(ours.get(key, 0.0) - theirs.get(key, 0.0)) >= 0.00005
    ]
    if as_json:
        names = ("environment", "part", "model", "item", "usd", "other_usd")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    shown = [(*row[:4], f"{row[4]:,.4f}", f"{row[5]:,.4f}", f"{row[5] - row[4]:+,.4f}") for row in rows]
    ours_usd, theirs_usd = list_total(this.standing), list_total(other.standing)
    gap = f"{theirs_usd - ours_usd:+,.2f}"
    shown.append(("all that stands", "", "", "", f"{ours_usd:,.2f}", f"{theirs_usd:,.2f}", gap))
    columns = ("environment", "part", "model", "item", "this, list $", "other, list $", "difference")
    print_table("Differences, a month or for one retraining", columns, shown)


def _by_item(bill: Bill) -> dict[tuple[str, str, str, str], float]:
    found: dict[tuple[str, str, str, str], float] = {}
    for line in (*bill.standing, *bill.per_retraining):
        key = _key(line.item)
        found[key] = found.get(key, 0.0) + line.list_usd
    return found


def _key(item: Item) -> tuple[str, str, str, str]:
    return item.environment, item.part.value, item.model, item.what


def _refresh() -> None:
    import boto3  # noqa: PLC0415 - only this needs the network

    from mooring.price_list import PRICING_REGION, refresh  # noqa: PLC0415

    environments, _ = _select(fleet_file(), None)
    regions = sorted({DEFAULT_REGION, *(environment.names.region for environment in environments)})
    with progress(f"Reading the prices of {', '.join(regions)}"):
        pricing = boto3.client("pricing", region_name=PRICING_REGION)
        found = refresh(Prices.load(), pricing, regions, today=datetime.now(UTC).date())
    FILE.write_text(found.prices.to_json(), encoding="utf-8")
    click.echo(f"Wrote {FILE} with the prices of {found.prices.dated} in {', '.join(regions)}")
    for region, units in found.kept.items():
        click.echo(f"{region}: AWS returned no price for {', '.join(units)}; an older one stays, if there is one")
