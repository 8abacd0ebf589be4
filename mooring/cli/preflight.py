"""``mooring preflight``: check what a deployment, a retraining and a release will need."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import boto3
import click

from mooring.cli.fleet import environment_of
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.preflight.assembly import synthesize
from mooring.preflight.findings import Finding, worst_first
from mooring.preflight.registry import CHECKS, FIRST
from mooring.preflight.run import run_checks
from mooring.preflight.target import Target, new_clients


@click.command()
@click.argument("environment")
@json_option
def preflight(environment: str, as_json: bool) -> None:
    """Check what a deployment, a retraining and a release of ENVIRONMENT will need; change nothing.

    The exit code is 1 if a finding blocks.
    """
    found = environment_of(environment)
    with ThreadPoolExecutor(1) as pool:
        target = Target(
            found,
            clients=new_clients(boto3.Session(region_name=found.names.region)),
            assembly=pool.submit(synthesize, environment),
        )
        with progress(f"Checking {environment}") as update:
            findings, count = run_checks(FIRST, CHECKS, target, on_done=lambda name: update(f"Checked {name}"))
    _show(environment, worst_first(findings), count, as_json=as_json)
    if any(finding.blocks for finding in findings):
        sys.exit(1)


def _show(environment: str, findings: list[Finding], count: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"environment": environment, "checks": count, "findings": [asdict(finding) for finding in findings]})
        return
    if findings:
        columns = ["", "check", "what", "why", "remedy"]
        rows = [[item.verdict, item.check, item.what, item.why, item.remedy] for item in findings]
        print_table(f"{environment}: findings, worst first", columns, rows)
    blocking = sum(finding.blocks for finding in findings)
    click.echo(
        f"{environment}: {count} of {len(FIRST) + len(CHECKS)} checks ran; "
        f"{len(findings)} findings, {blocking} of them block."
    )
