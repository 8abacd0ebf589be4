"""The comment on a change: one Markdown text, in which every name and value of others is escaped.

GitHub and GitLab both draw Mermaid's charts. Both remove SVG that is written into Markdown, and a link to a picture
would need a place that holds it: the picture of a retraining is a chart of Mermaid.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from mooring.ci.inputs import DataDifference, Inputs, MovedColumn, PlannedEnvironment, Trial
from mooring.plan.records import Action, CostChange, Effect
from pipelines.interface.settings import HIGHER_IS_BETTER

MARKER = "<!-- mooring: plan and trial of this change -->"
"""First line of the comment, by which the next run finds the one to update."""
COLUMNS = 8
"""Largest number of columns of a dataset that the comment lists."""
LONGEST = 60_000
"""Largest number of characters: GitHub takes 65,536."""
CHART = {
    "xyChart": {"width": 640, "height": 220},
    "themeVariables": {"xyChart": {"plotColorPalette": "#2f6fb0"}},
}
"""Settings of Mermaid's chart."""
_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>|#~"} | {"\n": " ", "\r": " ", "@": "@&#8203;"})


def escaped(text: object) -> str:
    """Return text that Markdown shows as it is, and that mentions nobody.

    Examples
    --------
    >>> escaped("a|b <img> @all")
    'a\\\\|b \\\\<img\\\\> @&#8203;all'
    """
    return str(text).translate(_SPECIAL)


def comment(inputs: Inputs) -> str:
    """Return the comment of a change."""
    parts = [MARKER, "## What this change does", *_plan(inputs)]
    if inputs.differences:
        parts += ["### Data", *(part for each in inputs.differences for part in _data(each))]
    if inputs.trials:
        parts += ["### Retraining on the runner", *(part for each in inputs.trials for part in _trial(each))]
    text = "\n\n".join(parts) + "\n"
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition("\n")[0] + "\n\n_Shortened: the job's files hold all of it._\n"
    return text


def _plan(inputs: Inputs) -> Iterator[str]:
    environments = [each for plan in inputs.plans for each in plan.environments]
    changed = [each for each in environments if _changes(each)]
    if not environments:
        yield "No plan was made: a change from a fork gets no role, see the job's log."
        return
    if not changed:
        yield f"**Nothing changes** in {_count(len(environments), 'environment')}."
        return
    yield f"**{len(changed)} of {_count(len(environments), 'environment')}** change, {_money(changed)}."
    for each in changed:
        yield f"### {escaped(each.environment)}{' (new)' if each.is_new else ''}"
        yield "\n".join(f"- {line}" for line in _sentences(each)) or "- no words for it: see the resources"
        yield _resources(each)
    costs = [(each.environment, cost) for each in changed for cost in each.costs]
    if costs:
        yield "### Cost"
        columns = ("environment", "model", "list $ a month", "difference", "to pay", "difference")
        yield _table(columns, [_cost(environment, cost) for environment, cost in costs])
        yield f"List prices of {escaped(inputs.plans[0].prices_of)}; _to pay_ is after AWS's free allowances."


def _changes(environment: PlannedEnvironment) -> bool:
    return any(stack.action != Action.LEAVE for stack in environment.stacks)


def _money(changed: Sequence[PlannedEnvironment]) -> str:
    costs = [cost for each in changed for cost in each.costs]
    listed = sum(cost.list_usd_after - cost.list_usd_before for cost in costs)
    paid = sum(cost.usd_after - cost.usd_before for cost in costs)
    return f"{listed:+,.2f} $ a month at list prices, {paid:+,.2f} $ to pay"


def _sentences(environment: PlannedEnvironment) -> Iterator[str]:
    """Yield a line for all models together and one for each model that changes, with what becomes of its endpoint."""
    texts: dict[str, list[str]] = {}
    for sentence in environment.sentences:
        when = f", {sentence.when}" if sentence.when else ""
        texts.setdefault(sentence.model, []).append(escaped(sentence.text + when))
    for endpoint in environment.endpoints:
        if endpoint.model in texts or not endpoint.untouched:
            texts.setdefault(endpoint.model, []).append(escaped(endpoint.text))
    for model, found in texts.items():
        yield f"**{escaped(model) or 'all models'}**: {'; '.join(found)}"


def _resources(environment: PlannedEnvironment) -> str:
    stacks = [stack for stack in environment.stacks if stack.action != Action.LEAVE]
    found = [each for stack in stacks for each in stack.resources]
    changed = [each for each in found if each.action == Action.CHANGE]
    counts = (
        ("added", sum(each.action == Action.ADD for each in found)),
        ("replaced", sum(each.effect == Effect.REPLACE for each in changed)),
        ("interrupted", sum(each.effect == Effect.INTERRUPT for each in changed)),
        ("updated in place", sum(each.effect == Effect.NONE for each in changed)),
        ("removed", sum(each.action == Action.REMOVE for each in found)),
    )
    text = ", ".join(f"{count} {what}" for what, count in counts if count) or "no resource"
    reasons = {*(stack.refused for stack in stacks), *(each.refused for each in found)} - {""}
    warnings = (f"> The deployment will be refused: {escaped(why)}" for why in sorted(reasons))
    return "\n\n".join((f"Resources: {text}.", *warnings))


def _cost(environment: str, cost: CostChange) -> tuple[str, ...]:
    listed, paid = cost.list_usd_after - cost.list_usd_before, cost.usd_after - cost.usd_before
    return (
        escaped(environment),
        escaped(cost.model) or "all models",
        f"{cost.list_usd_before:,.2f} → {cost.list_usd_after:,.2f}",
        f"{listed:+,.2f}",
        f"{cost.usd_before:,.2f} → {cost.usd_after:,.2f}",
        f"{paid:+,.2f}",
    )


def _data(found: DataDifference) -> Iterator[str]:
    files = ", ".join(f"{count} {what}" for what, count in found.files.items() if count) or "no"
    rows = f"{found.rows_before:,} → {found.rows_after:,} rows"
    yield f"**{escaped(found.dataset)}** (samples, in {escaped(found.environment)}): {escaped(files)} files; {rows}."
    if found.schema:
        yield "\n".join(f"- column {escaped(each)}" for each in found.schema)
    if found.columns:
        yield _table(("column", "kind", "effect", "PSI", "from", "to"), map(_moved, found.columns[:COLUMNS]))
        more = f" {len(found.columns) - COLUMNS} more columns moved less." if len(found.columns) > COLUMNS else ""
        yield f"Effect: 0 not beyond chance, 1 nothing in common.{more}"


def _moved(column: MovedColumn) -> tuple[str, ...]:
    numbers = (f"{column.effect:.3f}", f"{column.psi:.3f}")
    return (escaped(column.name), escaped(column.kind), *numbers, escaped(column.before), escaped(column.after))


def _trial(trial: Trial) -> Iterator[str]:
    head = f"**{escaped(trial.model)}** in {escaped(trial.environment)}"
    if not trial.ending:
        yield f"{head}: not retrained, although {escaped(trial.why)}. {escaped('; '.join(trial.reasons))}"
        return
    yield f"{head}: **{escaped(trial.ending)}**. It was retrained because {escaped(trial.why)}."
    gates = list(_gates(trial))
    if gates:
        yield _table(("gate", "wanted", "found", ""), gates)
        yield from _picture(trial)
    if trial.reasons:
        yield "\n".join(f"- {escaped(reason)}" for reason in trial.reasons)


def _gates(trial: Trial) -> Iterator[tuple[str, ...]]:
    gate, higher = trial.gate, HIGHER_IS_BETTER.get(trial.gate.metric, True)
    if trial.rows is None or trial.value is None:
        return
    holds = trial.value >= gate.bound if higher else trial.value <= gate.bound
    yield "held-out rows", f"at least {gate.min_rows:,}", f"{trial.rows:,}", _mark(trial.rows >= gate.min_rows)
    yield escaped(gate.metric), f"at {'least' if higher else 'most'} {gate.bound:g}", f"{trial.value:.4f}", _mark(holds)
    if trial.gain:
        low, high = trial.gain
        found = f"{low:+.4f} to {high:+.4f}"
        yield "gain over the champion (95 %)", f"above {gate.min_gain:g}", found, _mark(low > gate.min_gain)


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗ **no**"


def _picture(trial: Trial) -> Iterator[str]:
    bars = [("bound", trial.gate.bound), ("champion", trial.champion), ("candidate", trial.value)]
    known = [(name, value) for name, value in bars if value is not None]
    # The axis begins at 0, so that the bars' lengths compare as the values do.
    top = 1.0 if trial.gate.metric == "auc" else max(value for _, value in known) * 1.1 or 1.0
    labels = [f'"{name} {value:.4g}"' for name, value in known]
    lines = (
        "```mermaid",
        f"%%{{init: {json.dumps(CHART)}}}%%",
        "xychart-beta horizontal",
        f'  title "{trial.gate.metric} on the held-out rows"',
        f"  x-axis [{', '.join(labels)}]",
        f'  y-axis "{trial.gate.metric}" 0 --> {top:.4g}',
        f"  bar [{', '.join(f'{value:.4g}' for _, value in known)}]",
        "```",
    )
    yield "\n".join(lines)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (columns, ["---"] * len(columns), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
