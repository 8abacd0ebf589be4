"""The files of a model's captured traffic, by the version that served it."""

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
        self._listed: dict[str, list[ListedObject]] = {}
        self._variants: dict[int, list[str]] = {}

    def by_version(self, window: Window) -> dict[int, list[ListedObject]]:
        """Return the files of the hours that the window touches, by version; a version without files is left out."""
        found = {version: self.files(version, window) for version in self._served.within(window)}
        return {version: files for version, files in found.items() if files}

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
