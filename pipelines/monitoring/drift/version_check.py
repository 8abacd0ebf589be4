"""Checks one version's traffic in one window against the baseline of that version.

``VersionCheck`` reads, writes and publishes; ``pipelines.monitoring.drift.conclusion`` decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, publish
from pipelines.aws.metrics import write_metrics
from pipelines.aws.s3 import ListedObject
from pipelines.interface import keys, log
from pipelines.interface.codec import JsonObject
from pipelines.interface.names import Model
from pipelines.interface.paths import check_prefix, quarantine_prefix
from pipelines.interface.records import Check, CheckOutcome
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import format_time, sortable_id
from pipelines.monitoring.capture.listing import BATCH_BYTES, batches
from pipelines.monitoring.capture.quarantine import Quarantine
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift.conclusion import Conclusion, conclude, in_words
from pipelines.monitoring.drift.counting import WindowCounts, count
from pipelines.monitoring.drift.fan_out import FAN_OUT_BYTES, Plan, start
from pipelines.monitoring.drift.report import render
from pipelines.monitoring.reference import read_baseline, read_evaluation
from pipelines.statistics.baseline import Baseline

HISTORY = 24
"""Number of earlier windows that a check reads, for ``persistence`` and for the report's trend."""
SEARCHED = 200
"""Number of the model's newest checks and quality hours that are searched."""
CONCLUDED = (CheckOutcome.STABLE, CheckOutcome.WARNING, CheckOutcome.DRIFT)
"""Outcomes of checks that compared anything."""
FOUND = {CheckOutcome.DRIFT: "drift", CheckOutcome.BROKEN_INPUT: "broken input"}
"""Outcomes that alert, once until a conclusive check has another one, with their names."""


@dataclass(frozen=True, kw_only=True)
class VersionCheck:
    """The check of one version. ``serves`` is true for the champion: only its findings are published.

    Many functions count a window of more than ``fan_out_bytes`` of capture, in batches of at most ``batch_bytes``.
    """

    services: Services
    settings: ModelSettings
    version: int
    serves: bool
    key_arn: str
    fan_out_bytes: int = FAN_OUT_BYTES
    batch_bytes: int = BATCH_BYTES

    def run(self, window: Window, files: Sequence[ListedObject]) -> Check:
        """Count the window and conclude its check, or start the state machine that counts it."""
        if sum(file.size_bytes for file in files) > self.fan_out_bytes:
            return self._fan_out(window, files)
        baseline = read_baseline(self.services, self.settings.model, self.version)
        counts = WindowCounts(profile=baseline.profile.empty())
        for number, batch in enumerate(batches(files, self.batch_bytes)):
            counts = counts.merge(self.count(window, number, batch, baseline))
        return self.conclude(window, baseline, counts)

    def count(self, window: Window, number: int, files: Sequence[ListedObject], baseline: Baseline) -> WindowCounts:
        """Count one batch of the window's files; unreadable lines and files go to the quarantine."""
        capture = self.services.bucket("capture")
        prefix = f"{quarantine_prefix(self.settings.model, self.check_id(window))}{number}/"
        quarantine = Quarantine(capture, prefix, self._encryption)
        counts = count(capture, files, window, baseline, quarantine.line)
        quarantine.write(counts.tally.damaged)
        return counts

    def conclude(self, window: Window, baseline: Baseline, counts: WindowCounts) -> Check:
        """Decide; write check.json and report.html; publish the champion's findings; record the check."""
        before = self._before(window)
        compared = [check for check in before if check.outcome in CONCLUDED]
        earlier = [check for check in compared if check.check_id != self.check_id(window)][:HISTORY]
        concluded = conclude(
            self._begun(window),
            counts,
            settings=self.settings,
            baseline=baseline,
            evaluation=read_evaluation(self.services, self.settings.model, self.version),
            earlier=earlier,
            before=before[0].outcome if before else None,
        )
        page = render(
            concluded.decision,
            concluded.check,
            quality=self._last_quality(),
            baseline=baseline.profile,
            current=counts.profile,
            earlier=earlier,
        )
        check = concluded.check
        self._write(check.check_id, concluded.document, page)
        with log.bound(check=check.check_id, model=check.model):
            log.info(f"check {check.outcome}", version=check.version, rows=check.rows, findings=check.findings)
        if self.serves:
            self._publish(window, concluded)
        self._record(check)
        return check

    def check_id(self, window: Window) -> str:
        """Return the id of the check of a window and version: a repeated check replaces the earlier one."""
        return sortable_id(window.end, f"{self._model.id} v{self.version} {window.name}")

    def _begun(self, window: Window, execution: str | None = None) -> Check:
        """Return the check before anything was counted."""
        return Check(
            check_id=self.check_id(window),
            model=self.settings.model,
            begin=format_time(window.begin),
            end=format_time(window.end),
            version=self.version,
            package_arn=self._model.package_arn(self.version),
            outcome=CheckOutcome.COUNTING,
            execution=execution,
            rows=0,
            worst=(),
        )

    def _fan_out(self, window: Window, files: Sequence[ListedObject]) -> Check:
        plan = Plan(version=self.version, window=window, batches=batches(files, self.batch_bytes))
        execution = start(self.services, self.settings.model, self.check_id(window), plan, self._encryption)
        check = self._begun(window, execution)
        self._record(check)
        return check

    def _record(self, check: Check) -> None:
        self.services.ledger.record(keys.check(self.settings.model, check.check_id), check)

    def _before(self, window: Window) -> list[Check]:
        """Return the version's conclusive checks of this window and earlier ones, the latest first."""
        end = format_time(window.end)
        return [
            check
            for check in self.services.ledger.latest(keys.checks(self.settings.model), SEARCHED)
            if check.version == self.version and check.end <= end and check.outcome in (*CONCLUDED, *FOUND)
        ]

    def _last_quality(self) -> str:
        """Return the version's last measured quality, in words."""
        hours = self.services.ledger.latest(keys.quality_hours(self.settings.model), SEARCHED)
        measured = next((hour for hour in hours if hour.version == self.version and hour.metrics), None)
        if measured is None:
            return "no labels yet"
        return f"{in_words(measured.metrics)}; {measured.rows:,} labelled rows of {measured.begin}"

    def _write(self, check_id: str, document: JsonObject, page: str) -> None:
        artifacts, prefix = self.services.bucket("artifacts"), check_prefix(self.settings.model, check_id)
        artifacts.write_json(f"{prefix}check.json", document, **self._encryption)
        html = "text/html; charset=utf-8"
        artifacts.write(f"{prefix}report.html", page.encode(), ContentType=html, **self._encryption)

    def _publish(self, window: Window, concluded: Conclusion) -> None:
        environment, model = self.services.environment, self.settings.model
        write_metrics(environment, concluded.metrics, Model=model, Window=window.name)
        if concluded.event:
            publish(self.services, concluded.event)
        if concluded.alert:
            alert(self.services, f"{environment.id} {model}: {FOUND[concluded.check.outcome]}", concluded.alert)

    @property
    def _model(self) -> Model:
        return self.services.environment.model(self.settings.model)

    @property
    def _encryption(self) -> dict[str, str]:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key_arn}
