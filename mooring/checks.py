"""A deployed model's checks, as a person asks for them: made now, read afterwards, and fed with labels."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.interface import paths
from pipelines.interface.keys import check_sk
from pipelines.interface.times import written
from pipelines.monitoring.check import NOT_SERVING
from pipelines.monitoring.drift.version_check import COUNTING
from pipelines.monitoring.quality.labels import InvalidLabelsError, check_header

WINDOW_FORMS = "6h, 2d, or two moments: 2026-03-01T10:00Z/2026-03-01T12:00Z"


def window_of(text: str, now: datetime) -> tuple[datetime, datetime]:
    """What ``--window`` says, as begin and end; moments without an offset are UTC.

    Raises
    ------
    MooringError
        It is none of the forms.
    """
    if found := re.fullmatch(r"([1-9][0-9]{0,3})([hd])", text):
        return now - timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1)), now
    try:
        begin, end = (_moment(part) for part in text.split("/"))
    except ValueError as error:
        raise MooringError(f"--window {text!r} is no window", remedy=f"give {WINDOW_FORMS}") from error
    if begin >= end:
        raise MooringError(f"--window {text!r} ends before it begins", remedy=f"give {WINDOW_FORMS}")
    return begin, end


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Checks:
    """Of one model."""

    def __init__(self, deployed: DeployedEnvironment, model: str) -> None:
        self._deployed = deployed
        self._model = model

    def run(self, window: tuple[datetime, datetime] | None) -> dict[str, Any]:
        """Check a window now, by default the last one that the settings' length gives; returns what was found.

        A window that is too large for one function is waited for until many have counted it.

        Raises
        ------
        MooringError
            The function failed, or the state machine that counts large windows.
        """
        begin, end = window or (None, datetime.now(UTC))
        request = {"model": self._model, "scheduled_at": written(end)} | ({"begin": written(begin)} if begin else {})
        answer = self._deployed.client("lambda", "operator", attempts=1).invoke(
            FunctionName=self._deployed.environment.function("drift_check"), Payload=json.dumps(request)
        )
        found = json.loads(answer["Payload"].read() or "{}")
        if answer.get("FunctionError"):
            raise MooringError(
                f"the check of {self._model} failed: {found.get('errorType')}: {found.get('errorMessage')}",
                remedy=f"see which versions serve: mooring show {self._deployed.environment.id} {self._model}",
            )
        return self._counted(found) if found["outcome"] == COUNTING else dict(found)

    def _counted(self, found: dict[str, Any]) -> dict[str, Any]:
        execution = self._deployed.wait_for(found["execution"])
        if execution.status != "SUCCEEDED":
            raise MooringError(
                f"the check of {self._model} ended as {execution.status}: {execution.cause}",
                remedy=f"check again: mooring check {self._deployed.environment.id} {self._model}",
            )
        return {**execution.output["check"], "quality": found["quality"]}

    def document(self, check_id: str) -> dict[str, Any]:
        """All that a check has written down."""
        return dict(self._deployed.document("artifacts", f"{paths.check_prefix(self._model, check_id)}check.json"))

    def last_report(self) -> tuple[dict[str, Any], bytes]:
        """The newest check that compared anything, and its page.

        Raises
        ------
        MooringError
            There is none.
        """
        made = [
            item for item in self._deployed.model_items(self._model, check_sk("")) if item["outcome"] != NOT_SERVING
        ]
        if not made:
            raise MooringError(
                f"{self._model} has not been checked yet",
                remedy=f"check it: mooring check {self._deployed.environment.id} {self._model}",
            )
        last = max(made, key=lambda item: (item["end"], item["version"]))
        environment = self._deployed.environment
        body = self._deployed.client("s3", "auditor").get_object(
            Bucket=environment.bucket("artifacts"),
            Key=f"{paths.check_prefix(self._model, last['check_id'])}report.html",
            ExpectedBucketOwner=environment.account,
        )["Body"]
        return last, body.read()

    def put_labels(self, file: Path, hour: datetime) -> str:
        """Put a file of labels where the checks of that hour's predictions look for it; returns its key.

        Raises
        ------
        MooringError
            It is no file of labels.
        """
        content = file.read_bytes()
        try:
            check_header(content, packed=file.suffix == ".gz")
        except InvalidLabelsError as error:
            raise MooringError(
                f"{file}: {error}", remedy="give a CSV with inference_id, label and, if any, row"
            ) from error
        begun = datetime.now(UTC)
        suffix = ".csv.gz" if file.suffix == ".gz" else ".csv"
        # Keys sort by the moment of writing: a later file corrects an earlier one.
        name = f"{begun:%Y%m%dT%H%M%S%f}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
        key = f"{paths.labels_prefix(self._model)}{hour.astimezone(UTC):%Y/%m/%d/%H}/{name}"
        environment = self._deployed.environment
        self._deployed.client("s3", "engineer").put_object(
            Bucket=environment.bucket("capture"), Key=key, Body=content, ExpectedBucketOwner=environment.account
        )
        return key
