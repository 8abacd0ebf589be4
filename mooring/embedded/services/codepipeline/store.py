"""Pipelines and executions per account and region, in memory."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ministack.core.responses import get_account_id, get_region

from mooring.embedded.services.codepipeline.errors import CodePipelineError, invalid, missing

Record = dict[str, Any]
"""A declaration, a request or an answer in the shape of CodePipeline's API."""
PAGE = 100
RUNNING = ("InProgress", "Stopping")


@dataclass
class ActionRun:
    """One run of an action in an execution. ``token`` is the approval's; ``closed`` is set at an approval's end."""

    id: str
    stage: str
    action: Record
    started: datetime
    updated: datetime
    status: str = "InProgress"
    updated_by: str = ""
    summary: str = ""
    resolved: Record = field(default_factory=dict)
    inputs: list[Record] = field(default_factory=list)
    outputs: list[Record] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    external_id: str = ""
    external_url: str = ""
    error: Record = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)


@dataclass
class RuleRun:
    """One evaluation of a rule of a stage's condition."""

    id: str
    stage: str
    rule: Record
    at: datetime
    status: str
    resolved: Record
    summary: str


@dataclass
class Execution:
    """One execution of a pipeline. ``declaration`` is the pipeline as it was at the start.

    ``stages`` is the status of each stage that was entered, ``actions`` all runs of actions in order. ``artifacts``
    are their places by name, ``namespaces`` the variables by namespace. ``overrides`` are source revisions by action.
    """

    id: str
    pipeline: "Pipeline"
    declaration: Record
    number: int
    trigger: Record
    variables: dict[str, str]
    overrides: dict[str, Record]
    started: datetime
    updated: datetime
    status: str = "InProgress"
    summary: str = ""
    stop_reason: str = ""
    abandoned: bool = False
    stages: "OrderedDict[str, str]" = field(default_factory=OrderedDict)
    actions: list[ActionRun] = field(default_factory=list)
    rules: list[RuleRun] = field(default_factory=list)
    artifacts: dict[str, Record] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    revisions: list[Record] = field(default_factory=list)

    @property
    def mode(self) -> str:
        return str(self.declaration["executionMode"])


@dataclass
class Pipeline:
    """A pipeline with its versions. Hold ``changed`` to read what executions change, and to wait for a change.

    ``inside`` is the execution in each stage, ``waiting`` are those before it. ``disabled`` has the transitions that
    are switched off, by stage.
    """

    arn: str
    declaration: Record
    created: datetime
    updated: datetime
    tags: dict[str, str] = field(default_factory=dict)
    versions: dict[int, Record] = field(default_factory=dict)
    executions: "OrderedDict[str, Execution]" = field(default_factory=OrderedDict)
    tokens: dict[str, str] = field(default_factory=dict)
    inside: dict[str, Execution] = field(default_factory=dict)
    waiting: dict[str, list[Execution]] = field(default_factory=dict)
    disabled: dict[str, Record] = field(default_factory=dict)
    deleted: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def name(self) -> str:
        return str(self.declaration["name"])

    def stage(self, name: str) -> Record:
        for stage in self.declaration["stages"]:
            if stage["name"] == name:
                found: Record = stage
                return found
        raise missing("Stage")

    def execution(self, execution_id: str) -> Execution:
        if execution_id not in self.executions:
            raise missing("PipelineExecution")
        return self.executions[execution_id]


_pipelines: dict[tuple[str, str], dict[str, Pipeline]] = {}


def pipelines() -> dict[str, Pipeline]:
    """Return the pipelines of the calling account and region by name."""
    return _pipelines.setdefault((get_account_id(), get_region()), {})


def pipeline(name: str) -> Pipeline:
    if name not in pipelines():
        raise missing("Pipeline")
    return pipelines()[name]


def by_arn(arn: str) -> Pipeline:
    found = pipelines().get(arn.rpartition(":")[2])
    if found is None or found.arn != arn:
        raise CodePipelineError("ResourceNotFoundException", f"{arn} does not exist")
    return found


def arn(*parts: str) -> str:
    """Return the ARN of a pipeline, of a stage or of an action.

    >>> arn("releases", "prod", "Approve")
    'arn:aws:codepipeline:us-east-1:000000000000:releases/prod/Approve'
    """
    return f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{'/'.join(parts)}"


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    return str(uuid4())


def page(items: list[Record], request: Record) -> tuple[list[Record], Record]:
    """Return one page of a listing, and its nextToken if there are more items."""
    size = int(request.get("maxResults", PAGE))
    try:
        start = int(request.get("nextToken", "0"))
    except ValueError:
        raise invalid("The next token is not valid") from None
    end = start + size
    return items[start:end], {"nextToken": str(end)} if end < len(items) else {}
