"""The report of a drift check: one HTML page that needs no network, everything escaped."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from pipelines.monitoring.drift import Decision

BAR_WIDTH, ROW_HEIGHT, LABEL_WIDTH = 420, 22, 170

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.4rem; } table { border-collapse: collapse; width: 100%; } svg { max-width: 100%; }
td, th { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #dde3ea; }
td:first-child, th:first-child { text-align: left; } .drifted td { font-weight: 600; color: #a3261c; }
dt { float: left; clear: left; width: 10rem; color: #5a6b7d; } dd { margin: 0 0 0 10rem; }
"""


def render(decision: Decision, about: Mapping[str, Any], psi_threshold: float) -> str:
    """The page; ``about`` is shown as it is, name by name."""
    title = f"{about['model']} v{about['version']}: {decision.outcome.replace('_', ' ')}"
    facts = "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>" for name, value in about.items())
    findings = "".join(f"<li>{escape(finding)}</li>" for finding in decision.findings)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>{escape(first_line(decision))}</p><dl>{facts}</dl>"
        f"{'<h2>Findings</h2><ul>' + findings + '</ul>' if findings else ''}"
        f"<h2>Columns by drift</h2><p>Square root of the PSI; dashed: the threshold of {psi_threshold}.</p>"
        f"{_bars(decision, psi_threshold)}{_table(decision)}</body></html>"
    )


def first_line(decision: Decision) -> str:
    """What happened, in one sentence."""
    worst = ", ".join(f"{column['name']} (PSI {column['psi']:.2f})" for column in decision.worst[:4])
    if worst:
        return f"{decision.rows} rows; most changed since training: {worst}."
    return f"{decision.rows} rows; no column has moved beyond the threshold."


def _bars(decision: Decision, psi_threshold: float) -> str:
    longest = max([psi_threshold, *(column.psi for column in decision.columns)])

    def length(psi: float) -> float:
        # By the square root, so that one column that moved far leaves the others to be seen.
        return BAR_WIDTH * math.sqrt(psi / longest)

    limit = LABEL_WIDTH + length(psi_threshold)
    height = ROW_HEIGHT * len(decision.columns)
    bars = []
    for row, column in enumerate(decision.columns):
        top, width = row * ROW_HEIGHT, length(column.psi)
        colour = "#c0392b" if column.drifted else "#5b8db8"
        bars.append(
            f'<text x="{LABEL_WIDTH - 8}" y="{top + 15}" text-anchor="end" font-size="13">{escape(column.name)}</text>'
            f'<rect x="{LABEL_WIDTH}" y="{top + 4}" width="{width:.1f}" height="{ROW_HEIGHT - 8}" fill="{colour}"/>'
            f'<text x="{LABEL_WIDTH + width + 6:.1f}" y="{top + 15}" font-size="12">{column.psi:.3f}</text>'
        )
    return (
        f'<svg role="img" aria-label="PSI by column" viewBox="0 0 {LABEL_WIDTH + BAR_WIDTH + 70} {height}">'
        f'{"".join(bars)}<line x1="{limit:.1f}" x2="{limit:.1f}" y1="0" y2="{height}" stroke="#333" '
        'stroke-dasharray="4 3"/></svg>'
    )


def _table(decision: Decision) -> str:
    rows = "".join(
        f"<tr{' class=drifted' if column.drifted else ''}><td>{escape(column.name)}</td><td>{column.psi:.4f}</td>"
        f"<td>{column.missing_share:.2%}</td><td>{column.infinite_share:.2%}</td><td>{column.unknown_share:.2%}</td></tr>"
        for column in decision.columns
    )
    return f"<table><tr><th>column</th><th>PSI</th><th>missing</th><th>infinite</th><th>unknown</th></tr>{rows}</table>"
