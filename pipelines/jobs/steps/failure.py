"""How a step says why it failed: in one file that SageMaker puts into the job's description, and on stderr."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

MAX_CHARACTERS = 1000
"""SageMaker keeps 1,024 of an ExitMessage."""


def run(step: Callable[[], None], message_file: Path) -> None:
    """Run a step; on failure leave its reason in ``message_file`` and exit with 1."""
    try:
        step()
    except Exception as error:
        traceback.print_exc()
        message_file.parent.mkdir(parents=True, exist_ok=True)
        message_file.write_text(f"{type(error).__name__}: {error}"[:MAX_CHARACTERS], encoding="utf-8")
        sys.exit(1)
