"""The quality of a model's predictions, measured window by window as labels come.

Windows of quality are hours: labels lie by the hour of their predictions, and an hour is measured again whenever its
labels change, so that late ones count in their own window and nothing is counted twice.
"""

from collections.abc import Sequence

from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, publish
from pipelines.aws.metrics import write_metrics
from pipelines.aws.s3 import ListedObject
from pipelines.interface import keys, log
from pipelines.interface.codec import to_json
from pipelines.interface.events import QualityLost
from pipelines.interface.metrics import Metric
from pipelines.interface.paths import quality_key
from pipelines.interface.records import QualityHour, QualityOutcome
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import format_time
from pipelines.monitoring.capture.capture import CaptureReader
from pipelines.monitoring.capture.listing import batches
from pipelines.monitoring.capture.traffic import Traffic
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.quality.join import join
from pipelines.monitoring.quality.label_hours import HOUR, LabelHours
from pipelines.monitoring.quality.labels import Labels, read_labels
from pipelines.monitoring.quality.quality import EvaluationMetrics, assess
from pipelines.monitoring.reference import read_evaluation

MAX_WINDOWS = 24
"""Measured in one go, the oldest first; the others follow with the next check."""


class QualityCheck:
    """The quality of one model's predictions; ``champion`` is the version whose lost quality retrains."""

    def __init__(
        self, services: Services, settings: ModelSettings, traffic: Traffic, champion: int | None, key_arn: str
    ) -> None:
        self._services = services
        self._settings = settings
        self._traffic = traffic
        self._champion = champion
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}

    def run(self, now: Window) -> list[QualityHour]:
        """Measure the hours whose labels have changed since they were last measured."""
        capture = self._services.bucket("capture")
        hours = LabelHours(
            capture,
            self._services.bucket("artifacts"),
            self._settings.model,
            self._traffic,
            now.end,
            self._encryption,
        )
        found = []
        for begin in sorted(hours.changed())[:MAX_WINDOWS]:
            window = Window(begin=begin, end=begin + HOUR)
            labels = read_labels(capture, hours.of(window), classes=self._settings.task == "classification")
            for version, files in self._traffic.by_version(window).items():
                found.append(self._measure(version, window, files, labels))
            hours.settle(window)
        if misplaced := hours.new_misplaced():
            message = "\n".join(["Labels lie below labels/<model>/yyyy/mm/dd/hh/; these do not:", *misplaced])
            alert(self._services, f"{self._services.environment.id} {self._settings.model}: misplaced labels", message)
        return found

    def _measure(self, version: int, window: Window, files: Sequence[ListedObject], labels: Labels) -> QualityHour:
        report = read_evaluation(self._services, self._settings.model, version)
        evaluated = EvaluationMetrics.from_report(report) if report else None
        segments = evaluated.columns if evaluated else []
        chunks = (chunk for batch in batches(files) for chunk in self._reader(window).read(file.key for file in batch))
        joined = join(chunks, labels, segments)
        measured = assess(self._settings.task, self._settings.gate.metric, joined, evaluated, self._settings.quality)
        worst = measured.worst_segment
        hour = QualityHour(
            model=self._settings.model,
            version=version,
            window=window.name,
            begin=format_time(window.begin),
            end=format_time(window.end),
            labels=len(labels.keys),
            rows=measured.rows,
            unreadable_labels=labels.unreadable,
            damaged_label_files=len(labels.damaged),
            cut=labels.cut,
            outcome=measured.outcome,
            metric=measured.metric,
            metrics=measured.metrics,
            evaluated=measured.evaluated,
            loss=measured.loss,
            gap=measured.gap,
            # Only the column: a segment's value is one of a row.
            worst_segment=worst.column if worst else None,
        )
        document = {**to_json(hour), **to_json(measured), "damaged": dict(labels.damaged)}
        artifacts, key = self._services.bucket("artifacts"), quality_key(hour.model, window.name, version)
        artifacts.write_json(key, document, **self._encryption)
        self._record(hour)
        return hour

    def _record(self, hour: QualityHour) -> None:
        ledger, key = self._services.ledger, keys.quality_hour(hour.model, hour.window, hour.version)
        before = ledger.get(key)
        log.info(f"quality {hour.outcome}", version=hour.version, window=hour.window, rows=hour.rows)
        if hour.version == self._champion:
            self._publish(hour, already=before is not None and before.outcome == QualityOutcome.LOST)
        ledger.record(key, hour)

    def _publish(self, hour: QualityHour, *, already: bool) -> None:
        is_lost = hour.outcome == QualityOutcome.LOST
        environment = self._services.environment
        write_metrics(environment, {Metric.QUALITY_LOST: int(is_lost)}, Model=hour.model, Window=hour.window)
        if is_lost and not already:
            message = (
                f"{hour.metric} is {hour.metrics[hour.metric]:.3f} on {hour.rows:,} labelled rows of {hour.begin}; "
                f"v{hour.version} had {hour.evaluated[hour.metric]:.3f} at its evaluation."
            )
            alert(self._services, f"{environment.id} {hour.model}: quality lost", message)
            event = QualityLost(
                model=hour.model,
                training_stage=self._settings.training_stage,
                version=hour.version,
                window=hour.window,
                metric=hour.metric,
                value=hour.metrics[hour.metric],
                evaluated=hour.evaluated[hour.metric],
                rows=hour.rows,
            )
            publish(self._services, event)

    def _reader(self, window: Window) -> CaptureReader:
        return CaptureReader(
            self._services.bucket("capture"), window.begin, window.end, numeric=(), on_corrupt=lambda *_: None
        )
