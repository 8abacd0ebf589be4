"""Repair CloudWatch alarms: exact dimensions, treatment of missing data, and an event on each state change.

MiniStack mixes all dimensions of a metric, ignores missing data and evaluates an alarm only when data arrive. So an
alarm on one endpoint would go to ALARM for another endpoint's data, and would never return to OK.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import now_iso, request_scope
from ministack.services import cloudwatch, eventbridge

from mooring.embedded.repairs.patching import replace

TICK_S = 2.0
"""Seconds between two evaluations of all alarms."""
log = logging.getLogger("mooring.alarms")

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_MISSING = {"breaching": True, "notBreaching": False}


def apply() -> None:
    """Repair alarms, and evaluate all of them every ``TICK_S`` seconds."""
    replace(cloudwatch, "_evaluate_alarm", lambda _original: _evaluate)
    threading.Thread(target=_tick, daemon=True, name="alarms").start()


def _tick() -> None:
    while True:
        time.sleep(TICK_S)
        for (account, region, name), alarm in list(cloudwatch._alarms._data.items()):
            with request_scope(account, region):
                try:
                    _evaluate(alarm)
                except Exception:  # an alarm that cannot be evaluated must not stop the evaluation of the others
                    log.exception("alarm %s of account %s in %s", name, account, region)


def _evaluate(alarm: dict[str, Any]) -> None:
    compare = _COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    if not alarm.get("MetricName") or compare is None:
        return  # metric math or an anomaly band: not supported, the alarm stays INSUFFICIENT_DATA
    period, periods = int(alarm.get("Period") or 60), int(alarm.get("EvaluationPeriods") or 1)
    found = values(alarm, period, periods)
    treatment = alarm.get("TreatMissingData") or "missing"
    threshold = float(alarm["Threshold"])
    breaching = [_MISSING.get(treatment) if value is None else compare(value, threshold) for value in found]
    if breaching.count(True) >= int(alarm.get("DatapointsToAlarm") or periods):
        state = "ALARM"
    elif any(known is not None for known in breaching):
        state = "OK"
    else:
        state = alarm["StateValue"] if treatment == "ignore" else "INSUFFICIENT_DATA"
    if state != alarm["StateValue"]:
        _change(alarm, state, f"{alarm['MetricName']}: {found} against {alarm['ComparisonOperator']} {threshold}")


def values(alarm: dict[str, Any], period: int, periods: int) -> list[float | None]:
    """Return the statistic of each of the last periods, newest first; None for a period without data."""
    dimensions = alarm.get("Dimensions") or []
    key = cloudwatch._dims_key(cloudwatch._dims_from_list(dimensions) if isinstance(dimensions, list) else dimensions)
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], key), [])
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    now = time.time()
    found: list[float | None] = []
    for index in range(periods):
        end = now - index * period
        within = [point for point in points if end - period < point["Timestamp"] <= end]
        found.append(cloudwatch._stat_value(cloudwatch._calc_stats(within), statistic, within) if within else None)
    return found


def _change(alarm: dict[str, Any], state: str, reason: str) -> None:
    before = alarm["StateValue"]
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": state, "reason": reason, "timestamp": now_iso()},
        "previousState": {"value": before},
        "configuration": {"description": alarm.get("AlarmDescription") or ""},
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "Resources": [alarm["AlarmArn"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
