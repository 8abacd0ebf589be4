"""Bills of small templates: prices of regions, what is free, what has no price or no rule, and budgets."""

from dataclasses import replace
from typing import Any

import pytest

from infra.cost import Costs, Item, Part, Prices, Stack, bill_of, costs_of, list_total, over_budget, total
from infra.cost.prices import FILE, UNITS

PRICES = Prices.load()
KEY = {"Type": "AWS::KMS::Key", "Properties": {}}


def stack(region: str = "us-east-1", model: str = "", **resources: dict[str, Any]) -> Stack:
    return Stack(name="s", environment="e", model=model, region=region, template={"Resources": resources})


def endpoint(kind: str, count: int = 1, **variant: Any) -> dict[str, Any]:
    variants = [{"InstanceType": kind, "InitialInstanceCount": count, **variant}]
    return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": variants}}


def dashboards(count: int) -> Costs:
    item = Item(
        environment="e", region="us-east-1", part=Part.ENVIRONMENT, what="dashboard", unit="dashboard", quantity=1
    )
    return Costs(standing=(item,) * count, retraining=())


def test_every_unit_has_a_price_in_the_default_region() -> None:
    assert set(UNITS) <= set(PRICES.regions["us-east-1"])
    assert set(PRICES.free_per_month) <= set(UNITS)


def test_table_is_written_as_it_is_read() -> None:
    assert PRICES.to_json() == FILE.read_text(encoding="utf-8")


def test_quoted_price_is_divided_by_what_it_is_for() -> None:
    found = PRICES.find("queue_request", "us-east-1")
    assert found is not None
    assert found.usd == pytest.approx(0.0000004)


def test_region_without_a_price_is_priced_as_the_default_one_and_named() -> None:
    bill = bill_of(costs_of([stack("ap-south-1", Key=KEY)]), PRICES, {})
    assert bill.from_other_region == {"ap-south-1": ["key"]}
    assert total(bill.month) == 1.0
    assert bill_of(costs_of([stack(Key=KEY)]), PRICES, {}).from_other_region == {}


def test_region_has_its_own_prices() -> None:
    [line, volume] = bill_of(costs_of([stack("eu-west-1", "m", Config=endpoint("ml.m5.large"))]), PRICES, {}).standing
    assert [line.list_usd, volume.list_usd] == pytest.approx([0.128 * 730, 0.154 * 20])


def test_allowance_is_taken_off_once() -> None:
    assert total(bill_of(dashboards(3), PRICES, {}).month) == 0
    bill = bill_of(dashboards(5), PRICES, {})
    assert (list_total(bill.month), total(bill.month)) == (15, 6)


def test_instance_type_without_a_price_is_named_and_not_in_the_sum() -> None:
    bill = bill_of(costs_of([stack(model="m", Config=endpoint("ml.x9.huge", VolumeSizeInGB=10))]), PRICES, {})
    assert bill.unpriced == ["ml.x9.huge"]
    assert total(bill.month) == pytest.approx(1.4)


def test_instances_with_local_disks_have_no_volume() -> None:
    [line] = bill_of(costs_of([stack(model="m", Config=endpoint("ml.g5.xlarge", 2))]), PRICES, {}).standing
    assert line.list_usd == pytest.approx(2 * 730 * 1.408)


def test_type_without_a_rule_is_named() -> None:
    assert costs_of([stack(Index={"Type": "AWS::Kendra::Index"})]).unknown == ("AWS::Kendra::Index",)


def test_alarm_costs_as_much_as_its_metrics() -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {}]}}
    assert [item.quantity for item in costs_of([stack(Alarm=alarm)]).standing] == [2]


def test_schedule_of_a_function_whose_use_nobody_counted_is_named() -> None:
    target = {"Arn": "arn:aws:lambda:us-east-1:1:function:e-new", "Input": "{}"}
    schedule = {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {"ScheduleExpression": "rate(1 day)", "Target": target},
    }
    assert costs_of([stack(Schedule=schedule)]).unknown == ("schedule of new",)


def test_budget_that_does_not_suffice_names_the_largest_items() -> None:
    stacks = [stack(Key=KEY), replace(stack(model="m", Config=endpoint("ml.m5.large", 2)), name="serving")]
    # The key $1, two instances at $0.115 for 730 hours $167.90, two volumes of 20 GB at $0.14 $5.60.
    [warning] = over_budget(stacks, {"e": 173}, PRICES)
    assert warning.startswith("Warning: e costs $174 a month")
    assert "m 2 ml.m5.large $167.90; m volume $5.60; KMS key $1.00" in warning
    assert "mooring cost e" in warning
    assert list(over_budget(stacks, {"e": 175}, PRICES)) == []
