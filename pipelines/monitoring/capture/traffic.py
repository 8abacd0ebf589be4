"""The files of a model's captured traffic, by the version that served it."""

from datetime import datetime

from pipelines.aws.s3 import Bucket, ListedObject
from pipelines.interface.names import Model
from pipelines.interface.paths import capture_prefix
from pipelines.monitoring.capture.listing import hours
from pipelines.monitoring.capture.served import ServedVersions
from pipelines.monitoring.capture.window import Window


class Traffic:
    """Captured files of a model. Each folder is listed once, although several windows may share it."""

    def __init__(self, bucket: Bucket, model: Model, served: ServedVersions) -> None:
        self._bucket = bucket
        self._model = model
        self._served = served
        self._together: tuple[datetime, datetime] | None = None
        self._listed: dict[str, list[ListedObject]] = {}
        self._variants: dict[int, list[str]] = {}

    def list_together(self, begin: datetime, end: datetime) -> None:
        """List the hours from ``begin`` to ``end`` with one request per thousand files, not with one per hour.

        The hours of a day without any request would otherwise cost more than the rest of a check.
        """
        self._together = (begin, end)

    def by_version(self, window: Window) -> dict[int, list[ListedObject]]:
        """Return the files of the hours that the window touches, by version; a version without files is left out."""
        found = {version: self.files(version, window) for version in self._served.within(window)}
        return {version: files for version, files in found.items() if files}

    def files(self, version: int, window: Window) -> list[ListedObject]:
        """Return the version's files of all variants and of the hours that the window touches, by folder and key."""
        prefix = f"{capture_prefix(self._model.name, version)}/{self._model.endpoint}/"
        if version not in self._variants:
            self._variants[version] = self._bucket.folders(prefix)
            for variant in self._variants[version]:
                self._list_hours(f"{prefix}{variant}/")
        folders = [
            f"{prefix}{variant}/{hour}/"
            for variant in self._variants[version]
            for hour in hours(window.begin, window.end)
        ]
        for folder in folders:
            if folder not in self._listed:
                self._listed[folder] = self._bucket.listing(folder)
        return [file for folder in folders for file in self._listed[folder]]

    def _list_hours(self, prefix: str) -> None:
        """List the files of a variant in the hours that are listed together."""
        folders = [f"{prefix}{hour}/" for hour in hours(*self._together)] if self._together else []
        if not folders:
            return
        self._listed.update((folder, []) for folder in folders)
        # Names of hours sort by time, and "0" is the character after "/".
        for file in self._bucket.listing(prefix, after=folders[0], before=f"{folders[-1][:-1]}0"):
            self._listed.setdefault(f"{file.key.rpartition('/')[0]}/", []).append(file)
