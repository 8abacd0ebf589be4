"""The report says first what changed and how much it matters, needs no network, and escapes everything."""

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from pipelines.interface.settings import Drift
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.monitoring.drift.report import first_line, render
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import PREDICTION, Profile

RULES = Drift(window_hours=1, min_rows=100, false_alarm_rate=0.005, min_effect=0.07, persistence=1)
EVIL = "=cmd|'/c'!A1<script>alert(1)</script>\"&"
ABOUT = {"model": "late-arrival", "version": 3, "end": "2026-03-01T12:00:00Z"}
RANDOM = np.random.default_rng(0)
TABLE = {
    "temp": RANDOM.normal(size=5000),
    "wind": RANDOM.normal(size=5000),
    "town": RANDOM.choice(np.array(["a", "b", None], dtype=object), 5000),
    PREDICTION: RANDOM.random(5000),
}
REFERENCE = Profile.of([TABLE], categories=["town"])


def window(**columns: Any) -> Profile:
    return Profile.of([{**TABLE, **columns}], like=REFERENCE)


def decided(current: Profile, reference: Profile = REFERENCE, **importance: float) -> Decision:
    return decide(compare(reference, current), RULES, records=1, corrupt=0, importance=importance)


class Reader(HTMLParser):
    """Collects elements and their attributes, and fails on what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_first_line_says_what_changed_and_how_much_it_matters() -> None:
    moved = window(temp=TABLE["temp"] + 3, wind=TABLE["wind"] + 3, **{PREDICTION: TABLE[PREDICTION] ** 2})
    line = first_line(decided(moved, temp=0.2, wind=0.7, town=0.1))
    assert re.fullmatch(
        r"5,000 rows; drifted since training: wind by 0\.\d\d \(70% of the model's skill\), "
        r"temp by 0\.\d\d \(20% of the model's skill\), the predictions by 0\.\d\d\.",
        line,
    )


def test_first_line_of_a_stable_window_says_so() -> None:
    assert first_line(decided(window())) == (
        "5,000 rows; no column has changed by more than chance and the least effect that counts."
    )


def test_small_changes_are_called_small() -> None:
    assert "changed a little since training: temp by 0.0" in first_line(decided(window(temp=TABLE["temp"] + 0.15)))


def test_everything_is_escaped() -> None:
    reference = Profile.of([{EVIL: [1.0, 2.0, 3.0] * 100, "town": [EVIL, "b", "c"] * 100}], categories=["town"])
    current = Profile.of([{EVIL: [9.0] * 300, "town": [EVIL + "2", EVIL, EVIL] * 100}], like=reference)
    found = decided(current, reference)
    about = {"model": EVIL, "version": EVIL, "end": EVIL, EVIL: EVIL}
    earlier = [{"end": EVIL, "outcome": EVIL, "worst": found.worst}]
    page = read(render(found, about, baseline=reference, current=current, earlier=earlier))
    assert "script" not in page.tags
    assert not [value for _, value in page.attributes if value and "script" in value]
    assert EVIL in page.text


def test_page_needs_no_network() -> None:
    page = read(render(decided(window()), ABOUT, baseline=REFERENCE, current=window()))
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "xlink:href")]
    assert page.tags.count("svg") == 1 + len(TABLE)


def test_trend_has_the_windows_before_and_this_one() -> None:
    found = decided(window(temp=TABLE["temp"] + 3))
    earlier = [{"end": f"2026-03-01T{hour}:00:00Z", "outcome": "stable", "worst": []} for hour in ("11", "10")]
    text = read(render(found, ABOUT, earlier=earlier)).text
    times = re.findall(r"(2026-03-01T\d\d:00:00Z): (\w+)", text)
    assert times == [
        ("2026-03-01T10:00:00Z", "stable"),
        ("2026-03-01T11:00:00Z", "stable"),
        ("2026-03-01T12:00:00Z", "drift"),
    ]


@pytest.mark.parametrize("values", [[np.nan] * 200, [np.inf] * 200, [0.0] * 200, [1e300, -1e300] * 100, []])
def test_odd_columns_can_be_drawn(values: list[float]) -> None:
    rows = len(values)
    table: dict[str, Any] = {"temp": values, "wind": values, "town": ["a"] * rows, PREDICTION: values}
    current = Profile.of([table], like=REFERENCE)
    odd = Profile.of([table], categories=["town"])
    for reference, now in ((REFERENCE, current), (odd, odd)):
        page = render(decided(now, reference), ABOUT, baseline=reference, current=now)
        assert "nan" not in page
        assert "inf" not in page.replace("infinite", "")
