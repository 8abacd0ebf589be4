"""Renders a check as one HTML page that needs no network and runs no script."""

from collections.abc import Iterator, Sequence

from pipelines.interface.records import Check
from pipelines.monitoring.drift import pictures
from pipelines.monitoring.drift.decision import ColumnVerdict, Decision
from pipelines.pages import html
from pipelines.pages.markup import Markup, element
from pipelines.pages.text import show_value
from pipelines.statistics.profile import PREDICTION, Profile

TOP = 6
"""Number of columns whose histograms the report shows."""
HEAD = ("column", "effect", "importance", "chance", "seen by", "PSI", "missing", "infinite", "unreadable", "unseen")
ODDITIES = ("missing", "infinite", "unreadable", "unseen")

STYLE = """
body { font-size: 15px; max-width: 62rem; }
.first { font-size: 1.1rem; margin: 1rem 0; } .note { margin-bottom: .8rem; } ul { padding-left: 1.4rem; }
table { width: 100%; font-size: 14px; } td, th { padding: .25rem .5rem; border-bottom: 1px solid var(--rule); }
td:first-child, th:first-child { text-align: left; overflow-wrap: anywhere; }
.drifted td { font-weight: 600; color: var(--bad); } .changed td { color: var(--warning-text); }
dt { float: left; clear: left; width: 11rem; color: var(--soft); } dd { margin: 0 0 0 11rem; overflow-wrap: anywhere; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: 14px; overflow-wrap: anywhere; }
"""


def render(
    decision: Decision,
    check: Check,
    *,
    quality: str,
    baseline: Profile,
    current: Profile,
    earlier: Sequence[Check],
) -> str:
    """Return the page.

    Parameters
    ----------
    quality
        The version's last measured quality, in words.
    baseline, current
        The profiles that were compared.
    earlier
        The checks of the windows before, the latest first.
    """
    title = f"{check.model} v{check.version}: {decision.outcome.replace('_', ' ')}"
    return html.document(
        title,
        element("h1", title),
        element("p", first_line(decision), class_="first"),
        *_findings(decision),
        element("h2", "Columns by what matters to the model"),
        _note(
            "Effect times importance. Red: drifted; amber: changed by more than chance. An unknown importance counts "
            "as 1."
        ),
        pictures.draw_weights(decision.columns),
        *_columns(decision, baseline, current),
        *_trend(check, earlier),
        element("h2", "All columns"),
        html.table(HEAD, map(_row, decision.columns)),
        element("h2", "This check"),
        element("dl", *_facts(check, quality)),
        style=f"{STYLE}{pictures.STYLE}",
    )


def first_line(decision: Decision) -> str:
    """Return one sentence: what changed, and how much it matters to the model."""
    changed, how = [verdict for verdict in decision.columns if verdict.drifted], "drifted"
    if not changed:
        changed, how = [verdict for verdict in decision.columns if verdict.changed], "changed a little"
    if not changed:
        return f"{decision.rows:,} rows; no column has changed by more than chance and the least effect that counts."
    features = [verdict for verdict in changed if verdict.name != PREDICTION]
    parts = [*map(_in_words, features[:3])]
    if len(features) > len(parts):
        parts.append(f"{len(features) - len(parts)} more")
    parts += [f"the predictions by {verdict.column.effect:.2f}" for verdict in changed if verdict.name == PREDICTION]
    return f"{decision.rows:,} rows; {how} since training: {', '.join(parts)}."


def _in_words(verdict: ColumnVerdict) -> str:
    effect = f"{verdict.name} by {verdict.column.effect:.2f}"
    return effect if verdict.importance is None else f"{effect} ({verdict.importance:.0%} of the model's skill)"


def _note(text: str) -> Markup:
    return element("p", text, class_="note")


def _findings(decision: Decision) -> Iterator[Markup]:
    if decision.findings:
        yield element("h2", "Findings")
        yield element("ul", *(element("li", finding) for finding in decision.findings))


def _columns(decision: Decision, baseline: Profile, current: Profile) -> Iterator[Markup]:
    if current.rows:
        figures = (
            element(
                "figure",
                element("figcaption", show_value(verdict.name)),
                pictures.draw_column(baseline.columns[verdict.name], current.columns[verdict.name]),
            )
            for verdict in decision.columns[:TOP]
        )
        yield element("h2", "Then and now")
        yield _note("Grey: training; blue: this window.")
        yield element("div", *figures, class_="columns")


def _trend(check: Check, earlier: Sequence[Check]) -> Iterator[Markup]:
    if earlier:
        yield element("h2", "The windows before")
        yield _note("The largest effect of a drifted column in each window.")
        yield pictures.draw_trend([*reversed(earlier), check])


def _row(verdict: ColumnVerdict) -> Markup:
    column = verdict.column
    cells = [
        show_value(verdict.name),
        f"{column.effect:.3f}",
        "not known" if verdict.importance is None else f"{verdict.importance:.1%}",
        f"{column.rate:.1g}",
        column.evidence,
        f"{column.psi:.3f}",
        *(f"{column.now.share(oddity):.2%}" for oddity in ODDITIES),
    ]
    return html.row(cells, class_="drifted" if verdict.drifted else "changed" if verdict.changed else None)


def _facts(check: Check, quality: str) -> Iterator[Markup]:
    predictions = (check.predictions or {}).items()
    facts = {
        "check": check.check_id,
        "model": f"{check.model} v{check.version}",
        "package": check.package_arn or "not known",
        "window": f"{check.begin} to {check.end}",
        "files": f"{check.files:,}",
        "records": f"{check.records:,}",
        "corrupt records": f"{check.corrupt_records:,}",
        "damaged files": f"{check.damaged_files:,}",
        "duplicates": f"{check.duplicates:,}",
        "predictions": ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in predictions) or "none",
        "quality": quality,
    }
    for name, value in facts.items():
        yield element("dt", name)
        yield element("dd", value)
