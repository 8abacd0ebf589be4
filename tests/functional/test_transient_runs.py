"""AWS throttles each call of a run's functions, of the checks, of the landing and of the custom resource once."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipelines.aws.custom_resource import PATIENCE_S
from pipelines.aws.transient import persistently
from pipelines.datasets.landing.landing import land
from pipelines.flows.release.states import answer
from pipelines.flows.retraining.lease import take_lease
from pipelines.flows.retraining.plan import plan_run
from pipelines.flows.retraining.register import judge_candidate, register_candidate
from pipelines.flows.retraining.reproduction import compare_reproduction
from pipelines.interface.names import version_of
from pipelines.interface.records import CheckOutcome, RunOutcome, TriggerKind
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.requests import (
    CheckRequest,
    ConcludeRequest,
    CountRequest,
    PlanRequest,
    RegisterRequest,
    Verdict,
)
from pipelines.monitoring.check import check_drift, conclude_check, count_batch
from tests.functional.test_fan_out import BATCH_BYTES, SMALL_BYTES, busy
from tests.functional.test_functions import custom_resource
from tests.functional.test_retraining import commit, evaluated, request
from tests.support import captured
from tests.support.captured import KEY
from tests.support.landing import CSV, NOW, dataset, drop, head, left, versioned
from tests.support.life import Life
from tests.support.throttling import Throttling, refusal
from tests.support.world import ENVIRONMENT, MODEL, PACKAGES_URI, World

__all__ = ["busy", "versioned"]


def test_run_survives_throttling_of_each_call(world: World, tmp_path: Path) -> None:
    throttling = Throttling(world)
    commit(world, tmp_path)
    leased = request()
    lease = take_lease(leased, world.services)
    planning = PlanRequest(model=MODEL.name, trigger=leased.trigger, lease=lease, execution=leased.execution)
    plan = throttling.call(lambda asked, services: plan_run(asked, services, packages_uri=PACKAGES_URI), planning)
    assert throttling.attempts > 8, "every call of the plan was throttled once"
    evaluated(world, plan, candidate_content_sha256="c" * 64)
    candidate = RegisterRequest(
        model=MODEL.name,
        plan=plan,
        verdict=Verdict(accepted=True, reasons=("better",)),
        lease=lease,
        execution=leased.execution,
    )
    assert throttling.call(judge_candidate, candidate).accepted
    package = throttling.call(register_candidate, candidate)
    listed = world.client("sagemaker").list_model_packages(ModelPackageGroupName=MODEL.package_group)
    assert [found["ModelPackageArn"] for found in listed["ModelPackageSummaryList"]] == [package.package_arn]
    assert version_of(package.package_arn) == 1


def test_reproduction_survives_throttling_of_each_call(world: World, tmp_path: Path) -> None:
    life, throttling = Life(world=world, folder=tmp_path), Throttling(world)
    life.commit("2013-01.csv")
    life.registered()
    planned = life.planned(kind=TriggerKind.REPRODUCTION, package_arn=life.arn(1))
    life.evaluated(planned, auc=0.7)
    found = throttling.call(compare_reproduction, planned.run)
    assert (found.outcome, found.differences) == (RunOutcome.REPRODUCED, ())
    assert throttling.attempts == 3, "two reads, and an attempt without throttling"


def test_checks_survive_throttling_of_each_call(busy: World) -> None:
    captured.check(busy, batch_bytes=BATCH_BYTES)
    [expected] = captured.recorded(busy)
    throttling = Throttling(busy)
    asked = CheckRequest(model=MODEL.name, scheduled_at="2026-03-01T12:00:00Z")

    def check(limit: int) -> Any:
        return throttling.call(
            lambda request, services: check_drift(
                request, services, key_arn=KEY, fan_out_bytes=limit, batch_bytes=BATCH_BYTES
            ),
            asked,
        )

    assert check(10**9).outcome == expected.outcome
    assert captured.recorded(busy) == [expected], "throttled reads are no damaged files, and no row counts twice"
    assert check(SMALL_BYTES).outcome == CheckOutcome.COUNTING
    started = busy.executions.started[-1]
    for number in started["batches"]:
        counted = CountRequest(model=MODEL.name, folder=started["folder"], number=number)
        throttling.call(lambda request, services: count_batch(request, services, key_arn=KEY), counted)
    concluded = ConcludeRequest(model=MODEL.name, folder=started["folder"])
    found = throttling.call(lambda request, services: conclude_check(request, services, key_arn=KEY), concluded)
    assert found == expected


@pytest.mark.usefixtures("versioned")
def test_landing_repeats_throttled_calls_itself(world: World) -> None:
    drop(world, "flights/2013-01.csv")
    land(world.services, now=lambda: NOW)
    throttling, waits, outer = Throttling(world), list[float](), 0
    while throttling.count >= throttling.at:
        throttling.at, throttling.count = throttling.at + 1, 0
        drop(world, "flights/2013-02.csv", CSV + f"{throttling.at},9\n".encode())
        try:
            land(throttling.services, now=lambda: NOW, sleep=waits.append)
        except ClientError:  # a call before the dataset's lock is held: the queue repeats the function
            outer += 1
            land(world.services, now=lambda: NOW)
        assert left(world) == []
        assert len(list(dataset(world).log())) == throttling.at + 1, "no file is committed twice"
    assert (len(waits), outer) == (throttling.at - 1 - outer, 4), "the listing, the settings, and two of the lock"
    assert throttling.at > 15
    assert [file.path for file in head(world).files] == ["2013-01.csv", "2013-02.csv"]
    assert world.alerts() == []


def test_custom_resource_repeats_throttled_calls_itself(world: World) -> None:
    throttling, waits = Throttling(world), list[float]()
    while throttling.count >= throttling.at:
        throttling.at, throttling.count = throttling.at + 1, 0
        models = [f"model-{throttling.at}-{number}" for number in range(3)]
        sent: dict[str, bytes] = {}
        answer(custom_resource("Create", *models), throttling.services, send=sent.__setitem__, sleep=waits.append)
        assert [json.loads(body)["Status"] for body in sent.values()] == ["SUCCESS"]
        for name in models:
            assert world.services.parameter(ENVIRONMENT.model(name).release_parameter) == ReleaseState().to_value()
    assert len(waits) == throttling.at - 1 >= len(models)


def test_repetition_ends_in_time_and_knows_other_errors() -> None:
    clock, calls = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def throttled() -> None:
        calls.append(clock[0])
        raise refusal("ThrottlingException", "Rate exceeded")

    with pytest.raises(ClientError, match="Rate exceeded"):
        persistently(throttled, for_s=PATIENCE_S, sleep=sleep, seconds=lambda: clock[0])
    assert len(calls) > 6
    assert PATIENCE_S - 30 <= clock[0] <= PATIENCE_S

    def denied() -> None:
        calls.append(clock[0])
        raise refusal("AccessDeniedException")

    calls.clear()
    with pytest.raises(ClientError, match="AccessDenied"):
        persistently(denied, for_s=PATIENCE_S, sleep=sleep)
    assert len(calls) == 1
