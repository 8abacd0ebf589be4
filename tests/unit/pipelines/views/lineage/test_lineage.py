"""The graph of a lineage, told and drawn."""

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.views.lineage import svg, text
from pipelines.views.lineage.graph import KINDS, Graph
from pipelines.views.lineage.layout import columns, place

EVALUATION = {
    "metric": "auc",
    "rows": 28243,
    "candidate": {"auc": 0.7523, "brier": 0.2},
    "champion": {"auc": 0.7},
    "champion_version": 1,
    "gain": {"difference": 0.052, "low": 0.047, "high": 0.057},
}


def life(**names: str) -> Graph:
    """Two versions, of which the second was compared with the first and serves; a rejected run; a rewritten commit."""
    message, by = names.get("message", "April to June"), names.get("by", "bob")
    graph = Graph(environment="arrivals-dev-us-east-1", subject="")
    old = graph.add("commit", "flights/0ld", {"dataset": "flights", "commit": "0ld", "forgotten": {"new": "new"}})
    commit = graph.add("commit", "flights/new", {"dataset": "flights", "commit": "new", "message": message, "files": 6})
    graph.link(old, "rewritten as", commit)
    run = graph.add("run", "m/r2", {"outcome": "registered", "trigger": {"kind": "drift", "by": "drift_check"}})
    graph.link(commit, "used by", run)
    graph.link(graph.add("package", "m/1", {"model": "m", "version": 1, "status": "Approved"}), "compared with", run)
    jobs = []
    for step, report in (("validate", {}), ("train", {}), ("evaluate", {"evaluation": EVALUATION})):
        jobs.append(graph.add("job", f"m/r2/{step}", {"step": step, "name": f"m-{step}-x-0", **report}))
        graph.link(run, "ran", jobs[-1])
    package = graph.add("package", "m/2", {"model": "m", "version": 2, "approval": {"by": by, "at": "noon"}})
    graph.link(jobs[1], "made", package)
    graph.link(jobs[2], "measured", package)
    release = graph.add("release", "m/l1", {"outcome": "released", "by": "approval"})
    graph.link(package, "released by", release)
    graph.link(
        release, "serves at", graph.add("endpoint", "e", {"model": "m", "champion": "m/2", "status": "InService"})
    )
    rejected = graph.add("run", "m/r3", {"outcome": "rejected", "cause": "auc 0.63, at least 0.65 wanted"})
    graph.link(package, "compared with", rejected)
    graph.subject = package
    return graph


def test_told_once_from_the_commit_on() -> None:
    told = text.render(life())
    lines = told.splitlines()
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
    assert told.count("compared with m v1") == 1
    assert "auc 0.7523 · on 28,243 held-out rows" in told
    assert "v1 has 0.7 there · gain +0.0520 (+0.0470 to +0.0570)" in told
    assert "auc 0.63, at least 0.65 wanted" in told


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


def test_picture_stands_alone() -> None:
    drawn = ET.fromstring(svg.render(life()))
    texts = [element.text or "" for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "m v2" in texts
    assert "rejected" in texts
    assert {element.tag.partition("}")[2] for element in drawn.iter()} & {"script", "image", "foreignObject"} == set()
    assert "http" not in svg.render(life()).replace('xmlns="http://www.w3.org/2000/svg"', "")


@given(message=st.text(), by=st.text())
def test_picture_stays_one_whatever_people_write(message: str, by: str) -> None:
    drawn = ET.fromstring(svg.render(life(message=message, by=by)))
    plain = ET.fromstring(svg.render(life()))
    tags = [
        [element.tag for element in picture.iter() if not element.tag.endswith("}text")] for picture in (drawn, plain)
    ]
    assert tags[0] == tags[1]


def test_markup_in_a_message_is_shown_not_obeyed() -> None:
    graph = life(message="</text><script>alert(1)</script>\x00\x1b[2J&")
    drawn = svg.render(graph)
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    assert not {"\x00", "\x1b"} & set(drawn + text.render(graph))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "job"])
def test_node_of_which_nothing_is_known_is_told_and_drawn(kind: str) -> None:
    known: dict[str, Any] = {"commit": {"dataset": "flights"}}.get(kind, {})
    graph = Graph(environment="e", subject=f"{kind}:m/x")
    graph.add(kind, "m/x", known, missing="no longer there")
    assert "no longer there" in text.render(graph)
    ET.fromstring(svg.render(graph))


def test_columns_follow_time() -> None:
    found = columns(life())
    asked = ("commit:flights/0ld", "commit:flights/new", "run:m/r2", "package:m/2")
    assert [found[identity] for identity in asked] == [0, 1, 2, 4]
