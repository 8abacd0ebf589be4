"""The files of a model's captured traffic, by the version that served it."""

import re

from pipelines.aws.s3 import Bucket, ListedObject
from pipelines.interface.names import Model
from pipelines.interface.paths import capture_prefix
from pipelines.monitoring.capture.listing import hours
from pipelines.monitoring.capture.window import Window


class Traffic:
    """Captured files of a model. Each folder is listed once, although several windows may share it."""

    def __init__(self, bucket: Bucket, model: Model) -> None:
        self._bucket = bucket
        self._model = model
        self._listed: dict[str, list[ListedObject]] = {}
        self._versions: list[int] | None = None
        self._variants: dict[int, list[str]] = {}

    def versions(self) -> list[int]:
        """Return all versions with captured traffic, in order."""
        if self._versions is None:
            folders = self._bucket.folders(f"{self._model.name}/")
            self._versions = sorted(int(folder[1:]) for folder in folders if re.fullmatch(r"v[0-9]+", folder))
        return self._versions

    def files(self, version: int, window: Window) -> list[ListedObject]:
        """Return the version's files of all variants and of the hours that the window touches, by folder and key."""
        prefix = f"{capture_prefix(self._model.name, version)}/{self._model.endpoint}/"
        if version not in self._variants:
            self._variants[version] = self._bucket.folders(prefix)
        folders = [
            f"{prefix}{variant}/{hour}/"
            for variant in self._variants[version]
            for hour in hours(window.begin, window.end)
        ]
        for folder in folders:
            if folder not in self._listed:
                self._listed[folder] = self._bucket.listing(folder)
        return [file for folder in folders for file in self._listed[folder]]
