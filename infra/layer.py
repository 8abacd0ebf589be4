"""Builds the Lambda layer's wheels: ``python -m infra.layer``, or ``make layer``."""

from pathlib import Path

from infra.wheels import PYTHON, Wheels

ROOT = Path(__file__).resolve().parent.parent
WHEELS = Wheels(lock=ROOT / "requirements-layer.lock", folder=ROOT / "build" / "layer")
PACKAGES = f"python/lib/python{PYTHON}/site-packages"
"""Folder in a layer in which Lambda looks for packages of one Python minor."""


def build() -> None:
    WHEELS.clear()
    WHEELS.fetch(WHEELS.content / PACKAGES)
    WHEELS.stamp()


if __name__ == "__main__":
    build()
