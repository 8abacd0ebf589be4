"""Checks of this machine: the CDK command-line interface, Node, and that the templates can be synthesized."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from mooring.cdk import PROJECT
from mooring.preflight.findings import Finding, blocks
from mooring.preflight.target import Target

LEAST_NODE = 22


def cdk_cli(_target: Target) -> Iterator[Finding]:
    """The CDK command-line interface that ``package.json`` pins is installed, and Node runs it."""
    yield from installed_cdk(PROJECT, version_of_node())


def installed_cdk(project: Path, node: int | None) -> Iterator[Finding]:
    """Compare the CLI of a project, and the major version of Node, with what they must be."""
    pinned = json.loads((project / "package.json").read_text(encoding="utf-8"))["dependencies"]["aws-cdk"]
    package = project / "node_modules" / "aws-cdk" / "package.json"
    found = json.loads(package.read_text(encoding="utf-8"))["version"] if package.exists() else None
    if found != pinned:
        yield blocks(
            f"the CDK command-line interface is {found or 'not installed'}, not {pinned}",
            why="another version may not read the templates that the library writes",
            remedy="run: make setup",
        )
    if node is None or node < LEAST_NODE:
        yield blocks(
            f"Node is {node or 'not installed'}, not {LEAST_NODE} or newer",
            why="the CDK command-line interface and library do not run",
            remedy="run: make setup, which brings one; or install Node 22 or newer",
        )


def version_of_node() -> int | None:
    """Return the major version of the Node that the project's tools find, or None."""
    path = f"{PROJECT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        ran = subprocess.run(
            ["node", "--version"], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    version = re.match(r"v(\d+)", ran.stdout)
    return int(version[1]) if version else None


def templates(target: Target) -> Iterator[Finding]:
    """The templates can be synthesized, and fit CloudFormation's limits."""
    for stack, template in target.assembly.templates.items():
        count, size = len(template["Resources"]), len(json.dumps(template))
        for what, value, limit in (("resources", count, 500), ("bytes", size, 1_000_000)):
            if value > limit:
                yield blocks(
                    f"the template of {stack} has {value:,} {what}, more than {limit:,}",
                    why="CloudFormation refuses it",
                    remedy="split the team's models over more environments or teams",
                )


def parameter_sizes(target: Target) -> Iterator[Finding]:
    """Every parameter's value fits into a standard parameter of Parameter Store."""
    for stack, logical_id, properties in target.assembly.resources("AWS::SSM::Parameter"):
        value = properties["Value"]
        size = len((value if isinstance(value, str) else json.dumps(value)).encode())
        if size > 4096:
            yield blocks(
                f"the parameter {properties.get('Name', logical_id)} of {stack} has {size:,} bytes, more than 4,096",
                why="Parameter Store refuses it, and the stack fails",
                remedy="shorten the model's settings, above all its hyperparameters",
            )
