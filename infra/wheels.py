"""Fetches wheels for another platform than this machine's, without Docker, by a lock that has their hashes.

The same lock always gives the same wheels. The built folder has a stamp of lock and platform: synthesis compares it to
see whether the folder is current, and an edit of our own code never publishes the wheels again.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PYTHON = "3.12"
"""Python version of our Lambda functions and of the scikit-learn container."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64")


class WheelsNotBuiltError(RuntimeError):
    """The wheels that synthesis needs were not built, or from another lock."""


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """One lock and the folder of its wheels, which holds ``hash`` (the stamp) and ``content``.

    ``services`` are the AWS services of which botocore keeps its data; without any, it keeps all.
    """

    lock: Path
    folder: Path
    services: tuple[str, ...] = ()

    @property
    def asset_hash(self) -> str:
        return hashlib.sha256(
            self.lock.read_bytes() + "|".join((PYTHON, *PLATFORMS, *self.services)).encode()
        ).hexdigest()

    @property
    def content(self) -> Path:
        return self.folder / "content"

    def built(self) -> Path:
        """Return the folder of the built wheels.

        Raises
        ------
        WheelsNotBuiltError
            The wheels were not built, or from another lock.
        """
        stamp = self.folder / "hash"
        found = stamp.read_text(encoding="utf-8") if stamp.exists() else "nothing"
        if found != self.asset_hash:
            raise WheelsNotBuiltError(
                f"{self.folder} holds wheels of lock {found[:12]}, {self.lock.name} is {self.asset_hash[:12]}: "
                "run make layer"
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
        for data in (target / "botocore" / "data").glob("*/") if self.services else ():
            if data.name not in self.services:
                shutil.rmtree(data)

    def stamp(self) -> None:
        """Mark the content as complete."""
        (self.folder / "hash").write_text(self.asset_hash, encoding="utf-8")
