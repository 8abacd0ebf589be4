"""``mooring preflight``: check what a deployment, a retraining and a release will need."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import boto3
import click

from mooring.cli.fleet import environment_of
from mooring.cli.terminal import json_option, plain, print_json, print_table, progress
from mooring.errors import MooringError
from mooring.preflight.assembly import synthesize
from mooring.preflight.findings import Finding, worst_first
from mooring.preflight.prove.proof import Proven, Site, prove
from mooring.preflight.prove.registry import PROOFS
from mooring.preflight.registry import CHECKS, FIRST
from mooring.preflight.run import run_checks
from mooring.preflight.target import Target, new_clients


@click.command()
@click.argument("environment")
@click.option("--prove", "proves", is_flag=True, help="Then make small real things, for cents, and remove them.")
@click.option("--yes", is_flag=True, help="Do not ask before --prove makes something.")
@json_option
def preflight(environment: str, proves: bool, yes: bool, as_json: bool) -> None:
    """Check what a deployment, a retraining and a release of ENVIRONMENT will need; change nothing.

    The exit code is 1 if a finding blocks, or if a proof fails.
    """
    if as_json and proves and not yes:
        raise MooringError("--prove asks before it makes something, which --json cannot", remedy="give --yes as well")
    found = environment_of(environment)
    with ThreadPoolExecutor(1) as pool:
        target = Target(
            found,
            clients=new_clients(boto3.Session(region_name=found.names.region)),
            assembly=pool.submit(synthesize, environment),
        )
        with progress(f"Checking {environment}") as update:
            findings, count = run_checks(FIRST, CHECKS, target, on_done=lambda name: update(f"Checked {name}"))
        blocked = any(finding.blocks for finding in findings)
        document: dict[str, Any] = {
            "environment": environment,
            "checks": count,
            "findings": [asdict(finding) for finding in worst_first(findings)],
        }
        if not as_json:
            _show_findings(environment, worst_first(findings), count)
        failed = False
        if proves and not blocked:
            outcomes, removed = _prove(target, yes=yes)
            failed = not all(outcome.holds and not outcome.left for outcome in outcomes)
            document |= {"removed_before": removed, "proofs": [asdict(outcome) for outcome in outcomes]}
            if not as_json:
                _show_proofs(environment, outcomes, removed)
    if as_json:
        print_json(document)
    if proves and blocked:
        raise MooringError("nothing was proven, because a finding blocks", remedy="mend that first")
    if blocked or failed:
        sys.exit(1)


def _prove(target: Target, *, yes: bool) -> tuple[list[Proven], list[str]]:
    names = target.names
    for kind in ("foundation", "operations"):
        if not target.is_deployed(names.stack(kind)):
            raise MooringError(f"{names.stack(kind)} is not deployed", remedy=f"deploy it: cdk deploy '{names.id}-*'")
    if not yes:
        rows = [(proof.name, proof.question, proof.price) for proof in PROOFS]
        print_table(
            f"Made and removed in account {names.account}, {names.region}", ("proof", "question", "costs"), rows
        )
        click.confirm("Go on?", abort=True)
    with progress("Proving") as update:
        return prove(PROOFS, Site(target=target), on_step=update)


def _show_findings(environment: str, findings: list[Finding], count: int) -> None:
    if findings:
        columns = ["", "check", "what", "why", "remedy"]
        rows = [[item.verdict, item.check, item.what, item.why, item.remedy] for item in findings]
        print_table(f"{environment}: findings, worst first", columns, rows)
    blocking = sum(finding.blocks for finding in findings)
    click.echo(
        f"{environment}: {count} of {len(FIRST) + len(CHECKS)} checks ran; "
        f"{len(findings)} findings, {blocking} of them block."
    )


def _show_proofs(environment: str, outcomes: list[Proven], removed: list[str]) -> None:
    if removed:
        click.echo(plain(f"Removed what an earlier run had left: {', '.join(removed)}"))
    rows = [
        (
            outcome.proof,
            "holds" if outcome.holds else "FAILS",
            f"{outcome.took_s:.0f} s",
            "unknown" if outcome.cost_usd is None else f"${outcome.cost_usd:.3f}",
            "; ".join(filter(None, (outcome.what, outcome.remedy, outcome.left))),
        )
        for outcome in outcomes
    ]
    print_table(f"{environment}: proofs", ("proof", "", "took", "cost", "what"), rows)
