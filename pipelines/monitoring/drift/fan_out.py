"""A window that is too large for one function: its batches are counted by many at once, and merged.

The batches are those that one function would read one after another, and they are merged in the same order, so the
result is the same to the last bit. What the functions hand each other lies below the check's own prefix.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.aws.clients import Services
from pipelines.aws.s3 import Bucket, ListedObject
from pipelines.interface.paths import check_prefix
from pipelines.interface.times import parse_moment, written
from pipelines.monitoring.capture.listing import fingerprint
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift.counting import WindowCounts
from pipelines.statistics.profile import Profile


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be counted: batches of the files that one version captured in a window."""

    version: int
    window: Window
    batches: Sequence[Sequence[ListedObject]]

    @property
    def name(self) -> str:
        """Another one if other files are to be read."""
        return fingerprint([file for batch in self.batches for file in batch])

    def to_document(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "begin": written(self.window.begin),
            "end": written(self.window.end),
            "batches": [[[file.key, file.size_bytes, file.etag] for file in batch] for batch in self.batches],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Plan":
        return cls(
            version=document["version"],
            window=Window(begin=parse_moment(document["begin"]), end=parse_moment(document["end"])),
            batches=[
                [ListedObject(key=key, size_bytes=size, etag=etag) for key, size, etag in batch]
                for batch in document["batches"]
            ],
        )


def start(services: Services, model: str, check_id: str, plan: Plan, encryption: Mapping[str, str]) -> str:
    """Start the state machine that counts the plan's batches; returns the execution's ARN."""
    folder = f"{check_prefix(model, check_id)}{plan.name}/"
    services.bucket("artifacts").write_json(f"{folder}plan.json", plan.to_document(), **encryption)
    request = {"model": model, "folder": folder, "batches": list(range(len(plan.batches)))}
    answer = services.client("stepfunctions").start_execution(
        stateMachineArn=services.environment.state_machine_arn("checks"), input=json.dumps(request)
    )
    return str(answer["executionArn"])


def read_plan(artifacts: Bucket, folder: str) -> Plan:
    return Plan.from_document(artifacts.read_json(f"{folder}plan.json"))


def write_part(
    artifacts: Bucket, folder: str, number: int, counted: WindowCounts, encryption: Mapping[str, str]
) -> None:
    artifacts.write_json(_part_key(folder, number), counted.to_document(), **encryption)


def merged(artifacts: Bucket, folder: str, plan: Plan, layout: Profile) -> WindowCounts:
    """All parts of a plan, in the order of its batches; memory holds two at a time."""
    counted = WindowCounts(profile=layout.empty())
    for number in range(len(plan.batches)):
        counted = counted.merge(WindowCounts.from_document(artifacts.read_json(_part_key(folder, number))))
    return counted


def _part_key(folder: str, number: int) -> str:
    return f"{folder}parts/{number:05}.json"
