"""Profiles find what is odd, and their page is whole, small and harmless."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.datasets.commits.commits import File
from pipelines.tables.reading import UnreadableFileError
from pipelines.views.exploration.kinds import AnySeries, KindCounts, look_at
from pipelines.views.exploration.notices import Notice, find_notices
from pipelines.views.exploration.page import render
from pipelines.views.exploration.profiling import DatasetProfile, NoTableError, profile
from pipelines.views.exploration.sample import Sample
from pipelines.views.exploration.wording import figure, share

ROWS = 2000


def profiled(*tables: pd.DataFrame | None) -> DatasetProfile:
    """The profile of files; None is no table."""
    named = {f"{number}.csv": table for number, table in enumerate(tables)}

    def read(file: File) -> Iterator[pd.DataFrame]:
        table = named[file.path]
        if table is None:
            raise UnreadableFileError(f"{file.path}: <no> table")
        yield table

    return profile([File(path=path, sha256=path, size_bytes=100) for path in named], read)


def page(found: DatasetProfile) -> str:
    return render(found, find_notices(found), title="d", about={"message": "m"})


def text(values: object) -> "pd.Series[str]":
    return pd.Series(np.asarray(values)).astype(str)


def notices(table: pd.DataFrame) -> set[tuple[str | None, str]]:
    return {(notice.column, notice.kind) for notice in find_notices(profiled(table))}


@pytest.fixture
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    days = pd.date_range("2026-01-01", periods=ROWS, freq="6h")
    x = random.normal(size=ROWS)
    return pd.DataFrame(
        {
            "when": days.strftime("%Y-%m-%dT%H:%M:%S"),
            "x": text(np.round(x, 3)),
            "twice": text(np.round(2 * x, 3)),
            "count": text(random.poisson(3, ROWS)),
            "colour": random.choice(["red", "green", "blue"], ROWS),
            "is_new": random.choice(["True", "False"], ROWS),
        }
    )


@pytest.mark.parametrize(
    ("values", "kind", "strays"),
    [
        (["1", "-2", "+3", None], "integer", 0),
        (["1", "2.5", "1e3", "inf"], "number", 0),
        (["01", "02", "10"], "text", 0),
        (["2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00+02:00"], "time", 0),
        (["true", "False", None], "boolean", 0),
        (["1"] * 99 + ["n/a"], "integer", 1),
        (["1"] * 9 + ["n/a"], "text", 0),
        (["2013", "nan", "x"], "text", 0),
        ([None, None], "empty", 0),
        (["2026-02-30", "2026-13-01"], "text", 0),
        (["2026-01-01", "9999-12-31", "0001-01-01T00:00:00+00:00"], "time", 0),
    ],
)
def test_kind_of_a_column_is_the_kind_of_nearly_all_values(values: list[str | None], kind: str, strays: int) -> None:
    counts = look_at(pd.Series(values, dtype="object")).count_kinds()
    assert (counts.kind, counts.strays) == (kind, strays)


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pd.Series([1, 2]), "integer"),
        (pd.Series([1.0, None]), "number"),
        (pd.Series([True, False]), "boolean"),
        (pd.to_datetime(pd.Series(["2026-01-01", None])), "time"),
        (pd.Series([1, None], dtype="int64[pyarrow]"), "integer"),
        (pd.Series(["a", None], dtype="string[pyarrow]"), "text"),
        (pd.Series([["a"], ["a", "b"]]), "text"),
        (pd.to_datetime(pd.Series(["2026-01-01", None])).astype("timestamp[us][pyarrow]"), "time"),
        (pd.Series([datetime(9999, 12, 31), None], dtype="timestamp[us][pyarrow]"), "time"),
        (pd.Series([date(2026, 1, 1), None], dtype="date32[day][pyarrow]"), "time"),
        (pd.Series([Decimal("1.5"), None], dtype=pd.ArrowDtype(pa.decimal128(4, 1))), "number"),
        (pd.Series([["a"], None], dtype=pd.ArrowDtype(pa.list_(pa.string()))), "text"),
        (pd.Series([True, None], dtype="bool[pyarrow]"), "boolean"),
    ],
)
def test_kind_of_a_typed_column_follows_its_type(series: AnySeries, kind: str) -> None:
    found = look_at(series)
    assert found.count_kinds().kind == kind
    assert found.missing == int(series.isna().sum())


cells = st.one_of(st.none(), st.sampled_from(["1", "2.5", "a", "true", "2026-01-01"]))


@given(st.lists(cells), st.lists(cells))
def test_kinds_of_parts_add_up(one: list[str | None], two: list[str | None]) -> None:
    def counts(values: list[str | None]) -> KindCounts:
        return look_at(pd.Series(values, dtype="object")).count_kinds()

    assert counts(one) + counts(two) == counts(one + two)


def test_profile_counts_rows_missing_values_and_duplicates_over_all_files(table: pd.DataFrame) -> None:
    gap = table.head(100).assign(x=np.nan).drop(columns="colour")
    found = profiled(table, table.head(10), gap)
    columns = {column.name: column for column in found.columns}
    assert (found.rows, found.files, found.duplicates) == (ROWS + 110, 3, 10)
    assert (columns["x"].missing, columns["x"].absent) == (100, 0)
    assert (columns["colour"].missing, columns["colour"].absent) == (100, 100)
    assert [columns[name].kind for name in ("when", "x", "count", "colour", "is_new")] == [
        *("time", "number", "integer", "text", "boolean")
    ]
    assert ("colour", "absent") in {(notice.column, notice.kind) for notice in find_notices(found)}


def test_profile_counts_rows_by_period_of_its_time_column(table: pd.DataFrame) -> None:
    found = profiled(table)
    assert found.time_column == "when"
    assert [label for label, _ in found.periods][:2] == ["2026-01", "2026-02"]
    assert found.periods[0][1] == 31 * 4
    assert sum(count for _, count in found.periods) == ROWS


def test_finds_correlated_columns(table: pd.DataFrame) -> None:
    found = profiled(table)
    names = found.correlations.columns
    assert found.correlations.values[names.index("x")][names.index("twice")] == pytest.approx(1)
    assert abs(found.correlations.values[names.index("x")][names.index("count")] or 1) < 0.1
    assert (None, "redundant") in notices(table)


def numbers(*odd: float) -> "pd.Series[str]":
    random = np.random.default_rng(1)
    return text(np.concatenate([np.round(random.normal(50, 5, ROWS - len(odd)), 2), odd]))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (numbers(999, 999), "suspicious"),
        (numbers(-1), "suspicious"),
        (numbers(1e6), "heavy tail"),
        (numbers(np.inf), "infinite"),
        (text(["x"] * ROWS), "constant"),
        (text(["x"] * (ROWS - 1) + ["y"]), "nearly constant"),
        (text(np.arange(ROWS)), "id"),
        (text([0] * 1900 + list(range(1, 101))), "zeros"),
        (text(["red"] * 1000 + ["Red "] * 1000), "spelling"),
        (text(["red", "unknown"] * 1000), "suspicious"),
        (text([1, 2, 3, 4] * 499 + ["n/a"] * 4), "mixed"),
        (text(["2026-01-01"] * 1999 + ["1900-01-01"]), "suspicious"),
        (text(["2026-01-01"] * 1999 + ["9999-12-31"]), "suspicious"),
        (pd.Series([None, "1", "2", "3"] * 500), "missing"),
        (pd.Series([None] * ROWS, dtype="object"), "empty"),
    ],
)
def test_notices_odd_columns(values: "pd.Series[str]", kind: str) -> None:
    assert ("c", kind) in notices(pd.DataFrame({"c": values, "x": numbers()}))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.floats(), st.integers(-(10**18), 10**18), st.datetimes()), min_size=1, max_size=20))
def test_renders_any_numbers(values: list[object]) -> None:
    column = pd.Series([str(value) for value in values])
    shown = page(profiled(pd.DataFrame({"c": column, "n": [str(place) for place in range(len(values))]})))
    assert "nan" not in re.sub(r"<td>[^<]*</td>|<span>[^<]*</span>|&#x27;[^<]*&#x27;", "", shown)


def test_marker_for_missing_values_is_no_heavy_tail() -> None:
    found = notices(pd.DataFrame({"c": numbers(999, 999)}))
    assert ("c", "suspicious") in found
    assert ("c", "heavy tail") not in found


def test_shows_examples_instead_of_bars_where_no_value_is_frequent() -> None:
    shown = page(profiled(pd.DataFrame({"id": [f"customer {number}" for number in range(200)]})))
    assert "<li>customer 0</li>" in shown
    assert 'class="bars"' not in shown


def test_ordinary_columns_have_no_notices(table: pd.DataFrame) -> None:
    assert notices(table.drop(columns="twice")) == set()


def test_names_unreadable_files_and_fails_if_all_are_unreadable(table: pd.DataFrame) -> None:
    found = profiled(table, None)
    assert find_notices(found)[0] == Notice(column=None, kind="unreadable", text="1.csv is left out: 1.csv: <no> table")
    assert "&lt;no&gt; table" in page(found)
    with pytest.raises(NoTableError, match="no> table"):
        profiled(None)
    with pytest.raises(NoTableError):
        profiled(pd.DataFrame({"x": []}))


def test_counts_rows_before_the_place_where_a_file_breaks_off() -> None:
    def read(file: File) -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"x": ["1", "2"]})
        raise UnreadableFileError(f"{file.path}: record 4 has 3 fields")

    found = profile([File(path="a.csv", sha256="a", size_bytes=1)], read)
    assert found.rows == 2
    assert found.unread == {"a.csv": "after 2 rows: a.csv: record 4 has 3 fields"}


def test_rows_with_other_columns_are_no_duplicates() -> None:
    one = pd.DataFrame({"a": ["1"], "b": ["2"]})
    assert profiled(one, one.rename(columns={"a": "c"})).duplicates == 0
    assert profiled(one, one[["b", "a"]]).duplicates == 1


class Reader(HTMLParser):
    """The elements and attributes of a page; asserts that every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "span", "b", "i", "em", "s"),
    *("ul", "li", "div", "section", "table", "tr", "th", "td", "svg", "rect", "line", "polyline", "circle", "text"),
    "footer",
}
hostile = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "=cmd|' /C calc'!A0", "&amp;", "\u202e"]
)


@settings(max_examples=60, deadline=None)
@given(hostile, st.lists(st.one_of(st.none(), hostile), min_size=1, max_size=6))
def test_page_of_any_data_has_known_elements_only(name: str, values: list[str | None]) -> None:
    if all(value is None for value in values):
        values.append("x")
    reader = Reader()
    reader.feed(page(profiled(pd.DataFrame({name: values, "n": [str(place) for place in range(len(values))]}))))
    assert reader.tags <= TAGS
    assert not any(attribute.startswith("on") or attribute in ("href", "src") for attribute in reader.attributes)
    assert reader.open == []


def test_markup_and_formulas_in_the_data_are_escaped() -> None:
    values = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1 555 0100", "-5", "\u202eevil"]
    shown = page(profiled(pd.DataFrame({"<b>c</b>": values, "=n": values})))
    assert "<script" not in shown
    assert "<b>c</b>" not in shown
    assert "\u202e" not in shown
    for formula in ("=cmd", "@SUM", "+1 555", "=n"):
        assert not re.search(rf">{re.escape(formula)}", shown)
    assert "&#x27;=cmd" in shown
    assert ">-5<" in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (1234567.0, "1,234,567"), (0.000125, "0.000125"), (1972.4, "1,972"), (1e40, "1e+40")],
)
def test_numbers_have_four_significant_digits(value: float, text: str) -> None:
    assert figure(value) == text


def test_share_that_is_not_quite_nothing_or_all_looks_like_neither() -> None:
    assert [share(part) for part in (0, 0.0001, 0.5, 0.9999, 1)] == ["0%", "<0.1%", "50.0%", ">99.9%", "100%"]


def test_page_needs_no_network_and_stays_small() -> None:
    random = np.random.default_rng(2)
    wide = pd.DataFrame({f"column_{number}": text(random.normal(size=500)) for number in range(120)})
    shown = page(profiled(wide))
    assert len(shown.encode()) < 500_000
    assert "http" not in shown.replace("http-equiv", "")
    assert "default-src 'none'" in shown


def test_sample_is_uniform_bounded_and_alike_in_every_run() -> None:
    def drawn(parts: int) -> pd.DataFrame:
        sample = Sample(cells=4000)
        rows = pd.DataFrame({"n": range(40_000), "t": "x"})
        step = len(rows) // parts
        for start in range(0, len(rows), step):
            sample.add(rows[start : start + step])
        return sample.frame()

    found = drawn(100)
    assert len(found) == 2000
    assert found.n.is_monotonic_increasing
    assert found.n.mean() == pytest.approx(20_000, rel=0.05)
    assert drawn(8).equals(found)
