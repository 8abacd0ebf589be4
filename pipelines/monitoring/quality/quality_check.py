"""The quality of a model's predictions, measured window by window as labels come.

Windows of quality are hours: labels lie by the hour of their predictions, and an hour is measured again whenever its
labels change, so that late ones count in their own window and nothing is counted twice.
"""

from collections.abc import Sequence
from typing import Any

from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, emit
from pipelines.aws.metrics import metrics_line
from pipelines.aws.s3 import ListedObject
from pipelines.interface import events, keys
from pipelines.interface.paths import quality_key
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import written
from pipelines.monitoring.capture.capture import CaptureReader
from pipelines.monitoring.capture.listing import batches
from pipelines.monitoring.capture.traffic import Traffic
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.quality.join import join
from pipelines.monitoring.quality.label_hours import HOUR, LabelHours
from pipelines.monitoring.quality.labels import Labels, read_labels
from pipelines.monitoring.quality.quality import LOST, EvaluationMetrics, QualityMeasurement, assess
from pipelines.monitoring.reference import read_evaluation

MAX_WINDOWS = 24
"""Measured in one go, the oldest first; the others follow with the next check."""


class QualityCheck:
    """Of one model; ``champion`` is the version whose lost quality retrains."""

    def __init__(
        self, services: Services, settings: ModelSettings, traffic: Traffic, champion: int | None, key_arn: str
    ) -> None:
        self._services = services
        self._settings = settings
        self._traffic = traffic
        self._champion = champion
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}

    def run(self, now: Window) -> list[dict[str, Any]]:
        """Measure the hours whose labels have changed since; returns what the ledger keeps of each."""
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
            for version in self._traffic.versions():
                files = self._traffic.files(version, window)
                found += [self._measure(version, window, files, labels)] if files else []
            hours.settle(window)
        if misplaced := hours.new_misplaced():
            message = "\n".join(["Labels lie below labels/<model>/yyyy/mm/dd/hh/; these do not:", *misplaced])
            alert(self._services, f"{self._services.environment.id} {self._settings.model}: misplaced labels", message)
        return found

    def _measure(self, version: int, window: Window, files: Sequence[ListedObject], labels: Labels) -> dict[str, Any]:
        document = read_evaluation(self._services, self._settings.model, version)
        evaluated = EvaluationMetrics.from_document(document) if document else None
        segments = evaluated.columns if evaluated else []
        chunks = (chunk for batch in batches(files) for chunk in self._reader(window).read(file.key for file in batch))
        joined = join(chunks, labels, segments)
        measured = assess(self._settings.task, self._settings.gate.metric, joined, evaluated, self._settings.quality)
        about = {
            "model": self._settings.model,
            "version": version,
            "window": window.name,
            "begin": written(window.begin),
            "end": written(window.end),
            "labels": len(labels.keys),
            "rows": measured.rows,
            "unreadable_labels": labels.unreadable,
            "damaged_label_files": len(labels.damaged),
            "cut": labels.cut,
        }
        return self._record(about, measured, window, labels)

    def _record(
        self, about: dict[str, Any], measured: QualityMeasurement, window: Window, labels: Labels
    ) -> dict[str, Any]:
        version = about["version"]
        document = {**about, "damaged": dict(labels.damaged), **measured.to_document()}
        artifacts, key = self._services.bucket("artifacts"), quality_key(self._settings.model, window.name, version)
        artifacts.write_json(key, document, **self._encryption)
        ledger, pk = self._services.ledger, keys.model_pk(self._settings.model)
        sk = keys.quality_sk(window.name, version)
        before = ledger.get(pk, sk)
        worst = measured.worst_segment
        item = {
            **about,
            "outcome": measured.outcome,
            "metric": measured.metric,
            "metrics": measured.metrics,
            "evaluated": measured.evaluated,
            "loss": measured.loss,
            "gap": measured.gap,
            # Only the column: a segment's value is one of a row.
            "worst_segment": worst.column if worst else None,
        }
        if version == self._champion:
            self._tell(item, measured, window, already=before is not None and before["outcome"] == LOST)
        ledger.record(pk, sk, item)
        return item

    def _tell(self, item: dict[str, Any], measured: QualityMeasurement, window: Window, *, already: bool) -> None:
        values: dict[str, float] = {"LabelledRows": measured.rows, "QualityLost": int(measured.outcome == LOST)}
        if measured.metric in measured.metrics:
            values["Quality"] = measured.metrics[measured.metric]
        dimensions = {"Environment": self._services.environment.id, "Model": self._settings.model}
        print(metrics_line({"Window": window.name}, dimensions, values))
        if measured.outcome == LOST and not already:
            metric = measured.metric
            detail = {
                "model": item["model"],
                "version": item["version"],
                "window": item["window"],
                "metric": metric,
                "value": measured.metrics[metric],
                "evaluated": measured.evaluated[metric],
                "rows": measured.rows,
            }
            emit(self._services, events.QUALITY_LOST, detail)

    def _reader(self, window: Window) -> CaptureReader:
        return CaptureReader(
            self._services.bucket("capture"), window.begin, window.end, numeric=(), on_corrupt=lambda *_: None
        )
