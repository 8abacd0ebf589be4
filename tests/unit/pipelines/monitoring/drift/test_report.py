"""The report begins with what changed and how much it matters, needs no network, and escapes everything."""

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.interface.records import Check, CheckOutcome, ColumnChange
from pipelines.interface.settings import Drift
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.monitoring.drift.report import first_line, render
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import PREDICTION, Profile

RULES = Drift(window_hours=1, min_rows=100, false_alarm_rate=0.005, min_effect=0.07, persistence=1)
EVIL = "=cmd|'/c'!A1<script>alert(1)</script>\"&"
CHECK = Check(
    check_id="c1",
    model="late-arrival",
    begin="2026-03-01T11:00:00Z",
    end="2026-03-01T12:00:00Z",
    version=3,
    outcome=CheckOutcome.DRIFT,
    rows=5000,
    worst=(),
    package_arn="arn:aws:sagemaker:us-east-1:000000000000:model-package/late-arrival/3",
    predictions={"mean": 0.25, "positive_share": 0.2},
)
RANDOM = np.random.default_rng(0)
TABLE = {
    "temp": RANDOM.normal(size=5000),
    "wind": RANDOM.normal(size=5000),
    "town": RANDOM.choice(np.array(["a", "b", None], dtype=object), 5000),
    PREDICTION: RANDOM.random(5000),
}
REFERENCE = Profile.of([TABLE], categories=["town"])


def window(**columns: npt.NDArray[np.float64]) -> Profile:
    return Profile.of([{**TABLE, **columns}], like=REFERENCE)


def decided(current: Profile, reference: Profile = REFERENCE, **importance: float) -> Decision:
    return decide(compare(reference, current), RULES, records=1, corrupt=0, importance=importance)


def checked(end: str, outcome: str, effect: float = 0.0) -> Check:
    """Return a check of an earlier window, in which one column has drifted by ``effect`` unless that is 0."""
    change = ColumnChange(name="temp", effect=effect, psi=0.1, importance=None, evidence="shape", drifted=True)
    return replace(CHECK, end=end, outcome=CheckOutcome(outcome), worst=(change,) if effect else ())


def report(
    decision: Decision,
    *,
    check: Check = CHECK,
    baseline: Profile = REFERENCE,
    current: Profile = REFERENCE,
    earlier: Sequence[Check] = (),
) -> str:
    return render(decision, check, quality="auc 0.700", baseline=baseline, current=current, earlier=earlier)


class Reader(HTMLParser):
    """The elements, attributes and text of a page."""

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


def test_first_line_has_drifted_columns_with_effect_and_importance() -> None:
    moved = window(temp=TABLE["temp"] + 3, wind=TABLE["wind"] + 3, **{PREDICTION: TABLE[PREDICTION] ** 2})
    line = first_line(decided(moved, temp=0.2, wind=0.7, town=0.1))
    assert re.fullmatch(
        r"5,000 rows; drifted since training: wind by 0\.\d\d \(70% of the model's skill\), "
        r"temp by 0\.\d\d \(20% of the model's skill\), the predictions by 0\.\d\d\.",
        line,
    )


def test_first_line_of_a_stable_window_has_no_columns() -> None:
    assert first_line(decided(window())) == (
        "5,000 rows; no column has changed by more than chance and the least effect that counts."
    )


def test_small_changes_are_called_small() -> None:
    assert "changed a little since training: temp by 0.0" in first_line(decided(window(temp=TABLE["temp"] + 0.15)))


def test_everything_is_escaped() -> None:
    reference = Profile.of([{EVIL: [1.0, 2.0, 3.0] * 100, "town": [EVIL, "b", "c"] * 100}], categories=["town"])
    current = Profile.of([{EVIL: [9.0] * 300, "town": [EVIL + "2", EVIL, EVIL] * 100}], like=reference)
    check = replace(CHECK, check_id=EVIL, model=EVIL, begin=EVIL, end=EVIL, package_arn=EVIL, predictions={EVIL: 0.1})
    html = report(decided(current, reference), check=check, baseline=reference, current=current, earlier=[check])
    page = read(html)
    assert "script" not in page.tags
    assert not [value for _, value in page.attributes if value and "script" in value]
    assert EVIL in page.text
    assert "<td>&#x27;=cmd" in html, "a spreadsheet takes the column's name for text"


def test_direction_of_writing_is_not_changed_by_a_name() -> None:
    reference = Profile.of([{"a\u202eb": [1.0, 2.0, 3.0] * 100}])
    current = Profile.of([{"a\u202eb": [9.0] * 300}], like=reference)
    html = report(decided(current, reference), baseline=reference, current=current)
    assert "\u202e" not in html
    assert "a\\u202eb by" in html


def test_page_needs_no_network() -> None:
    html = report(decided(window()))
    page = read(html)
    assert "default-src 'none'" in html
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "xlink:href")]
    assert page.tags.count("svg") == 1 + len(TABLE)


def test_trend_has_earlier_windows_and_this_one() -> None:
    earlier = [checked(f"2026-03-01T{hour}:00:00Z", "stable") for hour in ("11", "10")]
    text = read(report(decided(window()), earlier=earlier)).text
    times = re.findall(r"(2026-03-01T\d\d:00:00Z): (\w+)", text)
    assert times == [
        ("2026-03-01T10:00:00Z", "stable"),
        ("2026-03-01T11:00:00Z", "stable"),
        ("2026-03-01T12:00:00Z", "drift"),
    ]


def test_trend_has_the_largest_effect_of_a_drifted_column() -> None:
    text = read(report(decided(window()), earlier=[checked("2026-03-01T11:00:00Z", "drift", 0.4)])).text
    assert "2026-03-01T11:00:00Z: drift, 0.40" in text


def test_facts_have_the_check_its_predictions_and_the_quality() -> None:
    text = read(report(decided(window()))).text
    for fact in ("late-arrival v3", "2026-03-01T11:00:00Z to 2026-03-01T12:00:00Z", "mean 0.250, positive share 0.200"):
        assert fact in text
    assert "qualityauc 0.700" in text


@pytest.mark.parametrize("values", [[np.nan] * 200, [np.inf] * 200, [0.0] * 200, [1e300, -1e300] * 100, []])
def test_draws_odd_columns(values: list[float]) -> None:
    rows = len(values)
    table: dict[str, list[float] | list[str]] = {
        "temp": values,
        "wind": values,
        "town": ["a"] * rows,
        PREDICTION: values,
    }
    current = Profile.of([table], like=REFERENCE)
    odd = Profile.of([table], categories=["town"])
    for reference, now in ((REFERENCE, current), (odd, odd)):
        page = report(decided(now, reference), baseline=reference, current=now)
        assert "nan" not in page
        assert "inf" not in page.replace("infinite", "")
