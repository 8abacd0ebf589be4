"""Runner of a step's program: it names the job in the log, and reports a failure to SageMaker."""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from pipelines.interface import log

CONFIG = Path("config/processingjobconfig.json")
"""Path below ``/opt/ml`` of the file in which SageMaker describes the processing job."""
MAX_CHARACTERS = 1000
"""Largest length of the reason: SageMaker keeps 1,024 characters of an ExitMessage."""


def run(step: Callable[[], None], message_file: Path) -> None:
    """Run a step; on failure write its reason to ``message_file``, the log and stderr, and exit with 1.

    SageMaker puts the text of ``message_file`` (``jobs.MESSAGE_FILE``) into the job's description.
    """
    with log.bound_by_variables(), log.bound(job=job_name(message_file)):
        try:
            step()
        except Exception as error:
            log.failure(error)
            traceback.print_exc()
            message_file.parent.mkdir(parents=True, exist_ok=True)
            message_file.write_text(f"{type(error).__name__}: {error}"[:MAX_CHARACTERS], encoding="utf-8")
            sys.exit(1)


def job_name(message_file: Path) -> str | None:
    """Return the processing job's name from SageMaker's own file; None where there is no such file, as on a laptop.

    The file is looked up from ``message_file``, ``/opt/ml/output/message``, because the embedded AWS gives each job its
    own folder in place of ``/opt/ml``.
    """
    config = message_file.parent.parent / CONFIG
    if not config.is_file():
        return None
    document = json.loads(config.read_text(encoding="utf-8"))
    return str(document["ProcessingJobName"]) if "ProcessingJobName" in document else None
