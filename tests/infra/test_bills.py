"""Five bills made by hand against those of ``mooring cost``: list prices of us-east-1, and what is left to pay."""

import copy
from typing import Any

import pytest
import yaml

from infra.cost import Bill, Costs, Line, Part, Prices, bill_of, costs_of, list_total, total
from infra.fleet import parse
from mooring.costs import Use, bill_with
from tests.support.synth import FLEET, example_fleet, example_stacks, stacks_of

PRICES = Prices.load()
DEV = "arrivals-dev-us-east-1"
CENT = 0.01
"""How near a bill must be: the hand's multiplications are rounded."""

# An idle environment, a month.
ENVIRONMENT = {
    "KMS key": 1.00,  # 1 x $1
    "dashboard": 3.00,  # 1 x $3
    "alarm": 0.10,  # 1 x $0.10
    "polls of the empty landing queue": 0.2628,  # 5 pollers x 3 a minute x 43,800 minutes = 657,000 x $0.40/1,000,000
    "schedule": 0.0029,  # every 15 minutes: 2,920 x $1/1,000,000
    # 1.03 s x 1,769/1,024 GB x 2,920 = 5,195.7 GB-s x $0.0000166667 = $0.0866; 2,920 calls x $0.20/1,000,000 = $0.0006;
    # 2,920 LIST x $0.005/1,000 = $0.0146; 600 bytes x 2,920 = 0.00175 GB x $0.50 = $0.0009
    "land-files, idle": 0.1027,
}
# A model beside its endpoint, a month.
MODEL = {
    "schedule": 0.0007,  # every hour: 730 x $1/1,000,000
    # 2.25 s x 2,048/1,024 GB x 730 = 3,285.0 GB-s x $0.0000166667 = $0.0548; 730 calls x $0.20/1,000,000 = $0.0001;
    # (5 LIST + 3 PUT) x 730 = 5,840 x $0.005/1,000 = $0.0292; 3 GET x 730 = 2,190 x $0.0004/1,000 = $0.0009;
    # 36 read units x 730 = 26,280 x $0.125/1,000,000 = $0.0033; 2 x 730 write units x $0.625/1,000,000 = $0.0009;
    # 1,400 bytes x 730 = 0.00102 GB x $0.50 = $0.0005; 3 x 730 = 2,190 KMS requests x $0.03/10,000 = $0.0066
    "drift-check, idle": 0.0963,
}
# Its endpoint in dev, a month.
ENDPOINT = {
    "1 ml.m5.large": 83.95,  # 730 hours x $0.115
    "volume": 2.80,  # 20 GB x $0.14
    "alarm": 0.10,  # 1 x $0.10
}
# Its endpoint in prod, a month.
ENDPOINT_IN_PROD = {
    "2 ml.m5.large (up to 6 under load)": 167.90,  # 2 x 730 hours x $0.115
    "volume": 5.60,  # 2 x 20 GB x $0.14
    "alarm": 0.10,  # 1 x $0.10
    "alarms of target tracking": 0.20,  # 2 x $0.10, which AWS makes
}
# One retraining.
RETRAINING = {
    "validation job, ml.t3.medium": 0.0042,  # 300 s of an hour x $0.05
    "training job, ml.m5.large": 0.0096,  # 300 s of an hour x $0.115
    "evaluation job, ml.t3.medium": 0.0042,
    "validation job, volume": 0.0005,  # 30 GB x 300 s of 730 hours = 0.0034 GB-months x $0.14
    "training job, volume": 0.0005,
    "evaluation job, volume": 0.0005,
    "update, ml.m5.large": 0.0192,  # 600 s of an hour x $0.115: old and new instances at once
    "flows": 0.0096,  # (22 states + 3 x 120 polls) = 382 x $0.025/1,000
    # 8 calls of 2.3 s x 0.25 GB + 2 of 2.3 s x 1.73 GB + 120 polls of 0.16 s x 0.25 GB = 17.3 GB-s x $0.0000166667
    # = $0.0003; 130 calls x $0.20/1,000,000 = $0.00003
    "functions": 0.0003,
    "objects": 0.0003,  # 60 PUT x $0.005/1,000, 120 GET x $0.0004/1,000
    "ledger": 0.0,  # 12 writes x $0.625/1,000,000
    "events": 0.0,  # 2 x $1/1,000,000
}


def fleet_of(*stages: str, models: int = 1) -> Any:
    """Return the tests' fleet with the first team's environments of these stages, and as many copies of its model."""
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    team = document["teams"][0]
    team["environments"] = [each for each in team["environments"] if each["stage"] in stages]
    [model] = team["models"]
    stage = {"training_stage": stages[0]}
    named = [{**copy.deepcopy(model), **stage, "program": "late_arrival", "name": f"m-{n}"} for n in range(models)]
    team["models"] = [{**model, **stage}] if models == 1 else named
    document["teams"] = [team]
    return parse(document)


@pytest.fixture(scope="module")
def dev() -> Costs:
    return costs_of(stacks_of(fleet_of("dev")))


def by_item(lines: tuple[Line, ...], part: Part) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in lines:
        if line.item.part == part:
            found[line.item.what] = found.get(line.item.what, 0.0) + line.list_usd
    return found


def to_pay(bill: Bill) -> float:
    assert not bill.unpriced
    assert not bill.unknown
    return total(bill.month)


def test_idle_environment() -> None:
    bill = bill_of(costs_of(stacks_of(fleet_of("dev", models=0))), PRICES, {})
    assert by_item(bill.standing, Part.ENVIRONMENT) == pytest.approx(ENVIRONMENT, abs=0.0001)
    assert list_total(bill.month) == pytest.approx(sum(ENVIRONMENT.values()), abs=CENT)
    # The key; LIST requests have no allowance.
    assert to_pay(bill) == pytest.approx(1.00 + 0.0146, abs=CENT)


def test_one_model_with_an_endpoint_in_dev(dev: Costs) -> None:
    bill = bill_of(dev, PRICES, {})
    assert by_item(bill.standing, Part.MODEL) == pytest.approx(MODEL, abs=0.0001)
    assert by_item(bill.standing, Part.ENDPOINT) == pytest.approx(ENDPOINT, abs=0.0001)
    assert list_total(bill.month) == pytest.approx(sum((*ENVIRONMENT.values(), *MODEL.values(), *ENDPOINT.values())))


def test_prod_has_two_to_six_instances() -> None:
    bill = bill_of(costs_of(stacks_of(fleet_of("prod"))), PRICES, {})
    assert by_item(bill.standing, Part.ENDPOINT) == pytest.approx(ENDPOINT_IN_PROD, abs=0.0001)


def test_a_hundred_idle_models_without_endpoints() -> None:
    costs = costs_of(stacks_of(fleet_of("dev", models=100)))
    bill = bill_with(costs, Use(absent=frozenset((DEV, f"m-{number}") for number in range(100))), PRICES)
    expected = sum(ENVIRONMENT.values()) + 100 * sum(MODEL.values())
    assert list_total(bill.month) == pytest.approx(expected, abs=0.5)
    assert list_total(bill.month, Part.MODEL) <= 100 * 0.10
    assert to_pay(bill) <= 100 * 0.10 + 4


def test_a_month_with_thirty_retrainings(dev: Costs) -> None:
    bill = bill_with(dev, Use(retrainings={(DEV, "late-arrival"): 30}), PRICES)
    assert by_item(bill.per_retraining, Part.RETRAINING) == pytest.approx(RETRAINING, abs=0.0001)
    assert by_item(bill.retrainings, Part.RETRAINING) == pytest.approx(
        {what: 30 * usd for what, usd in RETRAINING.items()}, abs=30 * 0.0001
    )


@pytest.mark.parametrize("environment", [environment.names.id for environment in example_fleet().environments()])
def test_idle_model_costs_at_most_ten_cents_and_idle_environment_four_dollars(environment: str) -> None:
    """A model at list prices; an environment alone in its account, where three dashboards and ten alarms are free."""
    bill = bill_of(costs_of(stack for stack in example_stacks() if stack.environment == environment), PRICES, {})
    models = {line.item.model for line in bill.standing if line.item.part == Part.MODEL}
    assert len(models) == 1
    assert list_total(bill.standing, Part.MODEL) <= 0.10
    assert total(bill.standing, Part.ENVIRONMENT) <= 4
