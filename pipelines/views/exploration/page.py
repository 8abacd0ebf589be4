"""Renders a profile as one HTML page that needs no network and runs no script."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from pipelines.pages import html
from pipelines.pages.markup import Markup, element
from pipelines.pages.text import show_value
from pipelines.views.exploration.charts import (
    draw_categories,
    draw_correlations,
    draw_histogram,
    draw_missing,
    draw_over_time,
    draw_rows,
)
from pipelines.views.exploration.distribution import QUANTILES, Histogram, Numbers
from pipelines.views.exploration.kinds import EMPTY
from pipelines.views.exploration.notices import Notice
from pipelines.views.exploration.profiling import TOP, ColumnProfile, DatasetProfile
from pipelines.views.exploration.style import STYLE
from pipelines.views.exploration.wording import figure, moment, share, size

MAX_TIPS = 40
"""Largest number of columns whose histograms have tool tips: the page of more columns stays small."""
SHOWN_TOP = 8
FREQUENT_SHARE = 0.01
SHORT = 20
PERIOD_NAMES = {4: "year", 7: "month", 10: "day", 13: "hour"}
"""Name of a period by the length of its label."""
METHOD = (
    "A column is of a kind (integer, number, ISO 8601 time, boolean) if 95% of its values are; else it is text. Digits "
    "after a leading zero are text. Histograms leave out values more than three interquartile ranges beyond the "
    "quartiles, and say how many; the dashed line is the median. Times are in UTC."
)


def render(profile: DatasetProfile, notices: Sequence[Notice], *, title: str, about: Mapping[str, str]) -> str:
    """Return the page; ``about`` is shown below the title, name by name."""
    facts = (element("span", f"{name} ", element("b", value)) for name, value in about.items())
    return html.document(
        title,
        element("header", element("h1", title), element("p", *facts, class_="about")),
        _overview(profile),
        element("h2", "To notice"),
        _notices(notices),
        *_rows(profile),
        element("h2", "Columns"),
        *(_column(column, profile, notices) for column in profile.columns),
        *_correlations(profile),
        element("h2", "Some rows"),
        _sample(profile),
        _method(profile),
        style=STYLE,
    )


def _overview(profile: DatasetProfile) -> Markup:
    figures = {
        "rows": f"{profile.rows:,}",
        "columns": f"{len(profile.columns):,}",
        "files": f"{profile.files:,}",
        "size": size(profile.size_bytes),
        "missing values": share(profile.missing_share),
        "duplicate rows": f"{profile.duplicates:,}",
    }
    items = (element("li", element("b", value), name) for name, value in figures.items())
    return element("ul", *items, class_="facts")


def _notices(notices: Sequence[Notice]) -> Markup:
    if not notices:
        return element("p", "Nothing stands out.")
    items = (
        element("li", element("b", show_value(notice.column)), f" {notice.text}")
        if notice.column
        else element("li", notice.text)
        for notice in notices
    )
    return element("ul", *items, class_="notices")


def _rows(profile: DatasetProfile) -> Iterator[Markup]:
    if profile.time_column:
        yield element("h2", f"Rows by {_period(profile)} of {show_value(profile.time_column)}")
        yield draw_rows(profile.periods)
        yield _ends(profile.periods[0][0], profile.periods[-1][0])


def _period(profile: DatasetProfile) -> str:
    return PERIOD_NAMES[len(profile.periods[0][0])]


def _ends(*texts: str) -> Markup:
    return element("p", *(element("span", text) for text in texts), class_="ends")


def _column(column: ColumnProfile, profile: DatasetProfile, notices: Sequence[Notice]) -> Markup:
    about = _about(column, profile, notices)
    if column.kind == EMPTY:
        return element("section", about)
    show = _formatter(column)
    if column.numbers and column.histogram:
        tips = len(profile.columns) <= MAX_TIPS
        chart = [
            _histogram(column.kind, column.numbers, column.histogram, show, tips=tips),
            element("div", _quantiles(column.kind, column.numbers, show)),
        ]
    else:
        chart = [element("div", *_categories(column), class_="wide")]
    return element("section", about, *chart, element("div", *_over_time(column, profile, show)))


def _about(column: ColumnProfile, profile: DatasetProfile, notices: Sequence[Notice]) -> Markup:
    lines = [column.kind, f"{share(column.missing / profile.rows)} missing" if column.missing else "none missing"]
    if column.kind != EMPTY:
        lines.append(f"{column.distinct:,} distinct{' in the sample' if profile.sampled < profile.rows else ''}")
    return element(
        "div",
        element("h3", show_value(column.name)),
        *(element("p", line) for line in lines),
        *(element("p", notice.text, class_="notice") for notice in notices if notice.column == column.name),
    )


def _formatter(column: ColumnProfile) -> Callable[[float], str]:
    """Return the function that writes the column's numbers; for categories they are shares."""
    if not column.numbers:
        return share
    if column.kind == "time":
        return partial(moment, span_s=column.numbers.maximum - column.numbers.minimum)
    return figure


def _is_scattered(column: ColumnProfile) -> bool:
    """Return whether no category is frequent: then bars of a few would say nothing."""
    return not column.numbers and column.distinct > TOP and column.top[0][1] < FREQUENT_SHARE * column.present


def _categories(column: ColumnProfile) -> Iterator[Markup]:
    if _is_scattered(column):
        yield element("p", "no value is frequent; some are", class_="caption")
        yield element("ul", *(element("li", show_value(value)) for value, _ in column.top))
        return
    few = column.top if column.distinct <= TOP else column.top[:SHOWN_TOP]
    yield draw_categories(few, column.present, column.distinct)


def _histogram(
    kind: str, numbers: Numbers, histogram: Histogram, show: Callable[[float], str], *, tips: bool
) -> Markup:
    whole = kind == "integer"
    left, right, left_out = numbers.minimum, numbers.maximum, []
    if histogram.below or histogram.above:
        half = 0.5 if whole else 0.0
        left, right = histogram.edges[0] + half, histogram.edges[-1] - half
        counts = ((histogram.below, "below"), (histogram.above, "above"))
        left_out = [f"not drawn: {' and '.join(f'{count:,} {where}' for count, where in counts if count)}"]
    chart = draw_histogram(histogram, numbers.median, show, whole=whole, tips=tips)
    return element("div", chart, _ends(show(left), *left_out, show(right)))


def _quantiles(kind: str, numbers: Numbers, show: Callable[[float], str]) -> Markup:
    quantiles = dict(zip(QUANTILES, numbers.quantiles, strict=True))
    shown = {
        "smallest": show(numbers.minimum),
        "5%": show(quantiles[0.05]),
        "25%": show(quantiles[0.25]),
        "median": show(numbers.median),
        "75%": show(quantiles[0.75]),
        "95%": show(quantiles[0.95]),
        "largest": show(numbers.maximum),
    }
    if kind != "time":
        shown |= {"mean": figure(numbers.mean), "deviation": figure(numbers.deviation)}
    return element(
        "table", *(element("tr", element("th", name), element("td", value)) for name, value in shown.items())
    )


def _over_time(column: ColumnProfile, profile: DatasetProfile, show: Callable[[float], str]) -> Iterator[Markup]:
    if not profile.time_column or column.name == profile.time_column:
        return
    labels = [label for label, _ in profile.periods]
    known = [value for value in column.over_time if value is not None]
    if known and not _is_scattered(column):
        of_top = column.over_time_of == "share"
        what = f"share of {show_value(column.top[0][0], SHORT)}" if of_top else column.over_time_of
        ends = f"{show(min(known))} to {show(max(known))}" if min(known) < max(known) else show(known[0])
        yield element("p", f"{what} by {_period(profile)}: {ends}", class_="caption")
        yield draw_over_time(column.over_time, *_range(column, known), labels=labels, show=show)
    worst = max((value or 0 for value in column.missing_over_time), default=0)
    if worst:
        yield element("p", f"missing, at most {share(worst)}", class_="caption")
        yield draw_missing(column.missing_over_time, labels)


def _range(column: ColumnProfile, known: Sequence[float]) -> tuple[float, float]:
    """Return the range of a line over time: the column's usual values, so that a small change looks small."""
    usual = (column.numbers.quantiles[1], column.numbers.quantiles[-2]) if column.numbers else (0.0, 0.0)
    return min(usual[0], *known), max(usual[1], *known)


def _correlations(profile: DatasetProfile) -> Iterator[Markup]:
    if len(profile.correlations.columns) > 1:
        yield element("h2", "Numbers that go together")
        yield element("p", "Spearman's rank correlation.")
        yield draw_correlations(profile.correlations)


def _sample(profile: DatasetProfile) -> Markup:
    missing = element("i", "missing")
    head = [show_value(column.name) for column in profile.columns]
    rows = (html.row([missing if value is None else show_value(value) for value in row]) for row in profile.sample)
    return element("div", html.table(head, rows, class_="sample"), class_="scroll")


def _method(profile: DatasetProfile) -> Markup:
    counted = "Rows, missing values and duplicates are counted on all rows"
    if profile.sampled < profile.rows:
        counted += f"; all else on {profile.sampled:,} of them, drawn with equal chances"
    return element("footer", element("p", f"{counted}. {METHOD}"))
