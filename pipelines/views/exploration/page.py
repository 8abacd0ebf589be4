"""The page of a profile: one HTML file that needs no network and runs no script; all that is of the data is escaped."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape

from pipelines.views.exploration.charts import (
    category_bars,
    heat_map,
    histogram_chart,
    missing_line,
    rows_chart,
    time_line,
)
from pipelines.views.exploration.distribution import QUANTILES
from pipelines.views.exploration.kinds import EMPTY
from pipelines.views.exploration.notices import Notice
from pipelines.views.exploration.profiling import TOP, ColumnProfile, DatasetProfile
from pipelines.views.exploration.style import STYLE
from pipelines.views.exploration.wording import figure, moment, safe, share, size

MAX_TIPS = 40
"""Of more columns the bars say nothing when one points at them: the page stays small."""
SHOWN_TOP = 8
FREQUENT_SHARE = 0.01
SHORT = 20
PERIOD_NAMES = {4: "year", 7: "month", 10: "day", 13: "hour"}
"""By the length of a period's label."""


def render(profile: DatasetProfile, notices: Sequence[Notice], *, title: str, about: Mapping[str, str]) -> str:
    """The page; ``about`` is shown as it is, name by name."""
    facts = "".join(f"<span>{escape(name)} <b>{escape(value)}</b></span>" for name, value in about.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>{escape(title)}</h1><p class="about">{facts}</p></header>'
        f"{_overview(profile)}{_notices(notices)}{_rows(profile)}{_columns(profile, notices)}"
        f"{_correlations(profile)}{_sample(profile)}{_method(profile)}</body></html>"
    )


def _overview(profile: DatasetProfile) -> str:
    figures = {
        "rows": f"{profile.rows:,}",
        "columns": f"{len(profile.columns):,}",
        "files": f"{profile.files:,}",
        "size": size(profile.size_bytes),
        "missing values": share(profile.missing_share),
        "duplicate rows": f"{profile.duplicates:,}",
    }
    return '<ul class="facts">' + "".join(f"<li><b>{v}</b>{name}</li>" for name, v in figures.items()) + "</ul>"


def _notices(notices: Sequence[Notice]) -> str:
    if not notices:
        return "<h2>To notice</h2><p>Nothing stands out.</p>"
    items = "".join(
        f"<li>{f'<b>{safe(notice.column)}</b> ' if notice.column else ''}{escape(notice.text)}</li>"
        for notice in notices
    )
    return f'<h2>To notice</h2><ul class="notices">{items}</ul>'


def _rows(profile: DatasetProfile) -> str:
    if not profile.time_column:
        return ""
    first, last = profile.periods[0][0], profile.periods[-1][0]
    return (
        f"<h2>Rows by {_period(profile)} of {safe(profile.time_column)}</h2>{rows_chart(profile.periods)}"
        f'<p class="ends"><span>{first}</span><span>{last}</span></p>'
    )


def _period(profile: DatasetProfile) -> str:
    return PERIOD_NAMES[len(profile.periods[0][0])]


def _columns(profile: DatasetProfile, notices: Sequence[Notice]) -> str:
    said = {column.name: [n.text for n in notices if n.column == column.name] for column in profile.columns}
    return "<h2>Columns</h2>" + "".join(_column(column, profile, said[column.name]) for column in profile.columns)


def _column(column: ColumnProfile, profile: DatasetProfile, notices: Sequence[str]) -> str:
    missing = f"{share(column.missing / profile.rows)} missing" if column.missing else "none missing"
    sampled = " in the sample" if profile.sampled < profile.rows else ""
    distinct = "" if column.kind == EMPTY else f"<p>{column.distinct:,} distinct{sampled}</p>"
    about = (
        f"<div><h3>{safe(column.name)}</h3><p>{column.kind}</p><p>{missing}</p>{distinct}"
        + "".join(f'<p class="notice">{escape(text)}</p>' for text in notices)
        + "</div>"
    )
    if column.kind == EMPTY:
        return f"<section>{about}</section>"
    show = _shower(column)
    chart = _number_chart(column, show, tips=len(profile.columns) <= MAX_TIPS) if column.numbers else _bars(column)
    return f"<section>{about}{chart}{_over_time(column, profile, show)}</section>"


def _shower(column: ColumnProfile) -> Callable[[float], str]:
    """How the column's numbers are shown; of a category they are shares."""
    if not column.numbers:
        return share
    if column.kind == "time":
        return partial(moment, span_s=column.numbers.maximum - column.numbers.minimum)
    return figure


def _is_scattered(column: ColumnProfile) -> bool:
    """Whether no category is frequent: then bars of a few would say nothing."""
    return not column.numbers and column.distinct > TOP and column.top[0][1] < FREQUENT_SHARE * column.present


def _bars(column: ColumnProfile) -> str:
    if _is_scattered(column):
        examples = "".join(f"<li>{safe(value)}</li>" for value, _ in column.top)
        return f'<div class="wide"><p class="caption">no value is frequent; some are</p><ul>{examples}</ul></div>'
    few = column.top if column.distinct <= TOP else column.top[:SHOWN_TOP]
    return f'<div class="wide">{category_bars(few, column.present, column.distinct)}</div>'


def _number_chart(column: ColumnProfile, show: Callable[[float], str], *, tips: bool) -> str:
    numbers, histogram = column.numbers, column.histogram
    assert numbers
    assert histogram
    half = 0.5 if column.kind == "integer" else 0.0
    left, right = numbers.minimum, numbers.maximum
    if histogram.below or histogram.above:
        left, right = histogram.edges[0] + half, histogram.edges[-1] - half
    out = [f"{count:,} {where}" for count, where in ((histogram.below, "below"), (histogram.above, "above")) if count]
    note = f"<span>not drawn: {' and '.join(out)}</span>" if out else ""
    quantiles = dict(zip(QUANTILES, numbers.quantiles, strict=True))
    rows = {
        "smallest": numbers.minimum,
        "5%": quantiles[0.05],
        "25%": quantiles[0.25],
        "median": quantiles[0.5],
        "75%": quantiles[0.75],
        "95%": quantiles[0.95],
        "largest": numbers.maximum,
    }
    table = "".join(f"<tr><th>{name}</th><td>{show(value)}</td></tr>" for name, value in rows.items())
    if column.kind != "time":
        table += f"<tr><th>mean</th><td>{figure(numbers.mean)}</td></tr>"
        table += f"<tr><th>deviation</th><td>{figure(numbers.deviation)}</td></tr>"
    return (
        f"<div>{histogram_chart(histogram, quantiles[0.5], show, whole=column.kind == 'integer', tips=tips)}"
        f'<p class="ends"><span>{show(left)}</span>{note}<span>{show(right)}</span></p></div>'
        f"<div><table>{table}</table></div>"
    )


def _over_time(column: ColumnProfile, profile: DatasetProfile, show: Callable[[float], str]) -> str:
    if not profile.time_column or column.name == profile.time_column:
        return "<div></div>"
    labels = [label for label, _ in profile.periods]
    parts = []
    known = [value for value in column.over_time if value is not None]
    if known and not _is_scattered(column):
        what = f"share of {safe(column.top[0][0], SHORT)}" if column.over_time_of == "share" else column.over_time_of
        ends = f"{show(min(known))} to {show(max(known))}" if min(known) < max(known) else show(known[0])
        parts.append(
            f'<p class="caption">{what} by {_period(profile)}: {ends}</p>'
            f"{time_line(column.over_time, *_reach(column, known), labels=labels, show=show)}"
        )
    worst = max((value or 0 for value in column.missing_over_time), default=0)
    if worst:
        parts.append(f'<p class="caption">missing, at most {share(worst)}</p>')
        parts.append(missing_line(column.missing_over_time, labels))
    return f"<div>{''.join(parts)}</div>"


def _reach(column: ColumnProfile, known: Sequence[float]) -> tuple[float, float]:
    """What a line along time is drawn against, so that a small change looks small: what the column usually holds."""
    usual = (column.numbers.quantiles[1], column.numbers.quantiles[-2]) if column.numbers else (0.0, 0.0)
    return min(usual[0], *known), max(usual[1], *known)


def _correlations(profile: DatasetProfile) -> str:
    found = profile.correlations
    if len(found.columns) < 2:
        return ""
    return f"<h2>Numbers that go together</h2><p>Spearman's rank correlation.</p>{heat_map(found)}"


def _sample(profile: DatasetProfile) -> str:
    head = "".join(f"<th>{safe(column.name)}</th>" for column in profile.columns)
    rows = "".join(
        "<tr>"
        + "".join("<td><i>missing</i></td>" if value is None else f"<td>{safe(value)}</td>" for value in row)
        + "</tr>"
        for row in profile.sample
    )
    return f'<h2>Some rows</h2><div class="scroll"><table class="sample"><tr>{head}</tr>{rows}</table></div>'


def _method(profile: DatasetProfile) -> str:
    part = (
        "all rows"
        if profile.sampled == profile.rows
        else f"all rows; all else on {profile.sampled:,} of them, drawn with equal chances"
    )
    return (
        f"<footer><p>Rows, missing values and duplicates are counted on {part}. A column is of a kind (integer, "
        "number, ISO 8601 time, boolean) if 95% of its values are; else it is text. Digits after a leading zero are "
        "text. Histograms leave out what lies more than three interquartile ranges beyond the quartiles, and say how "
        "much; the dashed line is the median. Times are in UTC.</p></footer>"
    )
