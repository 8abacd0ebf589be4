"""Alarms: exact dimensions, and treatment of missing data."""

import time
from typing import Any
from uuid import uuid4

import pytest

from tests.support.embedded_aws import EmbeddedAws


@pytest.fixture
def name() -> str:
    return f"a{uuid4().hex[:10]}"


def _alarm(aws: EmbeddedAws, name: str, **settings: Any) -> None:
    alarm = {
        "AlarmName": name,
        "Namespace": name,
        "MetricName": "errors",
        "Dimensions": [{"Name": "endpoint", "Value": "ours"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    aws.client("cloudwatch").put_metric_alarm(**alarm | settings)


def _emit(aws: EmbeddedAws, name: str, endpoint: str) -> None:
    data = {"MetricName": "errors", "Dimensions": [{"Name": "endpoint", "Value": endpoint}], "Value": 1.0}
    aws.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[data])


def _state(aws: EmbeddedAws, name: str, wanted: str, within_s: float = 5) -> str:
    end = time.monotonic() + within_s
    while True:
        found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
        if found == wanted or time.monotonic() > end:
            return str(found)
        time.sleep(0.1)


def test_alarm_ignores_the_metrics_of_another_endpoint(embedded_aws: EmbeddedAws, name: str) -> None:
    _alarm(embedded_aws, name, TreatMissingData="notBreaching")
    _emit(embedded_aws, name, "theirs")
    assert _state(embedded_aws, name, "ALARM", within_s=2.5) == "OK"
    _emit(embedded_aws, name, "ours")
    assert _state(embedded_aws, name, "ALARM") == "ALARM"


@pytest.mark.parametrize(("treatment", "state"), [("breaching", "ALARM"), ("missing", "INSUFFICIENT_DATA")])
def test_missing_data_are_treated_as_the_alarm_says(
    embedded_aws: EmbeddedAws, name: str, treatment: str, state: str
) -> None:
    _alarm(embedded_aws, name, TreatMissingData=treatment)
    assert _state(embedded_aws, name, state) == state


def test_alarm_returns_to_ok_after_its_period(embedded_aws: EmbeddedAws, name: str) -> None:
    _alarm(embedded_aws, name, TreatMissingData="notBreaching", Period=10)
    _emit(embedded_aws, name, "ours")
    assert _state(embedded_aws, name, "ALARM") == "ALARM"
    assert _state(embedded_aws, name, "OK", within_s=20) == "OK"
