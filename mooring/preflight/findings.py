"""Findings of checks, and how bad they are."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad a finding is, worst first."""

    BLOCKS = "blocks"
    UNKNOWN = "unknown"
    """The check could not read what it needs."""
    WARNS = "warns"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong: what it is, why it matters, and the remedy. ``check`` is the name of its check."""

    what: str
    why: str
    remedy: str
    verdict: Verdict
    check: str = ""

    @property
    def blocks(self) -> bool:
        """Whether a deployment, a retraining or a release will fail because of it."""
        return self.verdict == Verdict.BLOCKS


def blocks(what: str, *, why: str, remedy: str) -> Finding:
    return Finding(what=what, why=why, remedy=remedy, verdict=Verdict.BLOCKS)


def warns(what: str, *, why: str, remedy: str) -> Finding:
    return Finding(what=what, why=why, remedy=remedy, verdict=Verdict.WARNS)


def worst_first(findings: list[Finding]) -> list[Finding]:
    order = list(Verdict)
    return sorted(findings, key=lambda finding: (order.index(finding.verdict), finding.check, finding.what))
