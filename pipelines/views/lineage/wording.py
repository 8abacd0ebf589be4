"""A node in words: one title, a few details, and how it went. What text and picture both show."""

from collections.abc import Callable, Mapping
from typing import Any

from pipelines.views.lineage.figures import counted, joined, number, printable, quoted, rows, seconds, signed, size
from pipelines.views.lineage.graph import Node

SHORT = 12
GOOD, BAD, PENDING, QUIET = "good", "bad", "pending", "quiet"
TONES = {
    **dict.fromkeys(("registered", "released", "reproduced", "Approved", "Completed", "InService", "passed"), GOOD),
    **dict.fromkeys(("rejected", "failed", "rolled_back", "undone", "differs", "Rejected", "Failed", "Stopped"), BAD),
    **dict.fromkeys(("drift", "broken_input", "lost"), BAD),
    **dict.fromkeys(("warning", "under way", "PendingManualApproval", "InProgress", "Updating", "Creating"), PENDING),
}
"""Outcomes and statuses that colour a node; all others leave it quiet."""


def title(node: Node) -> str:
    """What it is."""
    return printable(_title(node))


def _title(node: Node) -> str:
    about = node.attributes
    if node.kind == "commit":
        return f"commit {about.get('commit', node.name)[:SHORT]}"
    if node.kind == "package":
        return f"{about.get('model')} v{about.get('version')}"
    if node.kind == "job":
        return str(about["step"])
    if node.kind == "quality":
        return f"quality {about.get('window', node.name)}"
    if node.kind == "endpoint":
        return f"endpoint {about.get('model', node.name)}"
    return f"{node.kind} {node.name.rpartition('/')[2]}"


def state(node: Node) -> str:
    """The one word for how it went."""
    about = node.attributes
    if node.kind == "job" and "validation" in about:
        return printable(str(about["validation"]["outcome"]))
    return printable(str(about.get("outcome") or about.get("status") or ""))


def tone(node: Node) -> str:
    if node.kind == "commit":
        return BAD if "forgotten" in node.attributes else QUIET
    return TONES.get(state(node), QUIET)


def details(node: Node) -> list[str]:
    """Lines of what matters, the most important first."""
    return [printable(line) for line in (*_DETAILS[node.kind](node.attributes), node.missing) if line]


def _commit(about: Mapping[str, Any]) -> list[str]:
    large = size(about["size_bytes"]) if "size_bytes" in about else ""
    files = counted(about["files"], "file") if "files" in about else ""
    stone = about.get("forgotten") or {}
    return [
        joined(about["dataset"], files, rows(about.get("rows")), large),
        joined(quoted(about.get("message")), about.get("author") and f"by {about['author']}", about.get("time")),
        f"became {stone['new'][:SHORT]}: {stone.get('reason') or 'no reason given'}" if stone else "",
    ]


def _run(about: Mapping[str, Any]) -> list[str]:
    trigger, recipe = about.get("trigger", {}), about.get("recipe", {})
    image = str(recipe.get("image", "")).rpartition("/")[2]
    code = str(recipe.get("code_sha256", ""))[:SHORT]
    asked = joined(trigger.get("kind"), f"by {trigger['by']}" if trigger.get("by") else "", separator=" ")
    return [
        joined(asked, quoted(trigger.get("reason")), about.get("started"), seconds(about.get("seconds"))),
        joined(code and f"code {code}", image and f"image {image}"),
        *_comparison(about.get("comparison") or {}),
        # A reproduction's cause is its list of differences, which the comparison says already.
        str(about.get("cause") or "") if "comparison" not in about else "",
    ]


def _comparison(about: Mapping[str, Any]) -> list[str]:
    if not about:
        return []
    metrics = "equal" if about["exact"] else f"equal within {about['tolerance']:g}"
    if any(line.partition(":")[0] in about["metrics"] for line in about["differences"]):
        metrics = "differ"
    said = [f"metrics {metrics}", *(f"{what} {about[what]}" for what in ("artifact", "training_rows", "holdout_rows"))]
    return [joined(*(text.replace("_", " ") for text in said)), *about["differences"]]


def _job(about: Mapping[str, Any]) -> list[str]:
    ran = joined(seconds(about.get("seconds")), about.get("instance_type"))
    given = about.get("hyperparameters")
    return [
        joined(*(f"{name}={value}" for name, value in given.items())) if given else "",
        *_validation(about.get("validation") or {}),
        *_evaluation(about.get("evaluation") or {}),
        joined(ran, about.get("name")),
    ]


def _validation(about: Mapping[str, Any]) -> list[str]:
    if not about:
        return []
    contract = str(about.get("contract_sha256") or "")[:SHORT]
    lines = [joined(rows(about.get("rows")), contract and f"contract {contract}")]
    for name, said in (("training", "trains on"), ("holdout", "holds out")):
        part = about.get(name) or {}
        months = part.get("months") or []
        span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}" if months else ""
        if part:
            lines.append(joined(f"{said} {span}".rstrip(), rows(part.get("rows"))))
    return lines + [
        f"{broken.get('column')}: {broken.get('detail') or broken.get('rule')} ({rows(broken.get('count'))})"
        for broken in about.get("violations", [])
    ]


def _evaluation(about: Mapping[str, Any]) -> list[str]:
    if not about:
        return []
    metric = str(about.get("metric", ""))
    candidate, champion = about.get("candidate", {}), about.get("champion") or {}
    lines = [joined(f"{metric} {number(candidate.get(metric))}", f"on {about.get('rows', 0):,} held-out rows")]
    if champion:
        gain = about.get("gain") or {}
        span = f"{signed(gain.get('low'))} to {signed(gain.get('high'))}"
        lines.append(
            joined(
                f"v{about.get('champion_version')} has {number(champion.get(metric))} there",
                f"gain {signed(gain.get('difference'))} ({span})",
            )
        )
    others = [f"{name} {number(value)}" for name, value in candidate.items() if name != metric]
    return [*lines, joined(*others)]


def _package(about: Mapping[str, Any]) -> list[str]:
    approval = about.get("approval") or {}
    said = f"approved by {approval['by']} at {approval.get('at')}" if approval.get("by") else ""
    return [
        joined(said, quoted(approval.get("comment"))),
        about["status_comment"] if not said and about.get("status_comment") else "",
        joined(*(f"{name} {number(value)}" for name, value in about.get("metrics", {}).items())),
        _counts("drift checks", about.get("checks") or {}),
        _counts("quality checks", about.get("quality") or {}),
        joined(*(f"{said} {about[name][:SHORT]}" for name, said in _DIGESTS.items() if name in about)),
    ]


def _counts(what: str, about: Mapping[str, Any]) -> str:
    outcomes = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in about.get("outcomes", {}).items())
    return f"{what}: {outcomes}, last {about.get('last')}" if about.get("total") else ""


_DIGESTS = {"sha256": "archive", "content_sha256": "content"}


def _release(about: Mapping[str, Any]) -> list[str]:
    verified = about.get("verification") or {}
    golden = f"{verified['golden_rows']} golden rows answered alike" if verified.get("golden_rows") else ""
    latency = f"{verified['latency_ms']} ms" if verified.get("latency_ms") else ""
    by = f"by {about['by']}" if about.get("by") else ""
    return [
        joined(by, "a rollback" if about.get("rollback") else "", about.get("begun")),
        joined(golden, latency),
        str(about.get("cause") or ""),
    ]


def _check(about: Mapping[str, Any]) -> list[str]:
    worst = ", ".join(f"{column['name']} {number(column.get('psi'))}" for column in about.get("worst", [])[:4])
    return [
        joined(f"window until {about['end']}" if "end" in about else "", rows(about.get("rows"))),
        worst and f"PSI: {worst}",
    ]


def _quality(about: Mapping[str, Any]) -> list[str]:
    metric = about.get("metric")
    measured = f"{metric} {number(about.get('value'))}, {number(about.get('evaluated'))} when evaluated"
    worst = about.get("worst_segment")
    return [joined(measured, rows(about.get("rows"))), f"worst by {worst}" if worst else ""]


def _endpoint(about: Mapping[str, Any]) -> list[str]:
    def versions(names: list[str]) -> str:
        return ", ".join(name.replace("/", " v") for name in names)

    serving = [name for name in (about.get("champion"),) if name]
    others = [name for name in about.get("serves", []) if name not in serving]
    return [
        joined(f"champion {versions(serving)}" if serving else "no champion", about.get("since")),
        f"challenger {versions([about['challenger']])}" if about.get("challenger") else "",
        f"serves {versions(others)}" if others else "",
    ]


_DETAILS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "commit": _commit,
    "run": _run,
    "job": _job,
    "package": _package,
    "release": _release,
    "check": _check,
    "quality": _quality,
    "endpoint": _endpoint,
}
