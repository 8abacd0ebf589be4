"""The dated table of AWS's list prices in ``prices.json``, and what is free of charge for ever.

``mooring cost --refresh-prices`` writes the table anew from AWS's Pricing API.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

FILE = Path(__file__).with_name("prices.json")
DEFAULT_REGION = "us-east-1"
"""Region whose price stands in for one that the table lacks."""
INSTANCE = "ml."
"""Beginning of the units that are an hour of a SageMaker instance type, such as ``ml.m5.large``."""


@dataclass(frozen=True)
class Unit:
    """Unit of a price: its name, and how many of it the price is for, as AWS quotes it."""

    name: str
    per: int = 1


UNITS = {
    "alarm": Unit("alarm metrics"),
    "archive_gb": Unit("GB archived"),
    "bucket_gb": Unit("GB-months"),
    "dashboard": Unit("dashboards"),
    "email": Unit("e-mails", 100_000),
    "event": Unit("events", 1_000_000),
    "function_gb_s": Unit("GB-seconds"),
    "function_request": Unit("calls", 1_000_000),
    "get_request": Unit("GET requests", 1_000),
    "key": Unit("keys"),
    "key_request": Unit("requests", 10_000),
    "list_request": Unit("PUT and LIST requests", 1_000),
    "log_gb": Unit("GB ingested"),
    "metric": Unit("custom metrics"),
    "metric_read": Unit("metrics read", 1_000),
    "queue_request": Unit("requests", 1_000_000),
    "schedule_call": Unit("calls", 1_000_000),
    "table_backup_gb": Unit("GB-months"),
    "table_gb": Unit("GB-months"),
    "table_read": Unit("read units", 1_000_000),
    "table_write": Unit("write units", 1_000_000),
    "transition": Unit("state transitions", 1_000),
    "volume_gb": Unit("GB-months"),
}


def unit_of(name: str) -> Unit:
    """Return the unit with this name; every instance type is one."""
    return Unit("instance hours") if name.startswith(INSTANCE) else UNITS[name]


@dataclass(frozen=True, kw_only=True)
class Price:
    """The price of one unit in dollars. ``region`` is where it was taken from."""

    usd: float
    region: str


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The prices by region and unit. ``free_per_month`` is what AWS never charges, per account or organisation."""

    dated: str
    source: str
    free_per_month: Mapping[str, float]
    regions: Mapping[str, Mapping[str, float]]

    @classmethod
    def load(cls, path: Path = FILE) -> Self:
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def to_json(self) -> str:
        return json.dumps(vars(self), indent=1, sort_keys=True) + "\n"

    def find(self, unit: str, region: str) -> Price | None:
        """Return a unit's price in a region, else that of ``DEFAULT_REGION``; None if the table has neither."""
        for place in (region, DEFAULT_REGION):
            quoted = self.regions.get(place, {}).get(unit)
            if quoted is not None:
                return Price(usd=quoted / unit_of(unit).per, region=place)
        return None
