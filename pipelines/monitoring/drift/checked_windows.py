"""Records the files that the check of each window has read, in order to find files that come late."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from pipelines.aws.s3 import Bucket, ListedObject
from pipelines.interface.paths import checked_windows_prefix
from pipelines.monitoring.capture.window import Window

LATE_FOR = timedelta(hours=24)
"""Longest delay after its window's end at which a file is still found."""


class CheckedWindows:
    """The checked windows of one model: one document per window in the artifacts bucket."""

    def __init__(self, bucket: Bucket, model: str, encryption: Mapping[str, str]) -> None:
        self._bucket = bucket
        self._prefix = checked_windows_prefix(model)
        self._encryption = dict(encryption)

    def record(self, window: Window, files: Iterable[ListedObject]) -> None:
        """Record the files that the window's check has read."""
        known = sorted([file.key, file.etag] for file in files)
        self._bucket.write_json(f"{self._prefix}{window.name}.json", {"files": known}, **self._encryption)

    def late(self, window: Window, files: Iterable[ListedObject]) -> list[ListedObject]:
        """Return those of the window's files that its check has not read, or that were rewritten since."""
        if not (found := list(files)):
            return []
        known = {tuple(file) for file in self._bucket.read_json(f"{self._prefix}{window.name}.json")["files"]}
        return [file for file in found if (file.key, file.etag) not in known]

    def before(self, window: Window) -> Iterator[Window]:
        """Yield the checked windows that ended at most a day before ``window`` begins.

        Windows that overlap it are left to later checks: files of their hours are still to come.
        """
        oldest = window.begin - LATE_FOR
        # Names begin with the window's end, and "~" comes after all that follows it.
        first, last = (f"{self._prefix}{moment:%Y%m%dT%H%M%SZ}" for moment in (oldest, window.begin))
        for file in self._bucket.listing(self._prefix, after=first, before=f"{last}~"):
            yield Window.named(file.key.removeprefix(self._prefix).removesuffix(".json"))
