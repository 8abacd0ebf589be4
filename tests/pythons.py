"""Runs the unit and infra tests on each Python from 3.11 to 3.14 that this machine has: ``make pythons``.

Each has a virtual environment of its own in build/pythons, resolved from the same lock.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from infra.app import ROOT

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
TESTS = ("tests/unit", "tests/infra")


def find(version: str) -> Path | None:
    """Return an interpreter of that version that runs; a version manager's stand-in for one that is absent does not."""
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
    ]
    for candidate in filter(None, candidates):
        ran = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.stdout.strip() == version:
            return Path(candidate)
    return None


def install(python: Path, folder: Path) -> None:
    """Make a virtual environment with the lock's packages, and this project in it."""
    subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", str(python), str(folder)], check=True)
    variables = {**os.environ, "VIRTUAL_ENV": str(folder)}
    lock = str(ROOT / "requirements.lock")
    compiled = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes", "-r", lock]
    subprocess.run(compiled, env=variables, check=True)
    project = ["uv", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    subprocess.run(project, env=variables, check=True)


def run(folder: Path) -> int:
    variables = {**os.environ, "VIRTUAL_ENV": str(folder), "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    workers = os.environ.get("WORKERS", "2")
    command = [str(folder / "bin" / "python"), "-m", "pytest", "-q", "-n", workers, *TESTS]
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


def main() -> None:
    found = {version: python for version in VERSIONS if (python := find(version))}
    print(f"Pythons on this machine: {', '.join(found)}; absent: {', '.join(set(VERSIONS) - found.keys()) or 'none'}")
    failed = []
    for version, python in found.items():
        begun = time.monotonic()
        folder = ROOT / "build" / "pythons" / version
        print(f"Python {version}: {python}", flush=True)
        install(python, folder)
        if run(folder):
            failed.append(version)
        print(f"Python {version}: {'failed' if version in failed else 'passed'} in {time.monotonic() - begun:.0f} s")
    if failed or not found:
        sys.exit(f"failed on {', '.join(failed) or 'every Python: there is none'}")


if __name__ == "__main__":
    main()
