"""Repair CloudWatch's metrics of services: the work itself publishes them, with AWS's dimensions and units.

MiniStack publishes Lambda's for calls of the Invoke API only, and the metrics of no other service. Events and SageMaker
call ``record`` where they work. A line in the embedded metric format becomes metrics of its own namespace.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region, now_iso, request_scope
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc, sqs, stepfunctions

from mooring.embedded.repairs.patching import replace

QUEUES_EVERY_S = 2.0
"""Seconds between two readings of the queues; AWS publishes them every minute."""
PUBLISH_EVERY_S = 60.0
"""Seconds after which a value that did not change is published again, as on AWS."""
MAX_DIMENSIONS = 30
log = logging.getLogger("mooring.metrics")

_ENDED = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_OF_QUEUES = {
    "ApproximateNumberOfMessages": "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
_published: dict[tuple[str, ...], tuple[float, str]] = {}
"""Time and value of the last publication, by account, region, queue and metric."""
_newest: dict[tuple[str, ...], tuple[int, dict[tuple[float, str], dict[str, Any]]]] = {}
"""The newest second of each metric, and its points by value and unit."""
_writing = threading.Lock()


def apply() -> None:
    """Publish the metrics of Lambda, Step Functions, SQS and log lines."""
    replace(lambda_svc, "_emit_lambda_metrics", lambda _original: _nothing)
    replace(lambda_svc, "_execute_function", _measure_invocation)
    replace(stepfunctions, "_emit_execution_status_event", _count_execution)
    replace(cloudwatch_logs, "_append_log_events", _read_lines)
    threading.Thread(target=_read_queues, daemon=True, name="queue-metrics").start()


def record(
    namespace: str, values: Mapping[str, tuple[float, str]], dimensions: Mapping[str, str], at: float | None = None
) -> None:
    """Publish metrics in the calling account and region; ``values`` has value and unit by metric.

    Equal values of one second share a stored point, so that an endpoint under load does not fill the memory.
    """
    now = time.time() if at is None else at
    key = cloudwatch._dims_key(dict(dimensions))
    with _writing:
        for name, (value, unit) in values.items():
            where = (get_account_id(), get_region(), namespace, name, key)
            second, points = _newest.get(where, (0, {}))
            if second != int(now):
                second, points = _newest[where] = (int(now), {})
            if point := points.get((value, unit)):
                point["Count"] += 1.0
                continue
            point = {
                "Timestamp": now,
                "Dimensions": dict(dimensions),
                "Value": float(value),
                "Unit": unit,
                "Count": 1.0,
            }
            points[(value, unit)] = point
            cloudwatch._metric_bucket((namespace, name, key)).append(point)


def count(happened: bool = True) -> tuple[float, str]:
    """Return the value and unit of one event that happened, or did not."""
    return float(happened), "Count"


def _nothing(*_arguments: Any, **_more: Any) -> None:
    """Publish nothing: ``_measure_invocation`` publishes for every caller of a function."""


def _measure_invocation(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute_function(function: dict[str, Any], event: Any) -> Any:
        config = function.get("config") or function
        if lambda_svc._function_config_scope_mismatch(config):
            return original(function, event)  # calls this function again, in the function's own account and region
        began = time.monotonic()
        result = original(function, event)
        duration_ms = (time.monotonic() - began) * 1000
        throttled = bool(result.get("throttle"))
        values = {"Throttles": count(throttled)}
        if not throttled:
            values |= {
                "Invocations": count(),
                "Errors": count(bool(result.get("error"))),
                "Duration": (duration_ms, "Milliseconds"),
            }
        record("AWS/Lambda", values, {"FunctionName": config["FunctionName"]})
        return result

    return execute_function


def _count_execution(original: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def emit_execution_status_event(execution: dict[str, Any]) -> None:
        values = {"ExecutionsStarted": count()}
        if ended := _ENDED.get(execution["status"]):
            took = datetime.fromisoformat(execution.get("stopDate") or now_iso()) - datetime.fromisoformat(
                execution["startDate"]
            )
            values = {ended: count(), "ExecutionTime": (took.total_seconds() * 1000, "Milliseconds")}
        record("AWS/States", values, {"StateMachineArn": execution["stateMachineArn"]})
        original(execution)

    return emit_execution_status_event


def _read_queues() -> None:
    while True:
        time.sleep(QUEUES_EVERY_S)
        for (account, region, url), queue in list(sqs._queues._data.items()):
            with request_scope(account, region):
                try:
                    _publish_queue((account, region, str(url)), queue)
                except Exception:  # a queue that is being changed must not end the readings of the others
                    log.exception("metrics of the queue %s", url)


def _publish_queue(where: tuple[str, ...], queue: dict[str, Any]) -> None:
    sqs._refresh_counts(queue)
    now = time.time()
    for attribute, metric in _OF_QUEUES.items():
        value = str(queue["attributes"][attribute])
        published_at, published = _published.get((*where, metric), (0.0, ""))
        if value != published or now - published_at >= PUBLISH_EVERY_S:
            _published[(*where, metric)] = (now, value)
            record("AWS/SQS", {metric: (float(value), "Count")}, {"QueueName": queue["name"]})


def _read_lines(original: Callable[..., None]) -> Callable[..., None]:
    def append_log_events(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        original(stream, events)
        for event in events:
            if '"_aws"' in event["message"]:
                _read_line(event["message"])

    return append_log_events


def _read_line(message: str) -> None:
    """Publish the metrics of a line in the embedded metric format; a line that is none, or a broken one, has none."""
    try:
        line = json.loads(message)
        header = line["_aws"]
        directives, at = header["CloudWatchMetrics"], float(header["Timestamp"]) / 1000
        for directive in directives:
            for names in directive.get("Dimensions", [[]]):
                dimensions = {name: str(line[name]) for name in names[:MAX_DIMENSIONS]}
                for metric in directive["Metrics"]:
                    for value in _numbers(line.get(metric["Name"])):
                        unit = metric.get("Unit", "None")
                        record(directive["Namespace"], {metric["Name"]: (value, unit)}, dimensions, at)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.debug("no metrics in %s: %s", message[:200], error)


def _numbers(value: Any) -> Iterable[float]:
    values = value if isinstance(value, list) else [value]
    return [float(number) for number in values if isinstance(number, int | float) and not isinstance(number, bool)]
