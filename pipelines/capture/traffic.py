"""Where a model's captured traffic lies, by the version that served it."""

import re

from pipelines.capture.listing import hours
from pipelines.capture.window import Window
from pipelines.contract.names import Model
from pipelines.contract.paths import capture_prefix
from pipelines.storage import Bucket, Listed


class Traffic:
    """Each folder is listed once, however many windows share it."""

    def __init__(self, bucket: Bucket, model: Model) -> None:
        self._bucket = bucket
        self._model = model
        self._listed: dict[str, list[Listed]] = {}
        self._versions: list[int] | None = None
        self._variants: dict[int, list[str]] = {}

    def versions(self) -> list[int]:
        """The versions that were ever captured, in order."""
        if self._versions is None:
            folders = self._bucket.folders(f"{self._model.name}/")
            self._versions = sorted(int(folder[1:]) for folder in folders if re.fullmatch(r"v[0-9]+", folder))
        return self._versions

    def files(self, version: int, window: Window) -> list[Listed]:
        """The version's files of the hours that the window touches, of all variants, in order of their keys."""
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
