"""Reads the executions of a team's pipelines: what each carries, and where it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from infra.fleet import FleetEnvironment
from mooring.errors import MooringError
from mooring.promotions.causes import failure_of, remedy_of
from mooring.promotions.places import who_approves
from mooring.promotions.states import (
    DeclaredStage,
    StageProgress,
    StageState,
    newest_failure,
    progress_of,
)
from pipelines.aws.client import Answer, code_of
from pipelines.aws.clients import Services
from pipelines.flows.promotion.drive import SUFFIX, InvalidArchiveError, read_archive
from pipelines.interface.codec import InvalidRecordError, read_json
from pipelines.interface.records import ReleaseRecord
from pipelines.interface.times import format_time

MODELS, CODE = "models", "code"
SOURCE = "Source"
SHORT = 8
"""Characters of an execution's id or a digest that tables show; commands take any beginning that is unique."""
UNDER_WAY = ("InProgress", "Stopping")


@dataclass(frozen=True, kw_only=True)
class Release:
    """One execution of the pipeline ``models`` or ``code``, stage by stage.

    ``revision`` is the record's digest, or the code's commit or version. Models' releases also have the record's
    content; ``version`` is 0 until it can be read.
    """

    team: str
    pipeline: str
    execution: str
    status: str
    started: str
    revision: str
    stages: tuple[StageProgress, ...]
    model: str = ""
    version: int = 0
    to: str = ""
    requested_by: str = ""
    trained_by: str = ""

    @property
    def name(self) -> str:
        return f"{self.model} v{self.version}" if self.model else f"{self.pipeline} {self.revision[:SHORT]}".strip()

    @property
    def again(self) -> str:
        """The command that starts the same anew."""
        return f"mooring promote {self.model} {self.version} --to {self.to}" if self.model else "push the code again"

    @property
    def short(self) -> str:
        return self.execution[:SHORT]

    def stage(self, name: str) -> StageProgress | None:
        return next((each for each in self.stages if each.stage == name), None)


class TeamPipelines:
    """Pipelines of the team of a tooling environment, read through ``services``."""

    def __init__(self, place: FleetEnvironment, services: Services) -> None:
        self.place = place
        self.services = services
        self.client = services.client("codepipeline")

    def name(self, kind: str) -> str:
        return self.services.environment.pipeline(kind)

    def stages(self, kind: str) -> list[DeclaredStage]:
        """Return the deployed pipeline's stages.

        Raises
        ------
        MooringError
            The pipeline is not deployed.
        """
        environment = self.services.environment
        try:
            found = self.client.get_pipeline(name=self.name(kind))["pipeline"]
        except ClientError as error:
            if code_of(error) != "PipelineNotFoundException":
                raise
            raise MooringError(
                f"there is no pipeline {self.name(kind)}",
                remedy=f"deploy it: mooring deploy {environment.id}; a team with one stage promotes no models",
            ) from error
        return [
            DeclaredStage(name=stage["name"], actions=tuple(action["name"] for action in stage["actions"]))
            for stage in found["stages"]
        ]

    def executions(self, kind: str) -> Iterator[Answer]:
        """Yield the summaries of a pipeline's executions, newest first; none of a pipeline that is not deployed."""
        pages = self.client.get_paginator("list_pipeline_executions")
        try:
            for page in pages.paginate(pipelineName=self.name(kind)):
                yield from page["pipelineExecutionSummaries"]
        except ClientError as error:
            if code_of(error) != "PipelineNotFoundException":
                raise

    def actions(self, kind: str, execution: str) -> list[Answer]:
        return self._listed("list_action_executions", "actionExecutionDetails", kind, execution)

    def release(self, kind: str, summary: Answer, declared: Sequence[DeclaredStage]) -> Release:
        """Return an execution, with the state of each stage and the causes of failures."""
        execution, status = summary["pipelineExecutionId"], summary["status"]
        actions = self.actions(kind, execution)
        rules = self._listed("list_rule_executions", "ruleExecutionDetails", kind, execution)
        found = Release(
            team=self.place.team.name,
            pipeline=kind,
            execution=execution,
            status=status,
            started=format_time(summary["startTime"]),
            revision=_revision(summary),
            stages=(),
        )
        if kind == MODELS:
            found = self._carried(found, actions)
        stages = (self._explained(found, stage, actions) for stage in progress_of(declared, status, actions, rules))
        asked = [stage.name for stage in declared]
        beyond = asked[asked.index(found.to) + 1 :] if found.to in asked else []
        return replace(found, stages=tuple(_skipped(stage) if stage.stage in beyond else stage for stage in stages))

    def _listed(self, operation: str, field: str, kind: str, execution: str) -> list[Answer]:
        request: dict[str, Any] = {"pipelineName": self.name(kind), "filter": {"pipelineExecutionId": execution}}
        return [each for page in self.client.get_paginator(operation).paginate(**request) for each in page[field]]

    def _carried(self, release: Release, actions: Sequence[Answer]) -> Release:
        """Return the release with its record's content; that of an execution without a record stays empty."""
        keys = (each.get("output", {}).get("outputVariables", {}).get("ObjectKey", "") for each in actions)
        key = next((key for key in keys if key), "")
        if not key:
            return replace(release, revision="")
        found = replace(release, revision=key.rpartition("/")[2].removesuffix(SUFFIX))
        try:
            record = read_json(ReleaseRecord, read_archive(self.services, key)[0], "the release record")
        except (InvalidArchiveError, InvalidRecordError):
            # The import refuses it and tells why.
            return found
        return replace(
            found,
            model=record.model,
            version=record.version,
            to=record.to,
            requested_by=record.requested_by,
            trained_by=record.trained_by,
        )

    def _explained(self, release: Release, stage: StageProgress, actions: Sequence[Answer]) -> StageProgress:
        if stage.state == StageState.WAITING:
            approver = who_approves(self.place, stage.stage, release.model, release.requested_by, release.trained_by)
            return replace(stage, approver=approver)
        if stage.state != StageState.FAILED:
            return stage
        action = newest_failure(stage.stage, actions)
        assert action is not None, "a failed stage has a failed action"
        failure = failure_of(action, self.services)
        remedy = remedy_of(failure, execution=release.short, again=release.again)
        return replace(stage, state=failure.state, cause=failure.cause, remedy=remedy)


def _revision(summary: Answer) -> str:
    revisions = summary.get("sourceRevisions", [])
    return str(next((each.get("revisionId", "") for each in revisions if each["actionName"] == SOURCE), ""))


def _skipped(stage: StageProgress) -> StageProgress:
    return replace(stage, state=StageState.SKIPPED) if stage.state == StageState.PENDING else stage
