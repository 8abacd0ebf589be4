"""Joins the logs of one run, release or check: of functions, state machine, jobs and endpoint, in order of time.

The ids in the log lines (``pipelines.interface.log``) select the functions' lines; jobs and endpoints have log streams
of their own. The state machine's steps come from its execution's history. The auditor's role reads all of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.aws.causes import reason_of
from pipelines.aws.client import code_of
from pipelines.interface import keys
from pipelines.interface.log import SUBJECT
from pipelines.interface.names import ENDPOINT_LOG_GROUPS, JOB_LOG_GROUPS
from pipelines.interface.records import Check, Release, Run
from pipelines.interface.times import digest, parse_time

RETRAINING = (
    *("take_lease", "plan_run", "judge_candidate", "compare_reproduction", "register_candidate"),
    *("approve_package", "finish_run"),
)
RELEASE = ("begin_release", "update_serving", "read_serving", "verify_release", "finish_release")
CHECKS = ("drift_check", "count_batch", "conclude_check")
"""Functions of each flow, by their folders' names."""
STEPS = ("validate", "train", "evaluate")
BEFORE = timedelta(minutes=1)
AFTER = timedelta(minutes=5)
"""Time before and after a flow in which its lines are searched: clocks differ, and lines arrive late."""
HISTORY_FAILED = ("Failed", "TimedOut", "Aborted")


@dataclass(frozen=True, kw_only=True, order=True)
class LogLine:
    """One log line. ``source`` is a function, ``state machine``, a job's step or ``endpoint``.

    Lines are ordered by time; ``order`` keeps the lines of one stream and one millisecond in order.
    """

    time: datetime
    order: int
    source: str
    level: str
    message: str
    fields: str = field(default="{}")
    """The line's fields as JSON, without its ids."""


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The run, release or check whose logs are read. ``ids`` are those in its lines.

    ``job_prefixes`` are the prefixes of its jobs' names, by step; ``endpoint`` is None if its log is not read.
    """

    title: str
    functions: Sequence[str]
    ids: Mapping[str, str]
    execution: str | None
    begun: datetime
    ended: datetime | None
    job_prefixes: Mapping[str, str] = field(default_factory=dict)
    endpoint: str | None = None


def flow_of_run(deployed: DeployedEnvironment, model: str, run_id: str | None) -> Flow:
    """Return the flow of a run, by default of the model's newest one.

    Raises
    ------
    MooringError
        There is no such run.
    """
    run: Run = _find(deployed, model, run_id, keys.runs(model), "run")
    ids = {"run": run.run_id, "execution": run.execution}
    return Flow(
        title=f"run {run.run_id}",
        functions=RETRAINING,
        ids=ids,
        execution=run.execution,
        begun=parse_time(run.started),
        ended=parse_time(run.ended) if run.ended else None,
        # The execution determines the names of its jobs, so they are known before the run is planned.
        job_prefixes={step: f"{model}-{step}-{digest(run.execution)}-" for step in STEPS},
    )


def flow_of_release(deployed: DeployedEnvironment, model: str, release_id: str | None) -> Flow:
    """Return the flow of a release, by default of the model's newest one; raises as ``flow_of_run`` does."""
    release: Release = _find(deployed, model, release_id, keys.releases(model), "release")
    return Flow(
        title=f"release {release.release_id}",
        functions=RELEASE,
        ids={"release": release.release_id, "execution": release.execution},
        execution=release.execution,
        begun=parse_time(release.begun),
        ended=parse_time(release.ended) if release.ended else None,
        endpoint=deployed.environment.model(model).endpoint,
    )


def flow_of_check(deployed: DeployedEnvironment, model: str, check_id: str | None) -> Flow:
    """Return the flow of a check, by default of the model's newest one; raises as ``flow_of_run`` does."""
    check: Check = _find(deployed, model, check_id, keys.checks(model), "check")
    end = parse_time(check.end)
    return Flow(
        title=f"check {check.check_id}",
        functions=CHECKS,
        ids={"check": check.check_id},
        execution=check.execution,
        begun=end,
        # A check runs at the end of its window, and again later if files come late.
        ended=None,
    )


def _find(deployed: DeployedEnvironment, model: str, id_: str | None, items: keys.Items[Any], what: str) -> Any:
    ledger = deployed.ledger
    found = ledger.get(items.key(id_)) if id_ else next(iter(ledger.latest(items, 1)), None)
    if found is None:
        missing = f"no {what} {id_}" if id_ else f"no {what} yet"
        raise MooringError(
            f"{model} has {missing}",
            remedy=f"list them: mooring show {deployed.environment.id} {model}",
        )
    return found


class FlowLogs:
    """The log lines of one flow; each call of ``read`` returns the new ones."""

    def __init__(self, deployed: DeployedEnvironment, flow: Flow) -> None:
        self._deployed = deployed
        self._flow = flow
        self._logs = deployed.client("logs", "auditor")
        self._seen: set[tuple[str, int, str]] = set()
        self._history_read = 0

    def read(self) -> list[LogLine]:
        """Return the lines that were not returned before, in order of time."""
        return sorted([*self._history(), *self._functions(), *self._jobs(), *self._endpoint()])

    def _functions(self) -> Iterator[LogLine]:
        conditions = " || ".join(f'($.{name} = "{value}")' for name, value in self._flow.ids.items())
        for function in self._flow.functions:
            group = f"/aws/lambda/{self._deployed.environment.function(function)}"
            for event in self._events(group, filterPattern=f"{{ {conditions} }}"):
                line = _parsed(event, function)
                if line and self._is_of_flow(event["message"]):
                    yield line

    def _is_of_flow(self, message: str) -> bool:
        document = json.loads(message)
        return any(document.get(name) == value for name, value in self._flow.ids.items())

    def _jobs(self) -> Iterator[LogLine]:
        for step, prefix in self._flow.job_prefixes.items():
            for group in JOB_LOG_GROUPS:
                if streams := self._streams(group, prefix):
                    for event in self._events(group, logStreamNames=streams):
                        yield _parsed(event, step) or _plain(event, step)

    def _endpoint(self) -> Iterator[LogLine]:
        if self._flow.endpoint is None:
            return
        for event in self._events(f"{ENDPOINT_LOG_GROUPS}{self._flow.endpoint}"):
            yield _parsed(event, "endpoint") or _plain(event, "endpoint")

    def _streams(self, group: str, prefix: str) -> list[str]:
        pages = self._logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, logStreamNamePrefix=prefix
        )
        try:
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return []
            raise

    def _events(self, group: str, **selection: Any) -> Iterator[Mapping[str, Any]]:
        """Yield new events of a log group during the flow; a group that does not exist has none."""
        begin = int((self._flow.begun - BEFORE).timestamp() * 1000)
        times = {"startTime": begin}
        if self._flow.ended:
            times["endTime"] = int((self._flow.ended + AFTER).timestamp() * 1000)
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group, **times, **selection)
        try:
            for page in pages:
                for number, event in enumerate(page["events"]):
                    known = (event.get("logStreamName", ""), event["timestamp"], event["message"])
                    if known not in self._seen:
                        self._seen.add(known)
                        yield {**event, "order": number}
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise

    def _history(self) -> Iterator[LogLine]:
        """Yield the state machine's steps that were not read before."""
        if self._flow.execution is None:
            return
        states = self._deployed.client("stepfunctions", "auditor")
        pages = states.get_paginator("get_execution_history").paginate(
            executionArn=self._flow.execution, includeExecutionData=True
        )
        events = [event for page in pages for event in page["events"]]
        for number, event in enumerate(events[self._history_read :], self._history_read):
            if line := _step(event, number):
                yield line
        self._history_read = len(events)


def _step(event: Mapping[str, Any], number: int) -> LogLine | None:
    """Return the line for one event of an execution's history; None for events between the steps."""
    kind = str(event["type"])
    time = event["timestamp"].astimezone(UTC)
    level, message, fields = "INFO", "", {}
    if kind == "ExecutionStarted":
        request = json.loads(event.get("executionStartedEventDetails", {}).get("input") or "{}")
        trigger = request.get("trigger", {})
        fields = {name: trigger[name] for name in ("kind", "by", "reason", "id") if name in trigger}
        fields |= {name: request[name] for name in ("package_arn", "by", "rollback") if name in request}
        message = "execution started"
    elif kind.endswith("StateEntered"):
        message = f"state entered: {event['stateEnteredEventDetails']['name']}"
    elif kind.startswith("Execution"):
        details = _details(event)
        message = f"execution {kind.removeprefix('Execution').lower()}"
        level = "INFO" if kind == "ExecutionSucceeded" else "ERROR"
        fields = {name: details[name] for name in ("error", "cause") if details.get(name)}
    elif kind.endswith(HISTORY_FAILED):
        details = _details(event)
        level, message = "ERROR", reason_of({"Error": details.get("error"), "Cause": details.get("cause", "")})
    if not message:
        return None
    return LogLine(
        time=time, order=number, source="state machine", level=level, message=message, fields=json.dumps(fields)
    )


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((value for name, value in event.items() if name.endswith("EventDetails")), {})


def _parsed(event: Mapping[str, Any], source: str) -> LogLine | None:
    """Return one of our own lines; None for any other line."""
    try:
        document = json.loads(event["message"])
        time = datetime.fromisoformat(document["time"]).astimezone(UTC)
        level, message = str(document["level"]), str(document["message"])
    except (ValueError, KeyError, TypeError):
        return None
    fields = {name: value for name, value in document.items() if name not in ("time", "level", "message", *SUBJECT)}
    return LogLine(
        time=time, order=event["order"], source=source, level=level, message=message, fields=json.dumps(fields)
    )


def _plain(event: Mapping[str, Any], source: str) -> LogLine:
    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return LogLine(time=time, order=event["order"], source=source, level="", message=event["message"].rstrip())
