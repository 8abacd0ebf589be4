"""The hours whose labels have changed since their quality was last measured."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from pipelines.aws.s3 import Bucket, ListedObject, MissingObjectError
from pipelines.interface.paths import labels_prefix, measured_labels_key
from pipelines.monitoring.capture.listing import fingerprint
from pipelines.monitoring.capture.traffic import Traffic
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift.checked_windows import LATE_FOR

LABELS_LAG = timedelta(days=35)
"""Largest delay of labels after their predictions; later labels are not read."""
HOUR = timedelta(hours=1)
MISPLACED = "misplaced"
MAX_MISPLACED = 10
"""Largest number of misplaced files that an alert names."""


class LabelHours:
    """Label files of a model by hour. An hour has the name of its folder: ``yyyy/mm/dd/hh``."""

    def __init__(
        self,
        capture: Bucket,
        artifacts: Bucket,
        model: str,
        traffic: Traffic,
        now: datetime,
        encryption: Mapping[str, str],
    ) -> None:
        self._artifacts = artifacts
        self._key = measured_labels_key(model)
        self._encryption = dict(encryption)
        self._traffic = traffic
        self._recent = now - LATE_FOR
        self._files: dict[str, list[ListedObject]] = {}
        prefix = labels_prefix(model)
        # Folders that are no year may sort before the oldest hour of the listing below.
        odd = [folder for folder in capture.folders(prefix) if not re.fullmatch("[0-9]{4}", folder)]
        self._misplaced = [file for folder in odd for file in capture.listing(f"{prefix}{folder}/")]
        for file in capture.listing(prefix, after=f"{prefix}{now - LABELS_LAG:%Y/%m/%d/%H}/"):
            hour = file.key.removeprefix(prefix).rpartition("/")[0]
            if _is_hour(hour):
                self._files.setdefault(hour, []).append(file)
            elif file not in self._misplaced:
                self._misplaced.append(file)
        try:
            self._measured: dict[str, str] = artifacts.read_json(self._key)
        except MissingObjectError:
            self._measured = {}

    def of(self, window: Window) -> list[ListedObject]:
        """Return the label files of the window's hours."""
        return [
            file for hour, files in self._files.items() if window.begin <= _begin(hour) < window.end for file in files
        ]

    def changed(self) -> Iterator[datetime]:
        """Yield the beginnings of the hours that have other files than when they were measured.

        The files are those of labels, and for a day those of the capture.
        """
        for hour in self._files:
            if self._fingerprint(hour) != self._measured.get(hour):
                yield _begin(hour)

    def new_misplaced(self) -> list[str]:
        """Return keys of files outside the hours' folders; none if an alert named the same files before."""
        found = fingerprint(self._misplaced)
        if not self._misplaced or self._measured.get(MISPLACED) == found:
            return []
        self._measured[MISPLACED] = found
        self._write()
        return [file.key for file in self._misplaced[:MAX_MISPLACED]]

    def settle(self, window: Window) -> None:
        """Record that the window's hours have been measured with their files of now."""
        for hour in self._files:
            if window.begin <= _begin(hour) < window.end:
                self._measured[hour] = self._fingerprint(hour)
        self._write()

    def _write(self) -> None:
        measured = {hour: value for hour, value in self._measured.items() if hour in self._files or hour == MISPLACED}
        self._artifacts.write_json(self._key, measured, **self._encryption)

    def _fingerprint(self, hour: str) -> str:
        """Return the fingerprint of an hour's files; for a day with its capture, which can come later than labels."""
        files = list(self._files[hour])
        begin = _begin(hour)
        if begin >= self._recent:
            window = Window(begin=begin, end=begin + HOUR)
            files += [file for found in self._traffic.by_version(window).values() for file in found]
        return fingerprint(files)


def _begin(hour: str) -> datetime:
    return datetime.strptime(f"{hour} +0000", "%Y/%m/%d/%H %z")


def _is_hour(folder: str) -> bool:
    try:
        return f"{_begin(folder):%Y/%m/%d/%H}" == folder
    except ValueError:
        return False
