"""The report of a check: one HTML page that needs no network, everything escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pipelines.monitoring.drift import pictures
from pipelines.monitoring.drift.decision import ColumnVerdict, Decision
from pipelines.statistics.profile import PREDICTION, Profile

TOP = 6
"""Columns of which the report shows the histogram."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid #dde3ea; }
td:first-child, th:first-child { text-align: left; } .drifted td { font-weight: 600; color: #a3261c; }
.changed td { color: #8a5a00; }
dt { float: left; clear: left; width: 11rem; color: #5a6b7d; } dd { margin: 0 0 0 11rem; overflow-wrap: anywhere; }
.first { font-size: 1.1rem; } .note { color: #5a6b7d; font-size: 14px; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: 14px; }
"""


def render(
    decision: Decision,
    about: Mapping[str, Any],
    *,
    baseline: Profile | None = None,
    current: Profile | None = None,
    earlier: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The page.

    Parameters
    ----------
    about
        Shown as it is, name by name; has ``model`` and ``version``.
    baseline, current
        What was compared: for the histograms, then and now.
    earlier
        What the ledger keeps of the checks of the windows before (``end``, ``outcome``, ``worst``), the latest first.
    """
    title = f"{about['model']} v{about['version']}: {decision.outcome.replace('_', ' ')}"
    facts = "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>" for name, value in about.items())
    findings = "".join(f"<li>{escape(finding)}</li>" for finding in decision.findings)
    sections = [
        f"<h1>{escape(title)}</h1><p class=first>{escape(first_line(decision))}</p>",
        f"<h2>Findings</h2><ul>{findings}</ul>" if findings else "",
        "<h2>Columns by what matters to the model</h2>"
        "<p class=note>Effect times importance. Red: drifted; amber: changed by more than "
        "chance. Where an importance is not known, it counts as 1.</p>" + pictures.bars(decision.columns),
        _histograms(decision, baseline, current) if baseline and current and current.rows else "",
        _trend(decision, about, earlier) if earlier else "",
        f"<h2>All columns</h2>{_table(decision)}",
        f"<h2>This check</h2><dl>{facts}</dl>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{''.join(sections)}</body></html>"
    )


def first_line(decision: Decision) -> str:
    """What changed, and how much it matters to this model, in one sentence."""
    changed = [judged for judged in decision.columns if judged.drifted]
    how = "drifted"
    if not changed:
        changed, how = [judged for judged in decision.columns if judged.changed], "changed a little"
    if not changed:
        return f"{decision.rows:,} rows; no column has changed by more than chance and the least effect that counts."
    features = [judged for judged in changed if judged.name != PREDICTION]
    said = [*map(_in_words, features[:3])]
    if len(features) > len(said):
        said.append(f"{len(features) - len(said)} more")
    said += [f"the predictions by {judged.column.effect:.2f}" for judged in changed if judged.name == PREDICTION]
    return f"{decision.rows:,} rows; {how} since training: {', '.join(said)}."


def _in_words(judged: ColumnVerdict) -> str:
    effect = f"{judged.name} by {judged.column.effect:.2f}"
    return effect if judged.importance is None else f"{effect} ({judged.importance:.0%} of the model's skill)"


def _histograms(decision: Decision, baseline: Profile, current: Profile) -> str:
    figures = "".join(
        f"<figure><figcaption>{escape(judged.name)}</figcaption>"
        f"{pictures.histogram(baseline.columns[judged.name], current.columns[judged.name])}</figure>"
        for judged in decision.columns[:TOP]
    )
    return f"<h2>Then and now</h2><p class=note>Grey: training; blue: this window.</p><div class=small>{figures}</div>"


def _trend(decision: Decision, about: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> str:
    checks = [*reversed(earlier), {**about, "outcome": decision.outcome, "worst": decision.worst}]
    return (
        "<h2>The windows before</h2><p class=note>The largest effect of a drifted column in each.</p>"
        + pictures.trend(checks)
    )


def _table(decision: Decision) -> str:
    heads = (
        "column",
        "effect",
        "importance",
        "chance",
        "seen by",
        "PSI",
        "missing",
        "infinite",
        "unreadable",
        "unseen",
    )
    rows = "".join(
        f"<tr{_class(judged)}><td>{escape(judged.name)}</td>"
        f"<td>{judged.column.effect:.3f}</td><td>{_importance(judged)}</td><td>{judged.column.rate:.1g}</td>"
        f"<td>{judged.column.evidence}</td><td>{judged.column.psi:.3f}</td>"
        + "".join(
            f"<td>{judged.column.now.share(sort):.2%}</td>" for sort in ("missing", "infinite", "unreadable", "unseen")
        )
        + "</tr>"
        for judged in decision.columns
    )
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{rows}</table>"


def _class(judged: ColumnVerdict) -> str:
    return " class=drifted" if judged.drifted else " class=changed" if judged.changed else ""


def _importance(judged: ColumnVerdict) -> str:
    return "not known" if judged.importance is None else f"{judged.importance:.1%}"
