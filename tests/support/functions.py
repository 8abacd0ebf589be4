"""Small Lambda functions for the tests."""

import io
import time
import zipfile
from typing import Any

from infra.app import ROOT
from infra.components.function import NOT_IN_A_LAMBDA
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
    """The code of our own functions ``names`` as their allow-lists have it, for all of them."""
    files = [
        ROOT / "functions/__init__.py",
        *(file for name in names for file in (ROOT / "functions" / name).glob("*.py")),
    ]
    files += [
        file
        for file in (ROOT / "pipelines").rglob("*.py")
        if file.relative_to(ROOT / "pipelines").parts[0] not in NOT_IN_A_LAMBDA
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(ROOT))
    return packed.getvalue()


def finish(aws: EmbeddedAws, execution: str, within_s: float = 20) -> dict[str, Any]:
    """Wait for an execution's end and describe it."""
    states = aws.client("stepfunctions")
    end = time.monotonic() + within_s
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < end, f"{execution} still runs"
        time.sleep(0.05)
    return dict(found)
