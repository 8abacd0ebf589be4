"""Creates small Lambda functions for tests, and packages our own functions."""

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.app import ROOT
from infra.functions import FUNCTIONS, FunctionSpec
from tests.support.embedded_aws import EmbeddedAws

ECHO = "def handle(event, context):\n    return {'got': event}\n"


def create_function(aws: EmbeddedAws, name: str, source: str = ECHO, *, role: str, **settings: Any) -> str:
    """Create a function of one file and return its ARN."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", source)
    made = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="main.handle",
        Role=role,
        Code={"ZipFile": packed.getvalue()},
        **settings,
    )
    return str(made["FunctionArn"])


def package(*names: str) -> bytes:
    """Return one zip with the code of our own functions ``names``, as their rows in ``infra.functions`` name it."""
    specs = {spec.name: spec for spec in FUNCTIONS}
    files = sorted({file for name in names for file in _files(specs[name])})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(ROOT))
    return packed.getvalue()


def _files(spec: FunctionSpec) -> Iterator[Path]:
    """Yield the files of the function's folder and packages, and the __init__.py of the folders around them."""
    for place in (f"functions/{spec.name}", *(f"pipelines/{name}" for name in spec.packages)):
        folder = ROOT / place
        yield from folder.rglob("*.py")
        yield from (parent / "__init__.py" for parent in folder.parents if ROOT in parent.parents)


def finish(aws: EmbeddedAws, execution: str, within_s: float = 20) -> dict[str, Any]:
    """Wait for an execution's end and describe it."""
    states = aws.client("stepfunctions")
    end = time.monotonic() + within_s
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < end, f"{execution} still runs"
        time.sleep(0.05)
    return dict(found)
