"""The table of prices is refreshed from answers as AWS's Pricing API gives them."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from infra.cost import Prices
from mooring.price_list import refresh

OLD = Prices(
    dated="2020-01-01",
    source="before",
    free_per_month={"dashboard": 3},
    regions={"us-east-1": {"key": 9.0, "transition": 9.0, "ml.old.large": 9.0}, "eu-west-1": {"key": 8.0}},
)


def product(service: str, usage: str, *tiers: tuple[str, str], group: str = "") -> str:
    """Return an entry of PriceList: JSON as text, with the tiers (beginning, dollars) of its on-demand offer."""
    attributes = {"servicecode": service, "usagetype": usage, "regionCode": "eu-west-1", "group": group}
    dimensions = {
        f"SKU.JRTCKXETXF.{number}": {
            "unit": "Requests",
            "beginRange": begin,
            "endRange": "Inf",
            "description": "as AWS words it",
            "appliesTo": [],
            "pricePerUnit": {"USD": usd},
        }
        for number, (begin, usd) in enumerate(tiers)
    }
    terms = {"OnDemand": {"SKU.JRTCKXETXF": {"priceDimensions": dimensions, "sku": "SKU", "termAttributes": {}}}}
    return json.dumps({"product": {"productFamily": "x", "attributes": attributes, "sku": "SKU"}, "terms": terms})


ANSWERS = {
    "AWSQueueService": [product("AWSQueueService", "EU-Requests-Tier1", ("1000000", "0.0000004"), ("0", "0.0"))],
    "AmazonS3": [
        product("AmazonS3", "EU-Requests-Tier1", ("0", "0.000005")),
        product("AmazonS3", "EU-Requests-SIA-Tier1", ("0", "0.00001")),
    ],
    "AWSLambda": [
        product("AWSLambda", "EU-Lambda-GB-Second", ("0", "0.0000166667"), group="AWS-Lambda-Duration"),
        product("AWSLambda", "EU-Lambda-GB-Second", ("0", "0.00005"), group="AWS-Lambda-Edge-Duration"),
    ],
    "awskms": [product("awskms", "eu-west-1-KMS-Keys", ("0", "1.0"))],
    "AmazonSageMaker": [
        product("AmazonSageMaker", "EU-Host:ml.g4dn.xlarge", ("0", "0.821")),
        product("AmazonSageMaker", "EU-Train:ml.g4dn.xlarge", ("0", "0.822")),
        product("AmazonSageMaker", "EU-Notebk:ml.t3.large", ("0", "0.11")),
        product("AmazonSageMaker", "EU-Host:ml.free.large", ("0", "0.0")),
    ],
}


class Paginator:
    """Answers of one product a page; other regions have none."""

    def paginate(self, *, ServiceCode: str, Filters: list[dict[str, str]]) -> Iterator[dict[str, Any]]:  # noqa: N803
        [region] = [each["Value"] for each in Filters if each["Field"] == "regionCode"]
        for entry in ANSWERS.get(ServiceCode, []) if region == "eu-west-1" else []:
            yield {"FormatVersion": "aws_v1", "PriceList": [entry]}


class Pricing:
    def get_paginator(self, operation: str, /) -> Paginator:
        assert operation == "get_products"
        return Paginator()


def test_prices_are_those_of_the_first_tier_that_is_charged_as_aws_quotes_them() -> None:
    new = refresh(OLD, Pricing(), ["eu-west-1"], today=date(2026, 12, 1)).prices
    assert new.regions["eu-west-1"] == {
        "queue_request": 0.4,
        "list_request": 0.005,
        "function_gb_s": 0.0000166667,
        "key": 1.0,
        "ml.g4dn.xlarge": 0.822,
    }
    assert (new.dated, new.source, new.free_per_month) == ("2026-12-01", "AWS's Pricing API", {"dashboard": 3})


def test_what_aws_does_not_return_keeps_its_price_and_is_named() -> None:
    found = refresh(OLD, Pricing(), ["us-east-1", "eu-west-1"], today=date(2026, 12, 1))
    assert found.prices.regions["us-east-1"] == OLD.regions["us-east-1"]
    assert {"key", "transition", "ml.old.large"} <= set(found.kept["us-east-1"])
    assert "key" not in found.kept["eu-west-1"]
