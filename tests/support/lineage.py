"""Lineages of a model's life on moto, the facts in them, and partial records that change the life."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from pipelines.interface import keys
from pipelines.interface.paths import commit_key
from pipelines.interface.records import (
    Run,
    Tombstone,
    Trigger,
)
from pipelines.views.lineage import svg, text
from pipelines.views.lineage.graph import Graph, Node
from pipelines.views.lineage.subject import find_subject
from pipelines.views.lineage.trace import trace
from tests.support.life import Life
from tests.support.world import ENVIRONMENT, MODEL, World

F = TypeVar("F")
DATASETS = {MODEL.name: "flights"}
TOMBSTONE_TIME = "2026-03-05T10:00:00Z"


@dataclass(frozen=True)
class PackageOfRun:
    package_arn: str


@dataclass(frozen=True)
class TriggerOfRun:
    trigger: Trigger


@dataclass(frozen=True)
class ParentOfCommit:
    parent: str | None


@pytest.fixture
def life(world: World, tmp_path: Path) -> Life:
    return Life(world=world, folder=tmp_path)


def traced(life: Life, asked: str) -> Graph:
    return trace(life.world.services, find_subject(asked, life.world.services, DATASETS))


def all_of(graph: Graph, kind: type[F]) -> list[F]:
    """Return the facts of all nodes of one kind."""
    return [node.facts for node in graph.nodes.values() if isinstance(node.facts, kind)]


def only(graph: Graph, kind: type[F]) -> F:
    (facts,) = all_of(graph, kind)
    return facts


def node_of(graph: Graph, kind: type[F]) -> Node:
    (node,) = (node for node in graph.nodes.values() if isinstance(node.facts, kind))
    return node


def runs_of(life: Life) -> list[Run]:
    return [run for _, run in life.world.services.ledger.query(keys.runs(MODEL.name))]


def forget(life: Life, old: str, new: str, parent: str | None) -> Tombstone:
    """Rewrite a commit as another one, as a forgetting does."""
    ledger = life.world.services.ledger
    tombstone = Tombstone(new=new, time=TOMBSTONE_TIME, by="carol", reason="request 17")
    ledger.record(keys.tombstone("flights", old), tombstone)
    ledger.delete(keys.commit("flights", old), expected={"parent": parent})
    ledger.update(keys.commit("flights", new), ParentOfCommit(parent=None))
    life.world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=commit_key("flights", old))
    return tombstone


def drawn(graph: Graph) -> str:
    """Return the graph in every form in which it is shown."""
    return json.dumps(graph.to_document()) + text.render(graph) + svg.render(graph)
