"""Runs a deployed model's checks, reads their results, and uploads labels for them."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.interface import keys, paths
from pipelines.interface.codec import JsonObject, read, to_json
from pipelines.interface.records import Check, CheckOutcome
from pipelines.interface.requests import CheckAnswer, CheckRequest
from pipelines.interface.times import format_time
from pipelines.monitoring.quality.labels import InvalidLabelsError, check_header

WINDOW_FORMS = "6h, 2d, or two times: 2026-03-01T10:00Z/2026-03-01T12:00Z"


def window_of(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Return begin and end of a ``--window``; times without an offset are UTC.

    Raises
    ------
    MooringError
        The text has none of the forms.
    """
    if found := re.fullmatch(r"([1-9][0-9]{0,3})([hd])", text):
        return now - timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1)), now
    try:
        begin, end = (_moment(part) for part in text.split("/"))
    except ValueError as error:
        raise MooringError(f"--window {text!r} is not a window", remedy=f"give {WINDOW_FORMS}") from error
    if begin >= end:
        raise MooringError(f"--window {text!r} ends before it begins", remedy=f"give {WINDOW_FORMS}")
    return begin, end


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Checks:
    """The checks of one model."""

    def __init__(self, deployed: DeployedEnvironment, model: str) -> None:
        self._deployed = deployed
        self._model = model

    def run(self, window: tuple[datetime, datetime] | None) -> CheckAnswer:
        """Check a window now, by default the last one of the settings' length; wait for the end of the check.

        Raises
        ------
        MooringError
            The function failed, or the state machine that counts large windows failed.
        """
        begin, end = window or (None, datetime.now(UTC))
        environment = self._deployed.environment.id
        found = self._deployed.call(
            "drift_check",
            CheckRequest(model=self._model, scheduled_at=format_time(end), begin=format_time(begin) if begin else None),
            CheckAnswer,
            persona="operator",
            what=f"the check of {self._model} failed",
            remedy=f"see which versions serve: mooring show {environment} {self._model}",
        )
        return self._wait_for_counts(found) if found.outcome == CheckOutcome.COUNTING else found

    def _wait_for_counts(self, found: CheckAnswer) -> CheckAnswer:
        assert found.execution is not None
        execution = self._deployed.wait_for(found.execution)
        if execution.status != "SUCCEEDED":
            raise MooringError(
                f"the check of {self._model} ended as {execution.status}: {execution.cause}",
                remedy=f"check again: mooring check {self._deployed.environment.id} {self._model}",
            )
        quality = to_json(found)["quality"]
        return read(CheckAnswer, {**execution.output["check"], "quality": quality})

    def document(self, check_id: str) -> JsonObject:
        """Return a check's check.json, with all of its results."""
        key = f"{paths.check_prefix(self._model, check_id)}check.json"
        return dict(self._deployed.services("auditor").bucket("artifacts").read_json(key))

    def report(self, check_id: str) -> bytes:
        """Return a check's HTML page."""
        key = f"{paths.check_prefix(self._model, check_id)}report.html"
        return self._deployed.services("auditor").bucket("artifacts").open(key).read()

    def last(self) -> Check:
        """Return the newest check that had a version to check.

        Raises
        ------
        MooringError
            There is no such check.
        """
        found = [
            check
            for _, check in self._deployed.ledger.query(keys.checks(self._model))
            if check.outcome != CheckOutcome.NOTHING_TO_CHECK
        ]
        if not found:
            raise MooringError(
                f"{self._model} has not been checked yet",
                remedy=f"check it: mooring check {self._deployed.environment.id} {self._model}",
            )
        return max(found, key=lambda check: (check.end, check.version))

    def put_labels(self, file: Path, hour: datetime) -> str:
        """Upload a file of labels for the predictions of an hour; return its key.

        Raises
        ------
        MooringError
            The file does not hold labels.
        """
        content = file.read_bytes()
        try:
            check_header(content, packed=file.suffix == ".gz")
        except InvalidLabelsError as error:
            raise MooringError(
                f"{file}: {error}",
                remedy="give a CSV with the columns inference_id, label and, for requests of several rows, row",
            ) from error
        begun = datetime.now(UTC)
        suffix = ".csv.gz" if file.suffix == ".gz" else ".csv"
        # Keys sort by the time of writing, because a later file corrects an earlier one.
        name = f"{begun:%Y%m%dT%H%M%S%f}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
        key = f"{paths.labels_prefix(self._model)}{hour.astimezone(UTC):%Y/%m/%d/%H}/{name}"
        self._deployed.services("engineer").bucket("capture").write(key, content)
        return key
