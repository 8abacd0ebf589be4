"""The check of a model's traffic: of a window now, and of earlier windows to which files have come since."""

from collections.abc import Mapping
from typing import Any

from pipelines.aws.clients import Services, read_settings
from pipelines.aws.s3 import ListedObject
from pipelines.interface import keys
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import sortable_id, written
from pipelines.monitoring.capture.capture import CaptureReader
from pipelines.monitoring.capture.traffic import Traffic
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift.checked_windows import CheckedWindows
from pipelines.monitoring.drift.fan_out import merged, read_plan, write_part
from pipelines.monitoring.drift.version_check import VersionCheck
from pipelines.monitoring.quality.quality_check import QualityCheck
from pipelines.monitoring.reference import read_baseline

NOT_SERVING = "nothing_to_check"


def check_drift(event: Mapping[str, Any], services: Services, *, key_arn: str) -> dict[str, Any]:
    """Check ``model`` for the window that ends at ``scheduled_at``; returns what the ledger keeps of its champion.

    The window begins at ``begin``, or as long before its end as the settings say. Every version that served in it is
    compared with its own baseline; the champion's drift emits ``Drift Found`` every time, its broken input an alert.
    Earlier windows are checked again where files came late, and their entries replaced.
    """
    settings = read_settings(services, event["model"])
    window = Window.of(event["scheduled_at"], settings.drift.window_hours, event.get("begin"))
    checker = Checker(services, settings, key_arn)
    found = checker.check(window)
    checker.look_back(window)
    return {**found, "quality": checker.measure(window)}


def count_batch(event: Mapping[str, Any], services: Services, *, key_arn: str) -> dict[str, Any]:
    """Count one batch of a window that many count at once; returns its ``number``."""
    checker = Checker(services, read_settings(services, event["model"]), key_arn)
    checker.count(event["folder"], event["number"])
    return {"number": event["number"]}


def conclude_check(event: Mapping[str, Any], services: Services, *, key_arn: str) -> dict[str, Any]:
    """Merge what was counted of a window and conclude its check; returns what the ledger keeps."""
    return Checker(services, read_settings(services, event["model"]), key_arn).conclude(event["folder"])


class Checker:
    """Of one model, with its champion of this moment."""

    def __init__(self, services: Services, settings: ModelSettings, key_arn: str) -> None:
        self._services = services
        self._settings = settings
        self._key_arn = key_arn
        model = services.environment.model(settings.model)
        champion = ReleaseState.from_value(services.parameter(model.release_parameter)).champion
        self._champion = int(champion.rpartition("/")[2]) if champion else None
        self._traffic = Traffic(services.bucket("capture"), model)
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}
        self._checked = CheckedWindows(services.bucket("artifacts"), settings.model, self._encryption)

    def check(self, window: Window) -> dict[str, Any]:
        """Check the champion, and every other version of which the window holds files."""
        by_version = self._files(window)
        if self._champion is None:
            found = self._nothing(window)
        else:
            found = self._version(self._champion).run(window, by_version.get(self._champion, []))
        for version, files in by_version.items():
            if version != self._champion:
                self._version(version).run(window, files)
        self._checked.record(window, [file for files in by_version.values() for file in files])
        return found

    def look_back(self, window: Window) -> None:
        """Check earlier windows again for the versions of which a file with their requests came late."""
        for earlier in self._checked.before(window):
            by_version = self._files(earlier)
            everything = [file for files in by_version.values() for file in files]
            late = self._checked.late(earlier, everything)
            for version, files in by_version.items():
                came = [file for file in late if file in files]
                if came and self._holds_requests(earlier, came):
                    self._version(version).run(earlier, files)
            if late:
                self._checked.record(earlier, everything)

    def count(self, folder: str, number: int) -> None:
        """Count batch ``number`` of the plan in ``folder``."""
        artifacts = self._services.bucket("artifacts")
        plan = read_plan(artifacts, folder)
        baseline = read_baseline(self._services, self._settings.model, plan.version)
        counted = self._version(plan.version).count(plan.window, number, plan.batches[number], baseline)
        write_part(artifacts, folder, number, counted, self._encryption)

    def conclude(self, folder: str) -> dict[str, Any]:
        """Merge the parts of the plan in ``folder``."""
        artifacts = self._services.bucket("artifacts")
        plan = read_plan(artifacts, folder)
        baseline = read_baseline(self._services, self._settings.model, plan.version)
        counted = merged(artifacts, folder, plan, baseline.profile)
        return self._version(plan.version).conclude(plan.window, baseline, counted)

    def measure(self, window: Window) -> list[dict[str, Any]]:
        """Measure the quality of the hours whose labels have changed; returns what the ledger keeps of each."""
        check = QualityCheck(self._services, self._settings, self._traffic, self._champion, self._key_arn)
        return check.run(window)

    def _files(self, window: Window) -> dict[int, list[ListedObject]]:
        found = {version: self._traffic.files(version, window) for version in self._traffic.versions()}
        return {version: files for version, files in found.items() if files}

    def _holds_requests(self, window: Window, files: list[ListedObject]) -> bool:
        """Windows that end within an hour share its files with the next: a new one need not concern this window.

        Files are written in order of time, so their beginnings tell.
        """
        reader = CaptureReader(
            self._services.bucket("capture"), window.begin, window.end, numeric=(), on_corrupt=lambda *_: None
        )
        return any(reader.peek(file.key) for file in files)

    def _version(self, version: int) -> VersionCheck:
        return VersionCheck(
            services=self._services,
            settings=self._settings,
            version=version,
            serves=version == self._champion,
            key_arn=self._key_arn,
        )

    def _nothing(self, window: Window) -> dict[str, Any]:
        """No version serves: that is recorded as well."""
        model = self._services.environment.model(self._settings.model)
        check: dict[str, Any] = {
            "check_id": sortable_id(window.end, f"{model.id} {window.name}"),
            "model": self._settings.model,
            "begin": written(window.begin),
            "end": written(window.end),
            "outcome": NOT_SERVING,
            "version": 0,
            "rows": 0,
            "worst": [],
        }
        self._services.ledger.record(keys.model_pk(check["model"]), keys.check_sk(check["check_id"]), check)
        return check
