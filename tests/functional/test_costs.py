"""What ``mooring cost`` reads of a deployed environment: retrainings, checks, endpoints and their requests."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.cost import Costs, Item, Part, Prices
from mooring.costs import Use, bill_with, read_use
from pipelines.interface import keys
from pipelines.interface.records import Check, CheckOutcome, Run, Trigger
from pipelines.interface.times import format_time
from tests.support.world import ENVIRONMENT, MODEL, World, serve

NOW = datetime.now(UTC)
PLACE = (ENVIRONMENT.id, MODEL.name)
ENDPOINT = Item(
    environment=ENVIRONMENT.id,
    region="us-east-1",
    part=Part.ENDPOINT,
    model=MODEL.name,
    what="1 ml.m5.large",
    unit="ml.m5.large",
    quantity=730,
)


def read(world: World, now: datetime = NOW) -> Use:
    del world  # deployed in moto
    return read_use({ENVIRONMENT: [MODEL.name]}, now=now)


def record_run(world: World, run_id: str, begun: datetime) -> None:
    run = Run(
        run_id=run_id,
        execution="e",
        token=1,
        started=format_time(begun),
        trigger=Trigger(kind="person", id=run_id, by="x", reason="y"),
    )
    world.services.ledger.record(keys.run(MODEL.name, run_id), run)


def record_check(world: World, check_id: str, end: datetime) -> None:
    check = Check(
        check_id=check_id,
        model=MODEL.name,
        begin=format_time(end - timedelta(hours=1)),
        end=format_time(end),
        version=1,
        outcome=CheckOutcome.STABLE,
        rows=0,
        worst=(),
    )
    world.services.ledger.record(keys.check(MODEL.name, check_id), check)


def request(world: World, moment: datetime) -> None:
    names = {"EndpointName": MODEL.endpoint, "VariantName": "primary"}
    datum = {
        "MetricName": "Invocations",
        "Dimensions": [{"Name": name, "Value": value} for name, value in names.items()],
        "Timestamp": moment,
        "Value": 3,
    }
    world.client("cloudwatch").put_metric_data(Namespace="AWS/SageMaker", MetricData=[datum])


def test_runs_and_checks_of_the_last_thirty_days_are_counted(world: World) -> None:
    for days in (1, 29, 31):
        record_run(world, f"r{days}", NOW - timedelta(days=days))
        record_check(world, f"c{days}", NOW - timedelta(days=days))
    use = read(world)
    assert (use.retrainings[PLACE], use.checks[PLACE], use.unread) == (2, 2, {})


def test_model_without_an_endpoint_does_not_pay_for_one(world: World) -> None:
    use = read(world)
    assert use.absent == {PLACE}
    costs = Costs(standing=(ENDPOINT,), retraining=())
    assert bill_with(costs, use, Prices.load()).standing == ()
    assert len(bill_with(costs, Use(), Prices.load()).standing) == 1


def test_endpoint_without_requests_for_a_day_is_idle(world: World) -> None:
    serve(world, world.create_package(ModelApprovalStatus="Approved"), "a")
    assert read(world).idle == frozenset()  # it is new
    tomorrow = NOW + timedelta(hours=25)
    assert read(world, tomorrow).idle == {PLACE}
    request(world, NOW + timedelta(hours=20))
    assert read(world, tomorrow).idle == frozenset()
    assert read(world, NOW + timedelta(hours=50)).idle == {PLACE}


def test_environment_of_another_account_is_not_read_and_named(world: World) -> None:
    del world
    elsewhere = type(ENVIRONMENT)(team="arrivals", stage="prod", account="999999999999", region="us-east-1")
    use = read_use({elsewhere: [MODEL.name]}, now=NOW)
    assert "account 999999999999, your credentials in 123456789012" in use.unread[elsewhere.id]
    assert use.retrainings == {}


def test_without_credentials_retrainings_are_the_scheduled_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    use = read_use({ENVIRONMENT: [MODEL.name]}, now=NOW)
    assert "credentials" in use.unread[ENVIRONMENT.id]
    event = Item(
        environment=ENVIRONMENT.id,
        region="us-east-1",
        part=Part.RETRAINING,
        model=MODEL.name,
        what="events",
        unit="event",
        quantity=2,
    )
    bill = bill_with(Costs(standing=(), retraining=(event,), scheduled={PLACE: 4}), use, Prices.load())
    assert [line.item.quantity for line in bill.retrainings] == [8]
