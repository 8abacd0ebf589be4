"""One check that fails does not stop the others; findings are shown worst first."""

from collections.abc import Iterator

from mooring.errors import MooringError
from mooring.preflight.findings import Finding, Verdict, blocks, warns, worst_first
from mooring.preflight.run import Check, run_checks
from mooring.preflight.target import Target
from tests.support.fake_aws import refusal
from tests.unit.mooring.preflight import world


def denied(_: Target) -> Iterator[Finding]:
    yield warns("seen before", why="w", remedy="r")
    raise refusal("AccessDenied", "not authorized to perform iam:GetRole")


def synthesis_fails(_: Target) -> Iterator[Finding]:
    raise MooringError("no layer", remedy="run: make layer")


def broken(_: Target) -> Iterator[Finding]:
    yield blocks("broken", why="w", remedy="r")


def fine(_: Target) -> Iterator[Finding]:
    return iter(())


def check(run: object, name: str) -> Check:
    return Check(name=name, question=f"{name}?", run=run)  # type: ignore[arg-type]


def test_check_that_is_denied_becomes_a_finding_and_the_others_run() -> None:
    rest = [check(denied, "denied"), check(broken, "broken"), check(synthesis_fails, "synthesis"), check(fine, "fine")]
    done: list[str] = []
    found, count = run_checks([check(fine, "first")], rest, world.target(), on_done=done.append)
    assert count == 5
    assert sorted(done) == ["broken", "denied", "fine", "synthesis"]
    told = {finding.check: finding for finding in found}
    assert told["denied"].verdict == Verdict.UNKNOWN
    assert "could not be told" in told["denied"].what
    assert "iam:GetRole" in told["denied"].what
    assert (told["synthesis"].verdict, told["synthesis"].remedy) == (Verdict.UNKNOWN, "run: make layer")
    assert told["broken"].blocks


def test_first_check_that_finds_something_ends_the_run() -> None:
    found, count = run_checks([check(denied, "first")], [check(broken, "rest")], world.target())
    assert (count, [finding.check for finding in found]) == (1, ["first"])
    assert found[0].blocks


def test_findings_are_sorted_worst_first() -> None:
    verdicts = [Verdict.WARNS, Verdict.BLOCKS, Verdict.UNKNOWN]
    found = [Finding(what="", why="", remedy="", verdict=verdict) for verdict in verdicts]
    assert [item.verdict for item in worst_first(found)] == [Verdict.BLOCKS, Verdict.UNKNOWN, Verdict.WARNS]
