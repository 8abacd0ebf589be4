"""Runs the checks side by side; one that fails becomes a finding and does not stop the others."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from mooring.errors import MooringError
from mooring.failures import explain
from mooring.preflight.findings import Finding, Verdict
from mooring.preflight.target import Target

WORKERS = 12


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check. ``question`` is what it answers, in a table's cell; ``run`` yields a finding for each problem."""

    name: str
    question: str
    run: Callable[[Target], Iterable[Finding]]


def run_check(check: Check, target: Target) -> list[Finding]:
    """Return the findings of one check; if it cannot read what it needs, that is the finding."""
    try:
        return [replace(finding, check=check.name) for finding in check.run(target)]
    except (ClientError, BotoCoreError, MooringError, OSError) as error:
        explained = explain(error)
        assert explained is not None
        unknown = Finding(
            check=check.name,
            what=f"could not be told: {explained.message}",
            why=f"open question: {check.question}",
            remedy=explained.remedy,
            verdict=Verdict.UNKNOWN,
        )
        return [unknown]


def run_checks(
    first: Sequence[Check],
    rest: Sequence[Check],
    target: Target,
    *,
    on_done: Callable[[str], None] = lambda _: None,
) -> tuple[list[Finding], int]:
    """Run ``first`` one after the other, then ``rest`` side by side; return the findings and how many checks ran.

    A check of ``first`` that finds something that blocks, or cannot be told, ends the run: every later check would
    fail by the same cause.
    """
    for count, check in enumerate(first, start=1):
        found = run_check(check, target)
        if any(finding.verdict in (Verdict.BLOCKS, Verdict.UNKNOWN) for finding in found):
            return [replace(finding, verdict=Verdict.BLOCKS) for finding in found], count
    with ThreadPoolExecutor(WORKERS) as pool:

        def submit(check: Check) -> "Future[list[Finding]]":
            done = pool.submit(run_check, check, target)
            done.add_done_callback(lambda _: on_done(check.name))
            return done

        running = [submit(check) for check in rest]
        return [finding for future in running for finding in future.result()], len(first) + len(rest)
