"""Small Lambda functions for the tests."""

import io
import time
import zipfile
from typing import Any

from tests.local.conftest import EmbeddedAws

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


def finish(aws: EmbeddedAws, execution: str, within_s: float = 20) -> dict[str, Any]:
    """Wait for an execution's end and describe it."""
    states = aws.client("stepfunctions")
    end = time.monotonic() + within_s
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < end, f"{execution} still runs"
        time.sleep(0.05)
    return dict(found)
