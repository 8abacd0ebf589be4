"""Plans the counting of a window that is too large for one function: many count its batches, one merges the parts.

The batches are those that one function would read one after another, and they are merged in the same order, so the
result is the same to the last bit. Plan and parts are below the check's own prefix.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.aws.clients import Services
from pipelines.aws.s3 import Bucket, ListedObject
from pipelines.interface.paths import check_prefix
from pipelines.interface.times import format_time, parse_time
from pipelines.monitoring.capture.listing import fingerprint
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift.counting import WindowCounts, WindowCountsDocument
from pipelines.statistics.profile import Profile

FAN_OUT_BYTES = 4 << 30
"""Largest window in bytes that one function counts: it reads these in about a minute."""


@dataclass(frozen=True, kw_only=True)
class PlanDocument:
    """The plan as JSON; a batch is a list of [key, size in bytes, etag]."""

    version: int
    begin: str
    end: str
    batches: tuple[tuple[tuple[str | int, ...], ...], ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The batches of files that one version captured in a window."""

    version: int
    window: Window
    batches: Sequence[Sequence[ListedObject]]

    @property
    def name(self) -> str:
        """A digest of the files of the plan."""
        return fingerprint([file for batch in self.batches for file in batch])

    def to_document(self) -> PlanDocument:
        return PlanDocument(
            version=self.version,
            begin=format_time(self.window.begin),
            end=format_time(self.window.end),
            batches=tuple(tuple((file.key, file.size_bytes, file.etag) for file in batch) for batch in self.batches),
        )

    @classmethod
    def from_document(cls, document: PlanDocument) -> "Plan":
        return cls(
            version=document.version,
            window=Window(begin=parse_time(document.begin), end=parse_time(document.end)),
            batches=[
                [ListedObject(key=str(key), size_bytes=int(size), etag=str(etag)) for key, size, etag in batch]
                for batch in document.batches
            ],
        )


def start(services: Services, model: str, check_id: str, plan: Plan, encryption: Mapping[str, str]) -> str:
    """Start the state machine that counts the plan's batches; return the execution's ARN."""
    folder = f"{check_prefix(model, check_id)}{plan.name}/"
    services.bucket("artifacts").write_record(f"{folder}plan.json", plan.to_document(), **encryption)
    request = {"model": model, "folder": folder, "batches": list(range(len(plan.batches)))}
    answer = services.client("stepfunctions").start_execution(
        stateMachineArn=services.environment.state_machine_arn("checks"), input=json.dumps(request)
    )
    return str(answer["executionArn"])


def read_plan(artifacts: Bucket, folder: str) -> Plan:
    return Plan.from_document(artifacts.read_record(PlanDocument, f"{folder}plan.json"))


def write_part(
    artifacts: Bucket, folder: str, number: int, counts: WindowCounts, encryption: Mapping[str, str]
) -> None:
    artifacts.write_record(_part_key(folder, number), counts.to_document(), **encryption)


def merged(artifacts: Bucket, folder: str, plan: Plan, layout: Profile) -> WindowCounts:
    """Return all parts of a plan, merged in the order of its batches; memory holds two at a time."""
    counts = WindowCounts(profile=layout.empty())
    for number in range(len(plan.batches)):
        part = artifacts.read_record(WindowCountsDocument, _part_key(folder, number))
        counts = counts.merge(WindowCounts.from_document(part))
    return counts


def _part_key(folder: str, number: int) -> str:
    return f"{folder}parts/{number:05}.json"
