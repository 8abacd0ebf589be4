"""What a deployment costs a month more or less, by model: the bill of ``mooring cost`` before and after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.cost import Bill, Line, Part, Prices, Stack, costs_of, list_total, total
from mooring.costs import Use, bill_with
from mooring.plan.records import CostChange

CENT_PARTS = 0.00005
"""Smallest difference in dollars that is one: floats of equal bills may differ in their last digits."""


@dataclass(frozen=True, kw_only=True)
class Costed:
    """A stack with its template before and after; ``serves`` if its model has an endpoint."""

    name: str
    environment: str
    model: str
    region: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    serves: bool


def cost_changes(stacks: Sequence[Costed], prices: Prices) -> dict[str, tuple[CostChange, ...]]:
    """Return the cost of each model and, with the model "", of what an environment's models share, where it differs.

    Retrainings are those that schedules start. AWS's free allowances are taken off once from all the environments.
    """
    absent = frozenset((one.environment, one.model) for one in stacks if one.model and not one.serves)
    olds = [_stack(one, one.before) for one in stacks if one.before is not None]
    news = [_stack(one, one.after) for one in stacks]
    before, after, later = (
        _by_place(bill_with(costs_of(some), use, prices))
        for some, use in ((olds, Use(absent=absent)), (news, Use(absent=absent)), (news, Use()))
    )
    found: dict[str, list[CostChange]] = {}
    for place in sorted({*before, *after, *later}):
        environment, model = place
        old, new = before.get(place, []), after.get(place, [])
        endpoint = list_total(later.get(place, []), Part.ENDPOINT) if place in absent else 0.0
        change = CostChange(
            model=model,
            list_usd_before=list_total(old),
            list_usd_after=list_total(new),
            usd_before=total(old),
            usd_after=total(new),
            at_release_usd=endpoint,
        )
        differs = abs(change.list_usd_after - change.list_usd_before) + abs(change.usd_after - change.usd_before)
        if differs >= CENT_PARTS or (endpoint and _is_changed(stacks, place)):
            found.setdefault(environment, []).append(change)
    return {environment: tuple(changes) for environment, changes in found.items()}


def _is_changed(stacks: Sequence[Costed], place: tuple[str, str]) -> bool:
    return any((one.environment, one.model) == place and one.before != one.after for one in stacks)


def _stack(one: Costed, template: Mapping[str, Any] | None) -> Stack:
    return Stack(
        name=one.name, environment=one.environment, model=one.model, region=one.region, template=dict(template or {})
    )


def _by_place(bill: Bill) -> dict[tuple[str, str], list[Line]]:
    found: dict[tuple[str, str], list[Line]] = {}
    for line in bill.month:
        found.setdefault((line.item.environment, line.item.model), []).append(line)
    return found
