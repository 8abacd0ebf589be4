"""Base of training and processing jobs: a private folder, one process, a largest runtime, and a recorded end."""

import contextvars
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from mooring.embedded import identity, supervise
from mooring.embedded.joblog import LogShipper
from mooring.embedded.sagemaker import roles, store
from mooring.embedded.sagemaker.archives import UnsafeArchiveError
from mooring.embedded.sagemaker.s3data import DataError
from mooring.embedded.sagemaker.store import Record

logger = logging.getLogger("mooring.sagemaker")

STOP_GRACE_S = 10.0
"""Seconds between TERM and KILL of a job that is stopped."""
OUT_OF_STOCK = "out-of-stock"
"""File in the folder ``sagemaker`` of the server's home; each line is an instance type that the next such job lacks."""
NO_INSTANCE = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
_POLL_S = 0.05
_TAIL_LINES = 12
_REASON_CHARS = 1024

_home = Path()
_stock = threading.Lock()


def set_home(home: Path) -> None:
    """Set the folder below which jobs get their folders."""
    global _home  # noqa: PLW0603 - one server, one home
    _home = home


def _take_shortage(instance_type: str) -> bool:
    """Return whether instances of this type are out of stock for this job; the next job may find one."""
    file = _home / OUT_OF_STOCK
    with _stock:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        if instance_type not in lines:
            return False
        lines.remove(instance_type)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return True


@dataclass(frozen=True, kw_only=True)
class Command:
    """Program that a job runs; on SageMaker its container would run it."""

    argv: Sequence[str]
    env: dict[str, str]
    cwd: Path
    network_isolation: bool = False


class JobFailedError(Exception):
    """Failure of a job; the text becomes its FailureReason."""


class _StoppedError(Exception):
    pass


@dataclass
class Outcome:
    """End of a job's process: its exit code, whether it timed out or was stopped, and its whole output."""

    exit_code: int
    timed_out: bool = False
    stopped: bool = False
    log: str = field(default="", repr=False)


class Job(ABC):
    """A running job; ``base`` takes the place of the container's ``/``, and ``ml`` that of ``/opt/ml``."""

    kind: ClassVar[str]
    log_group: ClassVar[str]

    def __init__(self, record: Record, role_arn: str) -> None:
        self.record = record
        self.name: str = record[f"{store.KINDS[self.kind]}Name"]
        self.session = roles.assume(role_arn)
        self.base = _home / "jobs" / f"{self.kind[:1]}-{store.suffix()}"
        self.ml = self.base / "opt" / "ml"
        self.log = self.base / "log"
        self.timed_out = False
        self._stop = threading.Event()
        self._context = contextvars.copy_context()

    def start(self) -> None:
        """Start the job and return at once."""
        threading.Thread(target=self._context.run, args=(self._run,), daemon=True, name=f"job-{self.name}").start()

    def request_stop(self) -> None:
        """Request the end of the process (TERM, then KILL) or of the preparation; return at once."""
        self._stop.set()

    @abstractmethod
    def prepare(self) -> Command:
        """Download data and code, and return the command to run."""

    def poll(self) -> None:  # noqa: B027 - most jobs have nothing to do while their process runs
        """Do the work of a running job; called every ``_POLL_S`` seconds while the process runs."""

    @abstractmethod
    def collect(self, outcome: Outcome) -> None:
        """Upload the results of the process to S3."""

    @abstractmethod
    def enter(self, phase: str) -> None:
        """Record the start of a phase: Downloading, Running or Uploading."""

    @abstractmethod
    def finish(self, status: str, reason: str) -> None:
        """Record the end: Completed, Failed or Stopped."""

    @property
    @abstractmethod
    def max_runtime_s(self) -> int:
        """Seconds after which the job is stopped."""

    @property
    @abstractmethod
    def instance_type(self) -> str:
        """Instance type that the request names; the job itself runs on this machine."""

    def raise_if_stopped(self) -> None:
        """Raise if a stop was requested: ``_run`` then records the job as Stopped."""
        if self._stop.is_set():
            raise _StoppedError

    def environment(self, **variables: str) -> dict[str, str]:
        """Return a clean environment; the only value of the server in it is its interpreter's folder on PATH."""
        temporary = self.base / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.base),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "AWS_REGION": self.session.region,
            "AWS_DEFAULT_REGION": self.session.region,
            **variables,
        }

    def relocate(self, text: str) -> str:
        """Replace the container's ``/opt/ml`` in the text by this job's own folder."""
        return text.replace("/opt/ml", str(self.ml))

    def _run(self) -> None:
        status, reason = "Completed", ""
        try:
            self.ml.mkdir(parents=True)
            self.raise_if_stopped()
            if _take_shortage(self.instance_type):
                raise JobFailedError(NO_INSTANCE)
            self.enter("Downloading")
            command = self.prepare()
            self.raise_if_stopped()
            self.enter("Running")
            outcome = self._execute(command)
            self.enter("Uploading")
            self.collect(outcome)
            self.timed_out = outcome.timed_out
            if outcome.stopped or outcome.timed_out:
                status = "Stopped"
            elif outcome.exit_code != 0:
                raise JobFailedError(self._reason(outcome))
        except _StoppedError:
            status = "Stopped"
        except (JobFailedError, DataError, UnsafeArchiveError, identity.AccessDeniedError) as error:
            status, reason = "Failed", str(error)[:_REASON_CHARS]
        except Exception as error:
            logger.exception("job %s", self.name)
            status, reason = "Failed", f"InternalServerError: {error}"
        shutil.rmtree(self.base, ignore_errors=True)
        self.finish(status, reason)

    def _execute(self, command: Command) -> Outcome:
        env = command.env if command.network_isolation else command.env | self.session.environment()
        handle = supervise.spawn(command.argv, env=env, cwd=command.cwd, log=self.log)
        stream = f"{self.name}/algo-1-{int(time.time())}"
        shipper = LogShipper(self.session, self.log, group=self.log_group, stream=stream)
        deadline = time.monotonic() + self.max_runtime_s
        outcome = Outcome(exit_code=0)
        try:
            while (code := handle.poll()) is None:
                outcome.stopped = self._stop.is_set()
                outcome.timed_out = time.monotonic() > deadline
                if outcome.stopped or outcome.timed_out:
                    code = handle.terminate(STOP_GRACE_S)
                    break
                self.poll()
                try:
                    handle.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            handle.terminate(0)
            shipper.close()
        outcome.exit_code = code if code is not None else handle.wait()
        outcome.log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return outcome

    def _reason(self, outcome: Outcome) -> str:
        written = self.ml / "output" / "failure"
        tail = "\n".join(outcome.log.splitlines()[-_TAIL_LINES:])[-_REASON_CHARS + 200 :]
        code = outcome.exit_code
        if written.is_file():
            return f"AlgorithmError: {written.read_text(errors='replace')}, exit code: {code}"
        if code > 128:
            return f"AlgorithmError: the process was killed by signal {code - 128}, exit code: {code}. {tail}"
        return f"AlgorithmError: {tail or 'the program wrote no output'}, exit code: {code}"


_running: dict[str, Job] = {}


def launch(job: Job, arn: str) -> None:
    """Start the job and register it under its ARN."""
    _running[arn] = job
    job.start()


def running(arn: str) -> Job | None:
    """Return the job of that ARN, or None if it has ended."""
    return _running.get(arn)


def forget(arn: str) -> None:
    """Remove the registration of a job that has ended."""
    _running.pop(arn, None)


def make_folder(path: Path) -> Path:
    """Create the folder if it does not exist, and return it."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def elapsed_s(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds()))
