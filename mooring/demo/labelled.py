"""Measures the quality of a version's predictions of one window, from captured requests joined with labels.

The check measures whole hours, because labels are stored by hour; the year's story sends several months within one. So
the story reads a month's window as the check reads an hour: with the same reader, join and metrics, as the auditor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.aws.clients import Services
from pipelines.interface.paths import labels_prefix
from pipelines.interface.settings import ModelSettings
from pipelines.monitoring.capture.capture import CaptureReader
from pipelines.monitoring.capture.columns import Chunk
from pipelines.monitoring.capture.listing import hours
from pipelines.monitoring.capture.served import ServedVersions
from pipelines.monitoring.capture.traffic import Traffic
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.quality.join import join
from pipelines.monitoring.quality.labels import read_labels
from pipelines.monitoring.quality.quality import EvaluationMetrics, QualityMeasurement, assess
from pipelines.monitoring.reference import read_evaluation


@dataclass(frozen=True, kw_only=True)
class LabelledTraffic:
    """One version's traffic in one window."""

    services: Services
    settings: ModelSettings
    version: int
    window: Window

    def captured(self) -> list[Chunk]:
        """Return the rows that were captured so far."""
        bucket = self.services.bucket("capture")
        served = ServedVersions(self.services.ledger, self.settings.model, self.version)
        traffic = Traffic(bucket, self.services.environment.model(self.settings.model), served)
        files = traffic.files(self.version, self.window)
        begin, end = self.window.begin, self.window.end
        reader = CaptureReader(bucket, begin, end, numeric=(), on_corrupt=lambda *_: None)
        return list(reader.read(file.key for file in files))

    def measure(self, chunks: Sequence[Chunk]) -> QualityMeasurement:
        """Measure the quality of the rows that have labels in the window's hours."""
        bucket, prefix = self.services.bucket("capture"), labels_prefix(self.settings.model)
        folders = hours(self.window.begin, self.window.end)
        files = [file for hour in folders for file in bucket.listing(f"{prefix}{hour}/")]
        labels = read_labels(bucket, files, classes=self.settings.task == "classification")
        evaluation = read_evaluation(self.services, self.settings.model, self.version)
        evaluated = EvaluationMetrics.from_report(evaluation) if evaluation else None
        rules, metric = self.settings.quality, self.settings.gate.metric
        return assess(self.settings.task, metric, join(chunks, labels, []), evaluated, rules)
