"""Checks of the CDK bootstrap: its version, and what differs from what ``mooring bootstrap`` writes."""

from collections.abc import Iterator

from mooring.bootstrap import TOOLKIT_STACK, differences, neighbours
from mooring.preflight.findings import Finding, blocks, warns
from mooring.preflight.target import Target


def bootstrap_version(target: Target) -> Iterator[Finding]:
    """The bootstrap is new enough for the templates."""
    stack = target.stacks.get(TOOLKIT_STACK)
    if stack is None:
        return
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    version, needed = int(outputs.get("BootstrapVersion", "0")), target.assembly.bootstrap_version
    if version < needed:
        yield blocks(
            f"the bootstrap has version {version}, the templates need {needed}",
            why="cdk deploy refuses an older one",
            remedy=f"run: mooring bootstrap {target.names.id}",
        )


def bootstrap_state(target: Target) -> Iterator[Finding]:
    """Stack, role and policies of the bootstrap are as ``mooring bootstrap`` writes them."""
    for difference in differences(neighbours(target.names), session=target):
        is_policy = difference.what.startswith("arn:")
        if difference.absent:
            report, why = blocks, "cdk deploy needs its bucket, roles and policies; no role exists without its boundary"
        elif is_policy:
            report, why = warns, "a deployment may be denied, or may do more than it needs"
        else:
            report, why = blocks, "deployments are denied, or may do more than they need"
        yield report(str(difference), why=why, remedy=f"run: mooring bootstrap {target.names.id}")
