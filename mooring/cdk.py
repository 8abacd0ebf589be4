"""Runs the unmodified CDK command-line interface that ``package.json`` pins."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import infra
from mooring.errors import MooringError

PROJECT = Path(infra.__file__).parent.parent
"""Folder of cdk.json."""


def fleet_file() -> Path:
    """Return the fleet's file: the one that ``MOORING_FLEET`` names, else ``fleet.yaml`` in the project."""
    named = os.environ.get("MOORING_FLEET")
    return Path(named).absolute() if named else PROJECT / "fleet.yaml"


@contextmanager
def synthesized(fleet: Path, *environments: str) -> Iterator[Path]:
    """Run the CDK app, without the CLI, for some environments of a fleet; yield the folder of the templates.

    Raises
    ------
    MooringError
        The app failed; the message ends with its last lines.
    """
    with tempfile.TemporaryDirectory(prefix="mooring-synthesized-") as folder:
        context = {"fleet": str(fleet), "environment": ",".join(environments)}
        variables = {"CDK_OUTDIR": folder, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_VALIDATION": "false"}
        done = subprocess.run(
            [sys.executable, "-m", "infra.app"],
            cwd=PROJECT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = "\n".join(done.stderr.strip().splitlines()[-15:])
            raise MooringError(
                f"{fleet} cannot be synthesized: {last}", remedy=f"correct {fleet}, or run make layer; then try again"
            )
        yield Path(folder)


def run(
    arguments: Sequence[str],
    *,
    variables: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None] = lambda _: None,
) -> str:
    """Run ``cdk`` with ``arguments`` in the project, on the fleet of ``fleet_file``; return its output.

    The output also goes to ``log`` and, line by line, to ``on_line``.

    Raises
    ------
    MooringError
        The CDK CLI is not installed, or it failed; the message ends with its last lines.
    """
    program = PROJECT / "node_modules" / ".bin" / "cdk"
    if not program.exists():
        raise MooringError("the CDK command-line interface is not installed", remedy="run: make setup")
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    with (
        log.open("w") as sink,
        subprocess.Popen(
            [str(program), *arguments, "--context", f"fleet={fleet_file()}"],
            cwd=PROJECT,
            env={**os.environ, **variables, "CI": "true", "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            sink.write(line)
            lines.append(line)
            on_line(line.rstrip())
    if process.returncode:
        raise MooringError(
            f"cdk {arguments[0]} ended with {process.returncode}:\n{''.join(lines[-15:])}", remedy=f"read {log}"
        )
    return "".join(lines)
