"""Phases of a build: their record, their errors, and their events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mooring.embedded.services.codebuild import store
from mooring.embedded.services.codebuild.shell import StoppedError, TimedOutError
from mooring.embedded.services.codebuild.store import Record


class PhaseError(Exception):
    """Failure of a phase, with the code and message of its context."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Phases:
    """Recorder of a build's phases; ``on_end`` is called with each phase that has ended."""

    def __init__(self, record: Record, *, on_end: Callable[[Record], None], log: Callable[[str], None]) -> None:
        self._record = record
        self._on_end = on_end
        self._log = log
        self.status = "SUCCEEDED"

    @contextmanager
    def phase(self, kind: str) -> Iterator[None]:
        """Record one phase; a ``PhaseError`` fails it and is raised further, as is the end by stop or time-out."""
        phase: Record = {"phaseType": kind, "startTime": store.now()}
        self._record["phases"].append(phase)
        self._record["currentPhase"] = kind
        if kind in ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"):
            self._log(f"Entering phase {kind}")
        status, code, message = "SUCCEEDED", "", ""
        try:
            yield
        except PhaseError as error:
            status, code, message = "FAILED", error.code, error.message
            raise
        except StoppedError:
            status = "STOPPED"
            raise
        except TimedOutError:
            status, code, message = "TIMED_OUT", "BUILD_TIMED_OUT", "Build has timed out."
            raise
        except BaseException as error:
            status, code, message = "FAULT", "INTERNAL_SERVICE_ERROR", str(error)
            raise
        finally:
            end = store.now()
            phase |= {
                "phaseStatus": status,
                "endTime": end,
                "durationInSeconds": int((end - phase["startTime"]).total_seconds()),
                "contexts": [{"statusCode": code, "message": message}],
            }
            if self.status == "SUCCEEDED":
                self.status = status
            self._log(f"Phase complete: {kind} State: {status}")
            self._log(f"Phase context status code: {code} Message: {message}")
            self._on_end(phase)

    def complete(self) -> None:
        """Record that the build has ended."""
        moment = store.now()
        self._record["phases"].append({"phaseType": "COMPLETED", "startTime": moment})
        self._record |= {
            "currentPhase": "COMPLETED",
            "buildStatus": self.status,
            "endTime": moment,
            "buildComplete": True,
        }
