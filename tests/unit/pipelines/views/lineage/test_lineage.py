"""The graph of a lineage as text, as JSON and as a picture."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.interface.records import Gain, SplitRecord, Tombstone, Verification
from pipelines.views.lineage import svg, text
from pipelines.views.lineage.facts import (
    KINDS,
    Approval,
    BrokenRule,
    CheckCounts,
    CheckFacts,
    ColumnDrift,
    CommitContents,
    CommitFacts,
    CommitOrigin,
    EndpointFacts,
    EndpointState,
    EvaluationFigures,
    Facts,
    JobDescription,
    JobFacts,
    PackageDescription,
    PackageFacts,
    Part,
    QualityFacts,
    ReleaseFacts,
    RunDetails,
    RunFacts,
    RunTrigger,
    ValidationFigures,
    to_attributes,
)
from pipelines.views.lineage.graph import Graph
from pipelines.views.lineage.layout import columns, place

REFERENCE = Path(__file__).parents[5] / "docs/reference/lineage.md"
ORIGIN = CommitOrigin(tree="t", parent=None, time="2026-03-01T10:00:00Z")
DRIFT = RunDetails(
    execution="x",
    started="2026-03-01T10:00:00Z",
    seconds=61,
    trigger=RunTrigger(kind="drift", by="drift_check", reason="c1"),
)
EVALUATION = EvaluationFigures(
    task="classification",
    target="late",
    metric="auc",
    rows=28243,
    candidate={"auc": 0.7523, "brier": 0.2},
    candidate_sha256="a" * 64,
    champion={"auc": 0.7},
    champion_version=1,
    gain=Gain(metric="auc", difference=0.052, low=0.047, high=0.057, samples=1000, seed=0),
)
VALIDATION = ValidationFigures(
    outcome="failed",
    rows=1200,
    files=1,
    rules=7,
    contract_sha256="d" * 64,
    unlabelled=3,
    violations=(BrokenRule(column="temp", rule="max", count=1, detail="at most 120"),),
    training=SplitRecord(rows=900, months=("2013-01", "2013-02")),
    holdout=SplitRecord(rows=300, months=("2013-03",)),
)
DESCRIPTION = PackageDescription(
    status="Approved", status_comment="", created=None, image="i", artifact="s3://a/model.tar.gz", metrics={"auc": 0.7}
)
NOTHING_KNOWN: dict[str, Facts] = {
    "commit": CommitFacts(dataset="flights", commit="x"),
    "run": RunFacts(model="m", run_id="x", outcome="unknown"),
    "job": JobFacts(step="train", name=None),
    "package": PackageFacts(model="m", version=1, arn="arn"),
    "release": ReleaseFacts(release_id="x", outcome="unknown"),
    "check": CheckFacts(check_id="x", outcome="unknown", worst=()),
    "quality": QualityFacts(window="w", outcome="unknown", value=None, evaluated=None),
    "endpoint": EndpointFacts(model="m", champion=None, since=None),
}


def life(*, message: str = "April to June", by: str = "bob") -> Graph:
    """Return a graph with two versions, a rejected run and a rewritten commit.

    The second version was compared with the first, and serves.
    """
    graph = Graph(environment="arrivals-dev-us-east-1", subject="")
    stone = Tombstone(new="new", time="2026-03-05T10:00:00Z", by="carol", reason="request 17")
    contents = CommitContents(author="alice", message=message, files=6, size_bytes=2_800_000, rows=166_158)
    old = graph.add("flights/0ld", CommitFacts(dataset="flights", commit="0ld", forgotten=stone))
    new = CommitFacts(dataset="flights", commit="new", origin=ORIGIN, contents=contents)
    commit = graph.add("flights/new", new)
    graph.link(old, "rewritten as", commit)
    run = graph.add("m/r2", RunFacts(model="m", run_id="r2", outcome="registered", details=DRIFT))
    graph.link(commit, "used by", run)
    champion = PackageFacts(model="m", version=1, arn="arn1", description=DESCRIPTION)
    graph.link(graph.add("m/1", champion), "compared with", run)
    jobs = []
    for step, evaluation in (("validate", None), ("train", None), ("evaluate", EVALUATION)):
        jobs.append(graph.add(f"m/r2/{step}", JobFacts(step=step, name=f"m-{step}-x-0", evaluation=evaluation)))
        graph.link(run, "ran", jobs[-1])
    approval = Approval(by=by, at="noon", comment="looks good")
    package = graph.add("m/2", PackageFacts(model="m", version=2, arn="arn2", approval=approval))
    graph.link(jobs[1], "made", package)
    graph.link(jobs[2], "measured", package)
    verified = Verification(latency_ms=12.0, golden_rows=8)
    released = ReleaseFacts(release_id="l1", outcome="released", by="approval", verification=verified)
    release = graph.add("m/l1", released)
    graph.link(package, "released by", release)
    state = EndpointState(challenger=None, status="InService", serves=("m/2",))
    endpoint = graph.add("e", EndpointFacts(model="m", champion="m/2", since="noon", state=state))
    graph.link(release, "serves at", endpoint)
    details = RunDetails(
        execution="y",
        started="2026-03-02T10:00:00Z",
        seconds=None,
        trigger=RunTrigger(kind="person", by="alice", reason=""),
        cause="auc 0.63, at least 0.65 wanted",
    )
    rejected = graph.add("m/r3", RunFacts(model="m", run_id="r3", outcome="rejected", details=details))
    graph.link(package, "compared with", rejected)
    graph.subject = package
    return graph


def attribute_names(facts: type) -> Iterator[str]:
    """Yield the names of all attributes of one kind of node, those of its parts too."""
    hints = get_type_hints(facts)
    for field in fields(facts):
        kinds = get_args(hints[field.name])
        parts = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Part)]
        yield from attribute_names(parts[0]) if parts else (field.name,)


def test_text_has_each_node_once_below_its_commit() -> None:
    rendered = text.render(life())
    lines = rendered.splitlines()
    heads = [line.replace("│", " ").strip(" ├└─") for line in lines if "─ " in line or line.startswith("commit")]
    assert heads == [
        "commit 0ld",
        "rewritten as commit new",
        "run r2  registered",
        "validate",
        "train",
        "evaluate",
        "m v2  ◀ asked for",
        "release l1  released",
        "endpoint m  InService",
        "compared with run r3  rejected",
    ]
    assert rendered.count("compared with m v1") == 1
    assert "auc 0.7523 · on 28,243 held-out rows" in rendered
    assert "v1 has 0.7 there · gain +0.0520 (+0.0470 to +0.0570)" in rendered
    assert "auc 0.63, at least 0.65 wanted" in rendered
    assert "8 golden rows answered alike · 12 ms" in rendered


def test_document_is_stable_json() -> None:
    document = json.loads(json.dumps(life().to_document()))
    assert document["format"] == 1
    assert list(document) == ["format", "environment", "subject", "nodes", "edges"]
    assert {tuple(node) for node in document["nodes"]} == {("kind", "id", "attributes", "missing")}
    assert {node["kind"] for node in document["nodes"]} <= set(KINDS)
    assert {tuple(edge) for edge in document["edges"]} == {("source", "target", "relation")}


def test_picture_reads_from_left_to_right_without_overlap() -> None:
    graph = life()
    boxes = place(graph, dict.fromkeys(graph.nodes, 80), width=200)
    assert set(boxes) == set(graph.nodes)
    for edge in graph.edges:
        assert boxes[edge.source].right < boxes[edge.target].left
    placed = list(boxes.values())
    for number, one in enumerate(placed):
        for two in placed[number + 1 :]:
            assert one.left != two.left or one.bottom < two.top or two.bottom < one.top


def test_picture_is_self_contained() -> None:
    drawn = ET.fromstring(svg.render(life()))
    texts = [element.text or "" for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "m v2" in texts
    assert "rejected" in texts
    assert {element.tag.partition("}")[2] for element in drawn.iter()} & {"script", "image", "foreignObject"} == set()
    assert "http" not in svg.render(life()).replace('xmlns="http://www.w3.org/2000/svg"', "")


@given(message=st.text(), by=st.text())
def test_picture_has_the_same_elements_for_any_names(message: str, by: str) -> None:
    drawn = ET.fromstring(svg.render(life(message=message, by=by)))
    plain = ET.fromstring(svg.render(life()))
    tags = [
        [element.tag for element in picture.iter() if not element.tag.endswith("}text")] for picture in (drawn, plain)
    ]
    assert tags[0] == tags[1]


def test_markup_in_a_message_is_escaped() -> None:
    graph = life(message="</text><script>alert(1)</script>\x00\x1b[2J&\u202e")
    drawn = svg.render(graph)
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    assert not {"\x00", "\x1b", "\u202e"} & set(drawn + text.render(graph))


@pytest.mark.parametrize("kind", KINDS)
def test_renders_node_without_attributes(kind: str) -> None:
    graph = Graph(environment="e", subject=f"{kind}:m/x")
    graph.add("m/x", NOTHING_KNOWN[kind], missing="no longer there")
    assert "no longer there" in text.render(graph)
    ET.fromstring(svg.render(graph))


def test_unknown_fields_are_left_out_and_known_nulls_are_written() -> None:
    assert to_attributes(NOTHING_KNOWN["commit"]) == {"dataset": "flights", "commit": "x"}
    assert to_attributes(CommitFacts(dataset="flights", commit="x", origin=ORIGIN))["parent"] is None
    assert to_attributes(NOTHING_KNOWN["job"]) == {"step": "train", "name": None}
    assert to_attributes(NOTHING_KNOWN["quality"]) == {
        "window": "w",
        "outcome": "unknown",
        "value": None,
        "evaluated": None,
    }
    under_way = to_attributes(RunFacts(model="m", run_id="r", outcome="under way", details=DRIFT))
    assert set(under_way) == {"model", "run_id", "outcome", "execution", "started", "seconds", "trigger"}


def test_attributes_of_a_part_stand_beside_those_of_its_node() -> None:
    ended = JobDescription(status="Completed", started=None, ended=None, seconds=4, instance_type="ml.m5.large")
    job = JobFacts(step="validate", name="m-validate-x-0", description=ended, validation=VALIDATION)
    attributes = to_attributes(job)
    assert (attributes["status"], attributes["seconds"], attributes["started"]) == ("Completed", 4, None)
    assert attributes["validation"] == {
        "outcome": "failed",
        "rows": 1200,
        "files": 1,
        "rules": 7,
        "contract_sha256": "d" * 64,
        "unlabelled": 3,
        "violations": [{"column": "temp", "rule": "max", "count": 1, "detail": "at most 120"}],
        "training": {"rows": 900, "months": ["2013-01", "2013-02"]},
        "holdout": {"rows": 300, "months": ["2013-03"]},
    }


def test_node_that_is_added_again_keeps_what_is_known() -> None:
    graph = Graph(environment="e", subject="")
    counts = CheckCounts(total=1, outcomes={"drift": 1}, first="noon", last="noon")
    alone, whole = (
        PackageFacts(model="m", version=1, arn="a"),
        PackageFacts(model="m", version=1, arn="a", checks=counts),
    )
    for facts, expected in ((alone, alone), (whole, whole), (alone, whole)):
        identity = graph.add("m/1", facts)
        assert graph.nodes[identity].facts == expected


def test_note_is_added_once_to_what_is_missing() -> None:
    graph = Graph(environment="e", subject="")
    identity = graph.add("m/1", NOTHING_KNOWN["package"], missing="no entry")
    for _ in range(2):
        graph.note(identity, "a damaged release")
    assert graph.nodes[identity].missing == "no entry; a damaged release"


def test_check_shows_its_most_drifted_columns() -> None:
    worst = tuple(ColumnDrift(name=f"c{number}", psi=9.0 - number, effect=0.1) for number in range(5))
    graph = Graph(environment="e", subject="check:m/x")
    graph.add("m/x", CheckFacts(check_id="x", outcome="drift", worst=worst, end="noon", rows=1))
    rendered = text.render(graph)
    assert "window until noon · 1 row" in rendered
    assert "PSI: c0 9, c1 8, c2 7, c3 6\n" in rendered


def test_columns_follow_time() -> None:
    found = columns(life())
    asked = ("commit:flights/0ld", "commit:flights/new", "run:m/r2", "package:m/2")
    assert [found[identity] for identity in asked] == [0, 1, 2, 4]


@pytest.mark.parametrize("facts", [type(facts) for facts in NOTHING_KNOWN.values()], ids=lambda facts: facts.KIND)
def test_reference_lists_every_attribute(facts: type[Facts]) -> None:
    row = next(line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| {facts.KIND} `"))
    assert set(attribute_names(facts)) <= set(re.findall(r"`(\w+)`", row))
