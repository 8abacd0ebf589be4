"""Run one build: a thread that goes through the phases, with the commands in one shell under the project's role."""

import contextvars
import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_account_id, get_region

from mooring.embedded import identity, joblog
from mooring.embedded.services.codebuild import artifacts, environment, events, roles, sources, store
from mooring.embedded.services.codebuild import buildspec as specs
from mooring.embedded.services.codebuild.phases import PhaseError, Phases
from mooring.embedded.services.codebuild.shell import Shell, StoppedError, TimedOutError
from mooring.embedded.services.codebuild.store import Record
from mooring.embedded.sessions import RoleSession

logger = logging.getLogger("mooring.codebuild")

CONCURRENT = 5
"""Builds that run at a time in an account and region; later ones wait in the phase QUEUED."""
MINUTE = "minute"
"""File in the folder ``codebuild`` of the server's home with the seconds of a minute of time-outs (default: 60)."""
_POLL_S = 0.05

_home = Path()
_slots: dict[tuple[str, str], threading.BoundedSemaphore] = {}


def set_home(home: Path) -> None:
    """Set the folder below which builds get their folders."""
    global _home  # noqa: PLW0603 - one server, one home
    _home = home


def _minute_s() -> float:
    file = _home / MINUTE
    return float(file.read_text(encoding="utf-8")) if file.exists() else 60.0


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """What the commands of a build need."""

    spec: specs.Buildspec
    shell: Shell
    deadline: float


class Build:
    """A running build; ``plan`` is its project with the overrides, and ``record`` what BatchGetBuilds shows."""

    def __init__(self, record: Record, plan: Record, *, on_end: Callable[[], object]) -> None:
        self.record = record
        self._on_end = on_end
        self._plan = plan
        self._number = record["id"].partition(":")[2]
        self._base = _home / "builds" / self._number[:8]
        self._source = self._base / "src"
        self._log_file = self._base / "log"
        self._stop = threading.Event()
        self._shell: Shell | None = None
        self._shipper: joblog.LogShipper | None = None
        self._phases = Phases(record, on_end=lambda phase: events.phase_changed(record, phase), log=self._log)
        self._context = contextvars.copy_context()

    def start(self) -> None:
        """Start the build and return at once."""
        name = f"build-{self.record['id']}"
        threading.Thread(target=self._context.run, args=(self._run,), daemon=True, name=name).start()

    def request_stop(self) -> None:
        """Request the end of the build and of all its processes; return at once."""
        self._stop.set()

    def _run(self) -> None:
        place = get_account_id(), get_region()
        slot = _slots.setdefault(place, threading.BoundedSemaphore(CONCURRENT))
        running = False
        try:
            events.state_changed(self.record)
            with self._phases.phase("SUBMITTED"):
                self._base.mkdir(parents=True)
            with self._phases.phase("QUEUED"):
                running = self._await(slot)
                session = self._assume()
                self._open_log(session)
            deadline = time.monotonic() + self.record["timeoutInMinutes"] * _minute_s()
            with self._phases.phase("PROVISIONING"):
                self._source.mkdir()
            try:
                self._work(session, deadline)
            finally:
                if self._shell is not None:
                    self._shell.close()
                with self._phases.phase("FINALIZING"):
                    self._close_log()
        except (PhaseError, StoppedError, TimedOutError):
            logger.info("build %s: %s", self.record["id"], self._phases.status)
        except Exception:
            logger.exception("build %s", self.record["id"])
            self._phases.status = "FAULT"
        finally:
            if running:
                slot.release()
            shutil.rmtree(self._base, ignore_errors=True)
            self._phases.complete()
            self._on_end()
            events.state_changed(self.record)

    def _await(self, slot: threading.BoundedSemaphore) -> bool:
        deadline = time.monotonic() + self.record["queuedTimeoutInMinutes"] * _minute_s()
        while not slot.acquire(timeout=_POLL_S):
            if self._stop.is_set():
                raise StoppedError
            if time.monotonic() > deadline:
                raise TimedOutError
        return True

    def _assume(self) -> RoleSession:
        try:
            return roles.assume(self._plan["serviceRole"], self.record["id"], self._plan["arn"])
        except identity.AccessDeniedError as error:
            message = f"CodeBuild is not authorized to perform: sts:AssumeRole on {self._plan['serviceRole']} ({error})"
            raise PhaseError("ACCESS_DENIED", message) from error

    def _open_log(self, session: RoleSession) -> None:
        logs = self.record["logs"]
        if "groupName" not in logs:
            return
        group, stream = logs["groupName"], logs["streamName"]
        try:
            joblog.create_stream(session.client("logs"), logGroupName=group, logStreamName=stream)
        except (ClientError, BotoCoreError) as error:
            raise PhaseError(
                "ACCESS_DENIED",
                f"Service role {session.role_arn} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log"
                f" streams for build {self.record['arn']}. Error message: {error}",
            ) from error
        self._shipper = joblog.LogShipper(session, self._log_file, group=group, stream=stream)

    def _close_log(self) -> None:
        if self._shipper is None:
            return
        self._shipper.close()
        if self._shipper.failure:
            raise PhaseError("CLIENT_ERROR", f"The build's log is incomplete: {self._shipper.failure}")

    def _work(self, session: RoleSession, deadline: float) -> None:
        with self._phases.phase("DOWNLOAD_SOURCE"):
            ready = self._prepare(session, deadline)
        try:
            proceed = self._run_phases(ready)
        finally:
            if not self._stop.is_set() and time.monotonic() < deadline:
                self._export(ready)
        if proceed:
            with self._phases.phase("UPLOAD_ARTIFACTS"):
                self._upload(session, ready)

    def _prepare(self, session: RoleSession, deadline: float) -> _Ready:
        plan, s3, scratch = self._plan, session.client("s3"), self._base / "source.zip"
        version = sources.download(s3, plan["source"], plan["sourceVersion"], folder=self._source, scratch=scratch)
        if version:
            self.record["resolvedSourceVersion"] = version
        folders = {"": self._source}
        versions = {item["sourceIdentifier"]: item["sourceVersion"] for item in plan["secondarySourceVersions"]}
        for source in plan["secondarySources"]:
            name = source["sourceIdentifier"]
            folders[name] = self._base / "secondary" / name
            sources.download(s3, source, versions.get(name, ""), folder=folders[name], scratch=scratch)
        try:
            spec = specs.load(plan["source"].get("buildspec", ""), self._source)
        except specs.BuildspecError as error:
            raise PhaseError("YAML_FILE_ERROR", str(error)) from error
        variables = environment.variables(
            self.record, plan["arn"], spec, session=session, base=self._base, sources=folders
        )
        self._shell = Shell(
            spec.shell, folder=self._base / "shell", cwd=self._source, env=variables, log=self._log_file
        )
        return _Ready(spec=spec, shell=self._shell, deadline=deadline)

    def _run_phases(self, ready: _Ready) -> bool:
        """Run the phases of the buildspec and return whether artifacts are uploaded.

        After a failed install or pre_build AWS goes to the end; after a failed build it goes on with post_build and
        the artifacts. ``on-failure`` of a phase replaces this order. A failed phase fails the build in any case.
        """
        for name in specs.PHASES:
            phase = ready.spec.phases.get(name)
            try:
                with self._phases.phase(name.upper()):
                    if phase is not None:
                        self._run_commands(phase, ready)
            except PhaseError:
                self._execute("export CODEBUILD_BUILD_SUCCEEDING=0", ready)
                assert phase is not None
                if phase.on_failure == "ABORT" or (not phase.on_failure and name in ("install", "pre_build")):
                    return False
        return True

    def _run_commands(self, phase: specs.Phase, ready: _Ready) -> None:
        try:
            for command in phase.commands:
                self._run_command(command, ready)
        finally:
            if not self._stop.is_set() and time.monotonic() < ready.deadline:
                for command in phase.final:
                    self._run_command(command, ready)

    def _run_command(self, command: str, ready: _Ready) -> None:
        self._log(f"Running command {command.strip()}")
        code = self._execute(command, ready)
        if code != 0:
            reason = f"Error while executing command: {command.strip()}. Reason: exit status {code}"
            raise PhaseError("COMMAND_EXECUTION_ERROR", reason)

    def _execute(self, command: str, ready: _Ready) -> int:
        return ready.shell.run(command, stop=self._stop, deadline=ready.deadline)

    def _export(self, ready: _Ready) -> None:
        values = ready.shell.values(ready.spec.exported, stop=self._stop, deadline=ready.deadline)
        self.record["exportedEnvironmentVariables"] = [{"name": name, "value": value} for name, value in values.items()]

    def _upload(self, session: RoleSession, ready: _Ready) -> None:
        if self._stop.is_set():
            raise StoppedError
        s3 = session.client("s3")
        shown = {part["artifactIdentifier"]: part for part in self.record["secondaryArtifacts"]}
        self._write(s3, ready, self._plan["artifacts"], ready.spec.artifacts, self.record["artifacts"])
        for target in self._plan["secondaryArtifacts"]:
            name = target["artifactIdentifier"]
            self._write(s3, ready, target, ready.spec.secondary.get(name), shown[name])

    def _write(self, s3: Any, ready: _Ready, target: Record, wanted: specs.Artifacts | None, shown: Record) -> None:
        """Write one artifact and add to ``shown`` what BatchGetBuilds shows of it."""
        if not target.get("location"):
            return

        def expand(text: str) -> str:
            return ready.shell.expand(text, stop=self._stop, deadline=ready.deadline) if "$" in text else text

        files, name = artifacts.collect(wanted, target, self._source, expand)
        key = artifacts.object_key(target, self.record["id"], name)
        encryption = artifacts.encryption(target, self.record["encryptionKey"])
        scratch = self._base / "artifact.zip"
        shown |= artifacts.upload(s3, files, target, key=key, encryption=encryption, scratch=scratch)

    def _log(self, text: str) -> None:
        if self._base.exists():
            with self._log_file.open("a", encoding="utf-8") as log:
                log.write(f"[Container] {store.now():%Y/%m/%d %H:%M:%S.%f} {text}\n")
