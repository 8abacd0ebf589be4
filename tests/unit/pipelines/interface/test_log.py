"""Tests the lines of the log: one JSON object each, with the ids that the work is about."""

import json
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest

from pipelines.interface import log

IDS = {name: f"the-{name}" for name in log.SUBJECT}


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> "Lines":
    return Lines(capsys)


class Lines:
    """The lines that were written since the last look."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]

    def one(self) -> dict[str, Any]:
        [line] = self.all()
        return line


def test_fields_are_in_the_same_order_in_every_line(lines: Lines) -> None:
    with log.bound(**dict(reversed(IDS.items()))):
        log.info("run planned", zebra=1, apple=2)
    assert list(lines.one()) == ["time", "level", "message", *log.SUBJECT, "zebra", "apple"]


def test_line_has_its_message_level_and_a_time_of_now(lines: Lines) -> None:
    before = datetime.now(UTC)
    log.info("lease taken", token=4)
    line = lines.one()
    assert (line["level"], line["message"], line["token"]) == ("INFO", "lease taken", 4)
    assert line["time"].endswith("Z")
    time = datetime.fromisoformat(line["time"])
    # A line's time is in milliseconds, cut off.
    assert (before - time).total_seconds() < 0.001
    assert time <= datetime.now(UTC)


def test_line_without_ids_has_none(lines: Lines) -> None:
    log.info("hello")
    assert list(lines.one()) == ["time", "level", "message"]


def test_inner_ids_join_the_outer_ones_and_end_with_their_block(lines: Lines) -> None:
    with log.bound(model="late-arrival", run="r1"):
        with log.bound(run="r2", check="c1"):
            log.info("inner")
        log.info("outer")
    log.info("after")
    inner, outer, after = lines.all()
    assert {name: inner[name] for name in ("model", "run", "check")} == {
        "model": "late-arrival",
        "run": "r2",
        "check": "c1",
    }
    assert {name: outer.get(name) for name in ("model", "run", "check")} == {
        "model": "late-arrival",
        "run": "r1",
        "check": None,
    }
    assert "model" not in after


def test_ids_end_with_their_block_after_an_error(lines: Lines) -> None:
    with pytest.raises(KeyError), log.bound(model="late-arrival"):
        raise KeyError
    log.info("after")
    assert "model" not in lines.one()


def test_none_and_empty_ids_are_left_out_and_hide_no_outer_id(lines: Lines) -> None:
    with log.bound(model="late-arrival", run=None, release=""), log.bound(model=None):
        log.info("hello")
    line = lines.one()
    assert line["model"] == "late-arrival"
    assert not {"run", "release"} & line.keys()


def test_fields_that_are_none_are_written(lines: Lines) -> None:
    log.info("run planned", champion=None)
    assert lines.one()["champion"] is None


def test_failure_is_an_error_line_with_the_errors_name_and_text(lines: Lines) -> None:
    with log.bound(run="r1"):
        log.failure(ValueError("no rows"), step="train")
    line = lines.one()
    assert (line["level"], line["message"]) == ("ERROR", "ValueError: no rows")
    assert (line["run"], line["step"]) == ("r1", "train")


@pytest.mark.parametrize("ids", [{"user": "alice"}, {"model": "m", "users": None, "row": "1"}])
def test_unknown_id_is_refused_and_the_known_ones_are_named(ids: dict[str, str | None]) -> None:
    with pytest.raises(ValueError, match="environment, function, job, model") as raised, log.bound(**ids):
        pass
    for name in ids.keys() - {"model"}:
        assert repr(name) in str(raised.value)


def test_message_of_several_lines_is_one_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    log.info("one\ntwo", reason="three\nfour")
    assert capsys.readouterr().out.count("\n") == 1


def test_text_of_any_kind_and_other_values_are_written(lines: Lines) -> None:
    log.info("größer", reasons=("a", "b"), metrics={"auc": 0.75}, when=datetime(2026, 3, 1, tzinfo=UTC))  # type: ignore[arg-type]
    line = lines.one()
    assert line["message"] == "größer"
    assert (line["reasons"], line["metrics"]) == (["a", "b"], {"auc": 0.75})
    assert line["when"].startswith("2026-03-01")


def test_job_has_the_ids_of_its_variables(lines: Lines) -> None:
    variables = {"MOORING_RUN": "r1", "MOORING_MODEL": "late-arrival", "MOORING_CHECK": "", "MODEL": "x", "RUN": "y"}
    with log.bound_by_variables(variables):
        log.info("rows split")
    line = lines.one()
    assert list(line) == ["time", "level", "message", "model", "run"]
    assert (line["model"], line["run"]) == ("late-arrival", "r1")


def test_ids_belong_to_one_thread(lines: Lines) -> None:
    with log.bound(run="r1"):
        other = Thread(target=log.info, args=("elsewhere",))
        other.start()
        other.join()
        log.info("here")
    elsewhere, here = lines.all()
    assert "run" not in elsewhere
    assert here["run"] == "r1"
