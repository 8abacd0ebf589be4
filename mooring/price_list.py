"""Reads AWS's list prices from its Pricing API, for the table in ``infra/cost/prices.json``.

A product is found by the end of its usage type, such as ``EU-Requests-Tier1``: its beginning is a region's code. Units
that the API does not return keep their old price, and are named.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from infra.cost import Prices
from infra.cost.prices import unit_of

PRICING_REGION = "us-east-1"
"""Region of the Pricing API's endpoint; it answers for all regions."""
INSTANCES = re.compile(r"(?:^|-)(?:Host|Train|Processing):(ml\.[a-z0-9-]+\.[a-z0-9]+)$")


@dataclass(frozen=True)
class Product:
    """The service and the end of the usage type that a unit of the table has."""

    service: str
    usage: str
    group: str = ""


PRODUCTS: Mapping[str, Product] = {
    "alarm": Product("AmazonCloudWatch", "CW:AlarmMonitorUsage"),
    "archive_gb": Product("AWSEvents", "ArchivedEvents-Bytes"),
    "bucket_gb": Product("AmazonS3", "TimedStorage-ByteHrs"),
    "dashboard": Product("AmazonCloudWatch", "DashboardsUsageHour"),
    "email": Product("AmazonSNS", "DeliveryAttempts-SMTP"),
    "event": Product("AWSEvents", "Event-64K-Chunks"),
    "function_gb_s": Product("AWSLambda", "Lambda-GB-Second", "AWS-Lambda-Duration"),
    "function_request": Product("AWSLambda", "Request", "AWS-Lambda-Requests"),
    "get_request": Product("AmazonS3", "Requests-Tier2"),
    "key": Product("awskms", "KMS-Keys"),
    "key_request": Product("awskms", "KMS-Requests"),
    "list_request": Product("AmazonS3", "Requests-Tier1"),
    "log_gb": Product("AmazonCloudWatch", "DataProcessing-Bytes"),
    "metric": Product("AmazonCloudWatch", "CW:MetricMonitorUsage"),
    "metric_read": Product("AmazonCloudWatch", "CW:GMD-Metrics"),
    "queue_request": Product("AWSQueueService", "Requests-Tier1"),
    "schedule_call": Product("AWSEvents", "ScheduledInvocation"),
    "table_backup_gb": Product("AmazonDynamoDB", "TimedPITRStorage-ByteHrs"),
    "table_gb": Product("AmazonDynamoDB", "TimedStorage-ByteHrs"),
    "table_read": Product("AmazonDynamoDB", "ReadRequestUnits"),
    "table_write": Product("AmazonDynamoDB", "WriteRequestUnits"),
    "transition": Product("AmazonStates", "StateTransition"),
    "volume_gb": Product("AmazonSageMaker", "Host:VolumeUsage.gp2"),
}


class Pricing(Protocol):
    """The part of boto3's client of the Pricing API that is used."""

    def get_paginator(self, operation: str, /) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """The new table; ``kept`` are the units by region whose old price stays, because the API has none."""

    prices: Prices
    kept: Mapping[str, list[str]] = field(default_factory=dict)


def refresh(old: Prices, pricing: Pricing, regions: list[str], *, today: date) -> Refreshed:
    """Return the table with the prices of today in these regions."""
    table = {region: dict(units) for region, units in old.regions.items()}
    kept = {}
    for region in regions:
        found = _prices(pricing, region)
        table.setdefault(region, {}).update(found)
        if missing := sorted({*old.regions.get(region, {}), *PRODUCTS} - {*found}):
            kept[region] = missing
    new = Prices(dated=today.isoformat(), source="AWS's Pricing API", free_per_month=old.free_per_month, regions=table)
    return Refreshed(prices=new, kept=kept)


def _prices(pricing: Pricing, region: str) -> dict[str, float]:
    """Return the prices of one region by unit, as AWS quotes them."""
    found: dict[str, float] = {}
    services = sorted({product.service for product in PRODUCTS.values()})
    for service in services:
        for entry in _products(pricing, service, region):
            attributes, usd = entry["product"]["attributes"], _first_charge(entry)
            if usd is None:
                continue
            for unit in _units(service, attributes):
                quoted = round(usd * unit_of(unit).per, 10)
                # Hosting, training and processing mostly cost the same; the dearest of them is kept.
                found[unit] = max(quoted, found.get(unit, 0.0)) if unit.startswith("ml.") else quoted
    return found


def _products(pricing: Pricing, service: str, region: str) -> Iterator[dict[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    for page in pricing.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters):
        yield from (json.loads(text) for text in page["PriceList"])


def _units(service: str, attributes: Mapping[str, str]) -> Iterator[str]:
    usage = attributes.get("usagetype", "")
    for unit, product in PRODUCTS.items():
        ends = usage == product.usage or usage.endswith(f"-{product.usage}")
        if product.service == service and ends and product.group in ("", attributes.get("group")):
            yield unit
    if service == "AmazonSageMaker" and (instance := INSTANCES.search(usage)):
        yield instance[1]


def _first_charge(entry: Mapping[str, Any]) -> float | None:
    """Return the price per unit of the first tier that is not free; None if there is none."""
    tiers = [
        (float(dimension["beginRange"]), float(dimension["pricePerUnit"].get("USD", 0)))
        for offer in entry.get("terms", {}).get("OnDemand", {}).values()
        for dimension in offer["priceDimensions"].values()
    ]
    return next((usd for _, usd in sorted(tiers) if usd), None)
