"""Prices items: quantity times list price, less what is free of charge, item by item."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from infra.cost.items import Costs, Item, Part
from infra.cost.prices import Prices


@dataclass(frozen=True, kw_only=True)
class Line:
    """An item with its price. ``free`` is what AWS takes off, in dollars; ``usd`` is None if the table has no price."""

    item: Item
    priced_in: str
    usd_each: float | None
    list_usd: float
    free_usd: float

    @property
    def usd(self) -> float:
        return self.list_usd - self.free_usd


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The lines of a month. ``per_retraining`` are the lines of one retraining of each model, at list prices."""

    standing: tuple[Line, ...]
    retrainings: tuple[Line, ...]
    per_retraining: tuple[Line, ...]
    unknown: tuple[str, ...] = ()

    @property
    def month(self) -> tuple[Line, ...]:
        return (*self.standing, *self.retrainings)

    @property
    def unpriced(self) -> list[str]:
        """Return the units without a price; the sums are without them."""
        lines = (*self.month, *self.per_retraining)
        return sorted({line.item.unit for line in lines if line.usd_each is None})

    @property
    def from_other_region(self) -> dict[str, list[str]]:
        """Return the units that were priced as in another region, by the item's region."""
        found: dict[str, set[str]] = {}
        for line in (*self.month, *self.per_retraining):
            if line.usd_each is not None and line.priced_in != line.item.region:
                found.setdefault(line.item.region, set()).add(line.item.unit)
        return {region: sorted(units) for region, units in sorted(found.items())}


def bill_of(costs: Costs, prices: Prices, retrainings: Mapping[tuple[str, str], float]) -> Bill:
    """Return the bill of a month; ``retrainings`` are their numbers by (environment, model).

    What AWS does not charge for is taken off in the order of the items: it is one allowance for an account, and for all
    accounts of an organisation together.
    """
    left = dict(prices.free_per_month)
    standing = tuple(_line(item, prices, left) for item in _merged(costs.standing))
    one = _merged(costs.retraining)
    repeated = [
        replace(item, quantity=item.quantity * times)
        for item in one
        if (times := retrainings.get((item.environment, item.model), 0))
    ]
    return Bill(
        standing=standing,
        retrainings=tuple(_line(item, prices, left) for item in repeated),
        per_retraining=tuple(_line(item, prices, {}) for item in one),
        unknown=costs.unknown,
    )


def total(lines: Iterable[Line], part: Part | None = None) -> float:
    """Return the sum in dollars, of one part or of all."""
    return sum(line.usd for line in lines if part in (None, line.item.part))


def list_total(lines: Iterable[Line], part: Part | None = None) -> float:
    """Return the sum at list prices."""
    return sum(line.list_usd for line in lines if part in (None, line.item.part))


def _line(item: Item, prices: Prices, left: dict[str, float]) -> Line:
    price = prices.find(item.unit, item.region)
    if price is None:
        return Line(item=item, priced_in="", usd_each=None, list_usd=0.0, free_usd=0.0)
    free = min(left.get(item.unit, 0.0), item.quantity)
    if free:
        left[item.unit] -= free
    return Line(
        item=item,
        priced_in=price.region,
        usd_each=price.usd,
        list_usd=item.quantity * price.usd,
        free_usd=free * price.usd,
    )


def _merged(items: Iterable[Item]) -> list[Item]:
    """Return the items with equal ones added up, in order of their first."""
    found: dict[Item, float] = {}
    for item in items:
        key = replace(item, quantity=0)
        found[key] = found.get(key, 0) + item.quantity
    return [replace(key, quantity=quantity) for key, quantity in found.items()]
