"""The Lambda layer's wheels, for the Lambda platform, without Docker: ``python -m infra.layer`` (``make layer``).

The lock has hashes, so the same lock always gives the same wheels; the layer's asset hash is the lock's and the
platform's, and editing our own code never publishes a layer anew.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-layer.lock"
BUILD = ROOT / "build" / "layer"
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64")
PACKAGES = f"python/lib/python{PYTHON}/site-packages"
"""Where Lambda looks for packages that are for one Python minor."""


class LayerNotBuiltError(RuntimeError):
    """Synthesis needs the layer's wheels, which are not there."""


def asset_hash() -> str:
    return hashlib.sha256(LOCK.read_bytes() + "|".join((PYTHON, *PLATFORMS)).encode()).hexdigest()


def built() -> Path:
    """The layer's folder.

    Raises
    ------
    LayerNotBuiltError
        It was not built, or from another lock.
    """
    stamp = BUILD / "hash"
    found = stamp.read_text(encoding="utf-8") if stamp.exists() else "nothing"
    if found != asset_hash():
        raise LayerNotBuiltError(
            f"{BUILD} holds {found[:12]}, {LOCK.name} asks for {asset_hash()[:12]}: run make layer"
        )
    return BUILD / "content"


def build() -> None:
    target = BUILD / "content" / PACKAGES
    shutil.rmtree(BUILD, ignore_errors=True)
    platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += [*platforms, "--python-version", PYTHON, "--implementation", "cp", "--only-binary=:all:"]
    command += ["--no-deps", "--require-hashes", "--requirement", str(LOCK), "--target", str(target)]
    subprocess.run(command, check=True)
    (BUILD / "hash").write_text(asset_hash(), encoding="utf-8")


if __name__ == "__main__":
    build()
