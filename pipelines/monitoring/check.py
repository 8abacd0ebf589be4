"""Checks a model's traffic: the current window, and earlier windows whose files came late."""

from dataclasses import fields

from pipelines.aws.clients import Services
from pipelines.aws.s3 import ListedObject
from pipelines.aws.status import record_status
from pipelines.interface import keys, log
from pipelines.interface.names import version_of
from pipelines.interface.records import Check, CheckOutcome, QualityHour
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.requests import CheckAnswer, CheckRequest, ConcludeRequest, CountAnswer, CountRequest
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import format_time, sortable_id
from pipelines.monitoring.capture.capture import CaptureReader
from pipelines.monitoring.capture.listing import BATCH_BYTES
from pipelines.monitoring.capture.served import ServedVersions
from pipelines.monitoring.capture.traffic import Traffic
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift.checked_windows import LATE_FOR, CheckedWindows
from pipelines.monitoring.drift.fan_out import FAN_OUT_BYTES, merged, read_plan, write_part
from pipelines.monitoring.drift.version_check import VersionCheck
from pipelines.monitoring.quality.quality_check import QualityCheck
from pipelines.monitoring.reference import read_baseline


def check_drift(
    request: CheckRequest,
    services: Services,
    *,
    key_arn: str,
    fan_out_bytes: int = FAN_OUT_BYTES,
    batch_bytes: int = BATCH_BYTES,
) -> CheckAnswer:
    """Check a model for one window, and return the champion's check.

    Every version that served in the window is compared with its own baseline. Each time, drift of the champion
    publishes ``Drift Found``, and its broken input an alert. Earlier windows are checked again if files came late; the
    new records replace theirs.
    """
    settings = services.settings(request.model)
    window = Window.of(request.scheduled_at, settings.drift.window_hours, request.begin)
    checker = Checker(services, settings, key_arn, fan_out_bytes, batch_bytes)
    found = checker.check(window)
    checker.look_back(window)
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    answer = CheckAnswer(**values, quality=tuple(checker.measure(window)))
    record_status(services.ledger, request.model)
    return answer


def count_batch(request: CountRequest, services: Services, *, key_arn: str) -> CountAnswer:
    """Count one batch of a window that many functions count."""
    checker = Checker(services, services.settings(request.model), key_arn)
    checker.count(request.folder, request.number)
    return CountAnswer(number=request.number)


def conclude_check(request: ConcludeRequest, services: Services, *, key_arn: str) -> Check:
    """Merge the counts of a window, and conclude its check."""
    check = Checker(services, services.settings(request.model), key_arn).conclude(request.folder)
    record_status(services.ledger, request.model)
    return check


class Checker:
    """The checks of one model, with its current champion."""

    def __init__(
        self,
        services: Services,
        settings: ModelSettings,
        key_arn: str,
        fan_out_bytes: int = FAN_OUT_BYTES,
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        self._services = services
        self._settings = settings
        self._key_arn = key_arn
        self._fan_out_bytes = fan_out_bytes
        self._batch_bytes = batch_bytes
        model = services.environment.model(settings.model)
        champion = ReleaseState.from_value(services.parameter(model.release_parameter)).champion
        self._champion = version_of(champion) if champion else None
        served = ServedVersions(services.ledger, settings.model, self._champion)
        self._traffic = Traffic(services.bucket("capture"), model, served)
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}
        self._checked = CheckedWindows(services.bucket("artifacts"), settings.model, self._encryption)

    def check(self, window: Window) -> Check:
        """Check the champion, and every other version that served and captured files in the window."""
        self._traffic.list_together(window.begin - LATE_FOR - (window.end - window.begin), window.end)
        by_version = self._traffic.by_version(window)
        if self._champion is None:
            found = self._record_nothing(window)
        else:
            found = self._version(self._champion).run(window, by_version.get(self._champion, []))
        for version, files in by_version.items():
            if version != self._champion:
                self._version(version).run(window, files)
        self._checked.record(window, [file for files in by_version.values() for file in files])
        return found

    def look_back(self, window: Window) -> None:
        """Check earlier windows again for versions of which a file with requests of the window came late."""
        for earlier in self._checked.before(window):
            by_version = self._traffic.by_version(earlier)
            everything = [file for files in by_version.values() for file in files]
            late = self._checked.late(earlier, everything)
            for version, files in by_version.items():
                new = [file for file in late if file in files]
                if new and self._holds_requests(earlier, new):
                    self._version(version).run(earlier, files)
            if late:
                self._checked.record(earlier, everything)

    def count(self, folder: str, number: int) -> None:
        """Count batch ``number`` of the plan in ``folder``."""
        artifacts = self._services.bucket("artifacts")
        plan = read_plan(artifacts, folder)
        baseline = read_baseline(self._services, self._settings.model, plan.version)
        counts = self._version(plan.version).count(plan.window, number, plan.batches[number], baseline)
        write_part(artifacts, folder, number, counts, self._encryption)

    def conclude(self, folder: str) -> Check:
        """Merge the parts of the plan in ``folder``, and conclude the check."""
        artifacts = self._services.bucket("artifacts")
        plan = read_plan(artifacts, folder)
        baseline = read_baseline(self._services, self._settings.model, plan.version)
        counts = merged(artifacts, folder, plan, baseline.profile)
        return self._version(plan.version).conclude(plan.window, baseline, counts)

    def measure(self, window: Window) -> list[QualityHour]:
        """Measure the quality of the hours whose labels have changed."""
        check = QualityCheck(self._services, self._settings, self._traffic, self._champion, self._key_arn)
        return check.run(window)

    def _holds_requests(self, window: Window, files: list[ListedObject]) -> bool:
        """Return whether a file holds requests of the window.

        Two windows share the files of an hour in which one ends, so a new file may hold requests of the other only.
        Files are written in order of time, so their beginnings suffice.
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
            fan_out_bytes=self._fan_out_bytes,
            batch_bytes=self._batch_bytes,
        )

    def _record_nothing(self, window: Window) -> Check:
        """Record that no version serves."""
        model = self._services.environment.model(self._settings.model)
        check = Check(
            check_id=sortable_id(window.end, f"{model.id} {window.name}"),
            model=self._settings.model,
            begin=format_time(window.begin),
            end=format_time(window.end),
            outcome=CheckOutcome.NOTHING_TO_CHECK,
            version=0,
            rows=0,
            worst=(),
        )
        self._services.ledger.record(keys.check(check.model, check.check_id), check)
        with log.bound(check=check.check_id):
            log.info("nothing to check: no version serves")
        return check
