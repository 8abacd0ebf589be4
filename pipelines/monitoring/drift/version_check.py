"""The check of one version's traffic in one window, against the baseline of that very version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, emit
from pipelines.aws.metrics import metrics_line
from pipelines.aws.packages import package_arn
from pipelines.aws.s3 import ListedObject
from pipelines.interface import events, keys
from pipelines.interface.paths import check_prefix, quarantine_prefix
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import sortable_id, written
from pipelines.monitoring.capture.listing import batches
from pipelines.monitoring.capture.quarantine import Quarantine
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift import decision
from pipelines.monitoring.drift.counting import WindowCounts, count
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.monitoring.drift.fan_out import Plan, start
from pipelines.monitoring.drift.report import first_line, render
from pipelines.monitoring.drift.segment_drift import compare_segments, findings
from pipelines.monitoring.quality.estimate import estimate
from pipelines.monitoring.reference import read_baseline, read_evaluation
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.calibration import Calibration
from pipelines.statistics.comparison import compare
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.profile import PREDICTION

HISTORY = 24
"""How many earlier windows a check looks at: for what lasts, and for the report's trend."""
SEARCHED = 200
"""Among how many of the model's newest checks those windows are looked for."""

FAN_OUT_BYTES = 4 << 30
"""Of a window: about a minute of one function's reading. More is counted by many functions at once."""
COUNTING = "counting"
"""The outcome of a check until the many have counted."""


@dataclass(frozen=True, kw_only=True)
class VersionCheck:
    """``serves``: the version is the champion, whose drift retrains and whose broken input alerts."""

    services: Services
    settings: ModelSettings
    version: int
    serves: bool
    key_arn: str

    def run(self, window: Window, files: Sequence[ListedObject]) -> dict[str, Any]:
        """Count the window and conclude, or have it counted by many at once; returns what the ledger keeps."""
        if sum(file.size_bytes for file in files) > FAN_OUT_BYTES:
            return self._fan_out(window, files)
        baseline = read_baseline(self.services, self.settings.model, self.version)
        counted = WindowCounts(profile=baseline.profile.empty())
        for number, batch in enumerate(batches(files)):
            counted = counted.merge(self.count(window, number, batch, baseline))
        return self.conclude(window, baseline, counted)

    def _fan_out(self, window: Window, files: Sequence[ListedObject]) -> dict[str, Any]:
        plan = Plan(version=self.version, window=window, batches=batches(files))
        execution = start(self.services, self.settings.model, self.check_id(window), plan, self._encryption)
        check = {**self._about(window), "outcome": COUNTING, "execution": execution, "rows": 0, "worst": []}
        self._record(check)
        return check

    def count(self, window: Window, number: int, files: Sequence[ListedObject], baseline: Baseline) -> WindowCounts:
        """Count one batch of the window's files; what cannot be read goes to the quarantine."""
        capture = self.services.bucket("capture")
        prefix = f"{quarantine_prefix(self.settings.model, self.check_id(window))}{number}/"
        quarantine = Quarantine(capture, prefix, self._encryption)
        counted = count(capture, files, window, baseline, quarantine.line)
        quarantine.write(counted.tally.damaged)
        return counted

    def conclude(self, window: Window, baseline: Baseline, counted: WindowCounts) -> dict[str, Any]:
        """Decide, write check.json and report.html, tell, and record."""
        tally = counted.tally
        corrupt = tally.corrupt + len(tally.damaged)
        before = self._before(window)
        decided = decide(
            compare(baseline.profile, counted.profile),
            self.settings.drift,
            records=tally.records,
            corrupt=corrupt,
            importance=baseline.importance,
            usual=baseline.usual,
            earlier=[[column["name"] for column in item["worst"]] for item in before],
        )
        segments = compare_segments(
            baseline.segments, counted.segments, decided, self.settings.drift, baseline.importance, baseline.usual
        )
        decided = replace(decided, findings=[*decided.findings, *findings(segments, decided)])
        about = {
            **self._about(window),
            "files": tally.files,
            "records": tally.records,
            "corrupt_records": tally.corrupt,
            "damaged_files": len(tally.damaged),
            "duplicates": tally.duplicates,
            "predictions": self._predictions(counted),
        }
        shown = {**about, "predictions": _in_words(about["predictions"]), "quality": self._quality()}
        page = render(decided, shown, baseline=baseline.profile, current=counted.profile, earlier=before)
        document = {**about, **decided.to_document(), "damaged": tally.damaged}
        document["segments"] = [segment.to_document() for segment in segments]
        self._write(about["check_id"], document, page)
        check = {
            **about,
            "outcome": decided.outcome,
            "rows": decided.rows,
            "worst": decided.worst,
            "findings": decided.findings,
        }
        if segments and (worst := segments[0]).most:
            # Without its value, which is one of rows.
            check["worst_segment"] = {
                "by": worst.column,
                "column": worst.most,
                "effect": worst.effect,
                "gap": worst.gap,
            }
        if self.serves:
            print(self._metrics(window, decided, corrupt))
            self._act(check, decided)
        self._record(check)
        return check

    def _about(self, window: Window) -> dict[str, Any]:
        return {
            "check_id": self.check_id(window),
            "model": self.settings.model,
            "begin": written(window.begin),
            "end": written(window.end),
            "version": self.version,
            "package_arn": package_arn(self.services, self.settings.model, self.version),
        }

    def _quality(self) -> str:
        """What was measured of the version last, in words."""
        items = self.services.ledger.latest(keys.model_pk(self.settings.model), keys.QUALITY, SEARCHED)
        measured = next((item for item in items if item["version"] == self.version and item["metrics"]), None)
        if measured is None:
            return "no labels yet"
        return f"{_in_words(measured['metrics'])}; {measured['rows']:,} labelled rows of {measured['begin']}"

    def _record(self, check: Mapping[str, Any]) -> None:
        self.services.ledger.record(keys.model_pk(self.settings.model), keys.check_sk(check["check_id"]), check)

    def check_id(self, window: Window) -> str:
        """One for each window and version: a check that is made again replaces the one before."""
        return sortable_id(window.end, f"{self._model.id} v{self.version} {window.name}")

    @property
    def _model(self) -> Any:
        return self.services.environment.model(self.settings.model)

    @property
    def _encryption(self) -> dict[str, str]:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key_arn}

    def _before(self, window: Window) -> list[dict[str, Any]]:
        """The version's checks of earlier windows that said anything, the latest first."""
        pk, end = keys.model_pk(self.settings.model), written(window.end)
        return [
            item
            for item in self.services.ledger.latest(pk, keys.check_sk(""), SEARCHED)
            if item["version"] == self.version
            and item["end"] < end
            and item["outcome"] in (decision.STABLE, decision.WARNING, decision.DRIFT)
        ][:HISTORY]

    def _predictions(self, counted: WindowCounts) -> dict[str, float]:
        """What the model said: the mean and, of classes, the share of positives and what to expect without labels."""
        column = counted.profile.columns.get(PREDICTION)
        if not isinstance(column, NumberColumn) or not column.counts.sum():
            return {}
        found = {"mean": column.sums.mean}
        if self.settings.task == "classification":
            found["positive_share"] = counted.positives / int(column.counts.sum())
            evaluation = read_evaluation(self.services, self.settings.model, self.version) or {}
            if "calibration" in evaluation:
                found |= estimate(column, Calibration(**evaluation["calibration"]))
        return found

    def _write(self, check_id: str, document: Mapping[str, Any], page: str) -> None:
        artifacts, prefix = self.services.bucket("artifacts"), check_prefix(self.settings.model, check_id)
        artifacts.write_json(f"{prefix}check.json", document, **self._encryption)
        html = "text/html; charset=utf-8"
        artifacts.write(f"{prefix}report.html", page.encode(), ContentType=html, **self._encryption)

    def _metrics(self, window: Window, decided: Decision, corrupt: int) -> str:
        metrics = {
            "Rows": decided.rows,
            "DriftedColumns": sum(judged.drifted for judged in decided.columns),
            "CorruptRecords": corrupt,
            "Drift": int(decided.outcome == decision.DRIFT),
            "BrokenInput": int(decided.outcome == decision.BROKEN_INPUT),
        }
        return metrics_line(
            {"Window": window.name},
            {"Environment": self.services.environment.id, "Model": self.settings.model},
            metrics,
        )

    def _act(self, check: Mapping[str, Any], decided: Decision) -> None:
        if decided.outcome == decision.DRIFT:
            worst = [judged.name for judged in decided.columns if judged.drifted]
            detail = {
                "model": check["model"],
                "version": check["version"],
                "check_id": check["check_id"],
                "worst": worst,
            }
            emit(self.services, events.DRIFT_FOUND, detail)
        if decided.outcome == decision.BROKEN_INPUT:
            message = "\n".join([*decided.findings, "", first_line(decided), f"Check: {check['check_id']}"])
            alert(self.services, f"{self.services.environment.id} {check['model']}: broken input", message)


def _in_words(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in values.items())
