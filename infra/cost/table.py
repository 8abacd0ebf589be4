"""The table of costs in README.md, made from the templates of the example fleet by ``make golden``."""

from collections.abc import Iterable, Iterator, Sequence

from infra.cost.assembly import Stack
from infra.cost.bill import Line, bill_of, list_total, total
from infra.cost.items import Part, costs_of
from infra.cost.prices import Prices

BEGIN, END = "<!-- costs: made by `make golden` -->", "<!-- end of costs -->"
SHOWN = 0.005
"""Smallest price of an item that has a place of its own."""
ROWS = (
    (Part.ENVIRONMENT, "dev", "environment, idle"),
    (Part.MODEL, "dev", "each model beside its endpoint, idle"),
    (Part.ENDPOINT, "dev", "its endpoint in dev"),
    (Part.ENDPOINT, "prod", "its endpoint in prod"),
    (Part.RETRAINING, "dev", "one retraining, with the release of its version"),
)


def page(text: str, stacks: Sequence[Stack], prices: Prices, team: str, region: str) -> str:
    """Return a page with the costs of a team's environments of dev and prod, with one model each, between its marks."""
    before, _, rest = text.partition(BEGIN)
    table = "\n".join(_table(stacks, prices, team, region))
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


def _table(stacks: Sequence[Stack], prices: Prices, team: str, region: str) -> Iterator[str]:
    yield "| | items | list $ | to pay |"
    yield "|---|---|---|---|"
    for part, stage, label in ROWS:
        environment = f"{team}-{stage}-{region}"
        bill = bill_of(costs_of(stack for stack in stacks if stack.environment == environment), prices, {})
        lines = [line for line in (*bill.standing, *bill.per_retraining) if line.item.part == part]
        yield f"| {label} | {', '.join(_items(lines))} | {list_total(lines):.2f} | {total(lines):.2f} |"


def _items(lines: Iterable[Line]) -> Iterator[str]:
    found: dict[str, float] = {}
    estimated: dict[str, bool] = {}
    for line in lines:
        what = line.item.what
        found[what] = found.get(what, 0.0) + line.list_usd
        estimated[what] = estimated.get(what, False) or line.item.estimated
    large = [what for what, usd in found.items() if usd >= SHOWN]
    for what in sorted(large, key=lambda each: -found[each]):
        yield f"{what} {'≈ ' if estimated[what] else ''}{found[what]:.2f}"
    if rest := sum(usd for what, usd in found.items() if what not in large):
        yield f"all else {rest:.3f}"
