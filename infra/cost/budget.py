"""Compares what an environment costs while idle with its monthly budget, at synth."""

from collections.abc import Iterable, Iterator, Mapping

from infra.cost.assembly import Stack
from infra.cost.bill import Line, bill_of, list_total
from infra.cost.items import costs_of
from infra.cost.prices import Prices

NAMED = 3
"""Number of the largest items that a warning names."""


def over_budget(stacks: Iterable[Stack], budgets: Mapping[str, int], prices: Prices) -> Iterator[str]:
    """Yield a warning for each environment whose standing list price exceeds its monthly budget in dollars."""
    by_environment: dict[str, list[Line]] = {}
    for line in bill_of(costs_of(stacks), prices, {}).standing:
        by_environment.setdefault(line.item.environment, []).append(line)
    for environment, lines in by_environment.items():
        if (needed := list_total(lines)) > (budget := budgets[environment]):
            yield (
                f"Warning: {environment} costs ${needed:,.0f} a month before any traffic or retraining, more than its "
                f"monthly_budget_usd of {budget:,}. Largest: {'; '.join(_largest(lines))}. Raise the budget, or choose "
                f"smaller or fewer instances; see all items: mooring cost {environment}"
            )


def _largest(lines: list[Line]) -> list[str]:
    found: dict[str, float] = {}
    for line in lines:
        what = f"{line.item.model} {line.item.what}".strip()
        found[what] = found.get(what, 0) + line.list_usd
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [f"{what} ${usd:,.2f}" for what, usd in ranked[:NAMED]]
