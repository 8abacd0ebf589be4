"""Prices the synthesized templates: pure arithmetic on resources, estimates of use and a dated table of prices."""

from infra.cost.assembly import Stack, read_assembly
from infra.cost.bill import Bill, Line, bill_of, list_total, total
from infra.cost.budget import over_budget
from infra.cost.items import Costs, Item, Part, costs_of
from infra.cost.prices import Prices

__all__ = [
    "Bill",
    "Costs",
    "Item",
    "Line",
    "Part",
    "Prices",
    "Stack",
    "bill_of",
    "costs_of",
    "list_total",
    "over_budget",
    "read_assembly",
    "total",
]
