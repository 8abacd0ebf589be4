"""Builds the wheels of the two Lambda layers: ``python -m infra.layer``, or ``make layer``.

All functions have the layer of boto3: Lambda's own may be older than the one that the tests use, and changes by itself.
"""

from pathlib import Path

from infra.wheels import PYTHON, Wheels

ROOT = Path(__file__).resolve().parent.parent
WHEELS = Wheels(lock=ROOT / "requirements-layer.lock", folder=ROOT / "build" / "layer")
"""numpy and msgspec, for the functions that compute."""
SERVICES = (
    "cloudformation",
    "codepipeline",
    "dynamodb",
    "events",
    "kms",
    "logs",
    "s3",
    "sagemaker",
    "sagemaker-runtime",
    "sns",
    "ssm",
    "stepfunctions",
    "sts",
)
"""Services that the functions call. botocore's data of all services would be 28 MB in 430 folders."""
SDK = Wheels(lock=ROOT / "requirements-sdk.lock", folder=ROOT / "build" / "sdk-layer", services=SERVICES)
"""boto3, for all functions."""
PACKAGES = f"python/lib/python{PYTHON}/site-packages"
"""Folder in a layer in which Lambda looks for packages of one Python minor, before it looks for its own."""


def build() -> None:
    for wheels in (WHEELS, SDK):
        wheels.clear()
        wheels.fetch(wheels.content / PACKAGES)
        wheels.stamp()


if __name__ == "__main__":
    build()
