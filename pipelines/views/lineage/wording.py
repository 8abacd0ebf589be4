"""Describes a node in words: a title, a state and a few lines of details. Text and picture show the same."""

from pipelines.interface.records import Comparison, SplitRecord
from pipelines.views.lineage.facts import (
    CheckCounts,
    CheckFacts,
    CommitFacts,
    EndpointFacts,
    EvaluationFigures,
    Facts,
    JobFacts,
    PackageFacts,
    QualityFacts,
    ReleaseFacts,
    RunFacts,
    ValidationFigures,
)
from pipelines.views.lineage.figures import counted, duration, joined, number, printable, quoted, rows, signed, size
from pipelines.views.lineage.graph import Node

SHORT = 12
"""Number of shown digits of an id or a digest."""
SHOWN_COLUMNS = 4
"""Number of shown columns of a drift check."""
GOOD, BAD, PENDING, QUIET = "good", "bad", "pending", "quiet"
TONES = {
    **dict.fromkeys(("registered", "released", "reproduced", "Approved", "Completed", "InService", "passed"), GOOD),
    **dict.fromkeys(("rejected", "failed", "rolled_back", "undone", "differs", "Rejected", "Failed", "Stopped"), BAD),
    **dict.fromkeys(("drift", "broken_input", "lost"), BAD),
    **dict.fromkeys(("warning", "under way", "PendingManualApproval", "InProgress", "Updating", "Creating"), PENDING),
}
"""Tones of outcomes and statuses; the tone of all others is ``QUIET``."""


def title(node: Node) -> str:
    """Return the kind and the name of a node, short enough for a heading."""
    return printable(_title(node))


def _title(node: Node) -> str:
    match node.facts:
        case CommitFacts(commit=commit):
            return f"commit {commit[:SHORT]}"
        case PackageFacts(model=model, version=version):
            return f"{model} v{version}"
        case JobFacts(step=step):
            return step
        case QualityFacts(window=window):
            return f"quality {window}"
        case EndpointFacts(model=model):
            return f"endpoint {model}"
    return f"{node.kind} {node.name.rpartition('/')[2]}"


def state(node: Node) -> str:
    """Return a node's outcome or status."""
    return printable(_state(node.facts))


def _state(facts: Facts) -> str:
    match facts:
        case CommitFacts():
            return ""
        case JobFacts(validation=validation, description=description):
            if validation:
                return validation.outcome
            return description.status if description else ""
        case PackageFacts(description=registered):
            return registered.status if registered else ""
        case EndpointFacts(state=found):
            return (found.status if found else None) or ""
    return str(facts.outcome)


def tone(node: Node) -> str:
    """Return ``GOOD``, ``BAD``, ``PENDING`` or ``QUIET``: the colour of a node in the picture."""
    if isinstance(node.facts, CommitFacts):
        return BAD if node.facts.forgotten else QUIET
    return TONES.get(state(node), QUIET)


def details(node: Node) -> list[str]:
    """Return the lines below a node's title, the most important first; the last names what is missing."""
    return [printable(line) for line in (*_details(node.facts), node.missing) if line]


def _details(facts: Facts) -> list[str]:
    match facts:
        case CommitFacts():
            return _commit(facts)
        case RunFacts():
            return _run(facts)
        case JobFacts():
            return _job(facts)
        case PackageFacts():
            return _package(facts)
        case ReleaseFacts():
            return _release(facts)
        case CheckFacts():
            return _check(facts)
        case QualityFacts():
            return _quality(facts)
        case EndpointFacts():
            return _endpoint(facts)


def _commit(commit: CommitFacts) -> list[str]:
    origin, contents, stone = commit.origin, commit.contents, commit.forgotten
    held = [counted(contents.files, "file"), rows(contents.rows), size(contents.size_bytes)] if contents else []
    written = [quoted(contents.message), f"by {contents.author}"] if contents else []
    return [
        joined(commit.dataset, *held),
        joined(*written, origin.time if origin else ""),
        f"became {stone.new[:SHORT]}: {stone.reason or 'no reason given'}" if stone else "",
    ]


def _run(run: RunFacts) -> list[str]:
    found = run.details
    if not found:
        return []
    trigger, recipe = found.trigger, found.recipe
    started_by = joined(trigger.kind, f"by {trigger.by}" if trigger.by else "", separator=" ")
    image = recipe.image.rpartition("/")[2] if recipe else ""
    code = recipe.code_sha256[:SHORT] if recipe else ""
    return [
        joined(started_by, quoted(trigger.reason), found.started, duration(found.seconds)),
        joined(code and f"code {code}", image and f"image {image}"),
        *(_comparison(found.comparison) if found.comparison else ()),
        # The cause of a reproduction's outcome is the list of differences, which is in the comparison.
        (found.cause or "") if not found.comparison else "",
    ]


def _comparison(found: Comparison) -> list[str]:
    metrics = "equal" if found.exact else f"equal within {found.tolerance:g}"
    if any(line.partition(":")[0] in found.metrics for line in found.differences):
        metrics = "differ"
    compared = (
        f"metrics {metrics}",
        f"artifact {found.artifact}",
        f"training rows {found.training_rows}",
        f"holdout rows {found.holdout_rows}",
    )
    return [joined(*compared), *found.differences]


def _job(job: JobFacts) -> list[str]:
    found, given = job.description, job.hyperparameters or {}
    return [
        joined(*(f"{name}={value}" for name, value in given.items())),
        *(_validation(job.validation) if job.validation else ()),
        *(_evaluation(job.evaluation) if job.evaluation else ()),
        joined(*((duration(found.seconds), found.instance_type) if found else ()), job.name),
    ]


def _validation(report: ValidationFigures) -> list[str]:
    contract = report.contract_sha256[:SHORT]
    return [
        joined(rows(report.rows), contract and f"contract {contract}"),
        *(_split("trains on", report.training) if report.training else ()),
        *(_split("holds out", report.holdout) if report.holdout else ()),
        *(f"{broken.column}: {broken.detail or broken.rule} ({rows(broken.count)})" for broken in report.violations),
    ]


def _split(verb: str, part: SplitRecord) -> list[str]:
    months = part.months
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}" if months else ""
    return [joined(f"{verb} {span}".rstrip(), rows(part.rows))]


def _evaluation(report: EvaluationFigures) -> list[str]:
    metric, candidate = report.metric, report.candidate
    lines = [joined(f"{metric} {number(candidate.get(metric))}", f"on {report.rows:,} held-out rows")]
    if report.champion:
        gain = report.gain
        measured = f"{signed(gain.difference)} ({signed(gain.low)} to {signed(gain.high)})" if gain else number(None)
        champion = f"v{report.champion_version} has {number(report.champion.get(metric))} there"
        lines.append(joined(champion, f"gain {measured}"))
    others = [f"{name} {number(value)}" for name, value in candidate.items() if name != metric]
    return [*lines, joined(*others)]


def _package(package: PackageFacts) -> list[str]:
    approval, found = package.approval, package.description
    approved = f"approved by {approval.by} at {approval.at}" if approval else ""
    metrics = found.metrics if found else {}
    return [
        joined(approved, quoted(approval.comment) if approval else ""),
        found.status_comment if found and not approval else "",
        joined(*(f"{name} {number(value)}" for name, value in metrics.items())),
        _counts("drift checks", package.checks),
        _counts("quality checks", package.quality),
        joined(
            f"archive {found.sha256[:SHORT]}" if found and found.sha256 else "",
            f"content {found.content_sha256[:SHORT]}" if found and found.content_sha256 else "",
        ),
    ]


def _counts(what: str, counts: CheckCounts | None) -> str:
    if not counts or not counts.total:
        return ""
    outcomes = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in counts.outcomes.items())
    return joined(f"{what}: {outcomes}", counts.last and f"last {counts.last}", separator=", ")


def _release(release: ReleaseFacts) -> list[str]:
    verified = release.verification
    golden = f"{verified.golden_rows} golden rows answered alike" if verified and verified.golden_rows else ""
    latency = f"{verified.latency_ms:.10g} ms" if verified and verified.latency_ms else ""
    return [
        joined(f"by {release.by}" if release.by else "", "a rollback" if release.rollback else "", release.begun),
        joined(golden, latency),
        release.cause or "",
    ]


def _check(check: CheckFacts) -> list[str]:
    worst = ", ".join(f"{column.name} {number(column.psi)}" for column in check.worst[:SHOWN_COLUMNS])
    return [
        joined(f"window until {check.end}" if check.end else "", rows(check.rows)),
        worst and f"PSI: {worst}",
    ]


def _quality(hour: QualityFacts) -> list[str]:
    if not hour.metric:
        return []
    measured = f"{hour.metric} {number(hour.value)}, {number(hour.evaluated)} when evaluated"
    return [
        joined(measured, rows(hour.rows)),
        f"worst by {hour.worst_segment}" if hour.worst_segment else "",
    ]


def _endpoint(endpoint: EndpointFacts) -> list[str]:
    champion, found = endpoint.champion, endpoint.state
    others = [_version(name) for name in found.serves if name != champion] if found else []
    return [
        joined(f"champion {_version(champion)}" if champion else "no champion", endpoint.since),
        f"challenger {_version(found.challenger)}" if found and found.challenger else "",
        f"serves {', '.join(others)}" if others else "",
    ]


def _version(package: str) -> str:
    return package.replace("/", " v")
