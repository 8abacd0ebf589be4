"""Wheels for another platform than this machine's, fetched without Docker by a lock that has their hashes.

The same lock always gives the same wheels. What is built carries a stamp of lock and platform, so that synthesis knows
whether it is up to date, and editing our own code never publishes it anew.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PYTHON = "3.12"
"""Of our Lambda functions and of the scikit-learn container alike."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64")


class WheelsNotBuiltError(RuntimeError):
    """Synthesis needs wheels that are not there."""


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """One lock and where its wheels are built: ``folder`` holds ``hash`` and ``content``."""

    lock: Path
    folder: Path

    @property
    def asset_hash(self) -> str:
        return hashlib.sha256(self.lock.read_bytes() + "|".join((PYTHON, *PLATFORMS)).encode()).hexdigest()

    @property
    def content(self) -> Path:
        return self.folder / "content"

    def built(self) -> Path:
        """The content's folder.

        Raises
        ------
        WheelsNotBuiltError
            It was not built, or from another lock.
        """
        stamp = self.folder / "hash"
        found = stamp.read_text(encoding="utf-8") if stamp.exists() else "nothing"
        if found != self.asset_hash:
            raise WheelsNotBuiltError(
                f"{self.folder} holds {found[:12]}, {self.lock.name} asks for {self.asset_hash[:12]}: run make layer"
            )
        return self.content

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def fetch(self, target: Path) -> None:
        """Unpack the lock's wheels into ``target``."""
        platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        command += [*platforms, "--python-version", PYTHON, "--implementation", "cp", "--only-binary=:all:"]
        command += ["--no-deps", "--require-hashes", "--requirement", str(self.lock), "--target", str(target)]
        subprocess.run(command, check=True)

    def stamp(self) -> None:
        """Say that the content is whole."""
        (self.folder / "hash").write_text(self.asset_hash, encoding="utf-8")
