"""Files outside of commits: landed files that were deleted, and files in quarantine.

A landed file that was not deleted waits for its commit. It is not changed, but it is listed: its commit would bring the
subject back.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from uuid import uuid4

from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.datasets.commits.versions import Version, list_versions
from pipelines.datasets.forgetting.redaction import format_of
from pipelines.datasets.forgetting.scan import fetch
from pipelines.datasets.forgetting.subject import Subject, WholeFile, digest_of
from pipelines.interface.landing import landing_prefix, quarantine_prefix
from pipelines.tables.streams import UnreadableFileError

QUARANTINED, REASON = "content", "reason.json"


@dataclass(kw_only=True)
class Leftovers:
    """Result of the search: ``versions`` to erase, and the keys of ``waiting`` landed and of ``unsearchable`` files."""

    versions: list[Version] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    unsearchable: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Search of one dataset. ``gone`` are the digests of contents to remove; ``folder`` takes files while it runs."""

    bucket: Bucket
    dataset: str
    subject: Subject
    gone: Collection[str]
    folder: Path

    def run(self) -> Leftovers:
        """Search all versions below both prefixes."""
        found = Leftovers()
        landed = landing_prefix(self.dataset)
        for key, group in groupby(list_versions(self.bucket, landed), key=lambda version: version.key):
            versions = list(group)
            self._search_landed(key.removeprefix(landed), versions, found)
        quarantined = quarantine_prefix(self.dataset, "").rstrip("/") + "/"
        for _, group in groupby(list_versions(self.bucket, quarantined), key=lambda version: _folder(version.key)):
            self._search_quarantined(list(group), landed, found)
        return found

    def _search_landed(self, name: str, versions: list[Version], found: Leftovers) -> None:
        waits = not versions[0].is_marker
        for version in versions:
            if version.is_marker:
                continue
            holds = self._holds(version, name)
            if holds is None:
                found.unsearchable.append(version.key)
            elif holds and waits:
                found.waiting.append(version.key)
            elif holds:
                found.versions.append(version)

    def _search_quarantined(self, versions: list[Version], landed: str, found: Leftovers) -> None:
        """Mark a refused file as a whole, with its reason: nothing reads it."""
        name = self._name(versions).removeprefix(landed)
        contents = [each for each in versions if each.key.endswith(f"/{QUARANTINED}") and not each.is_marker]
        held = [self._holds(version, name) for version in contents]
        if any(held):
            found.versions += versions
        elif None in held:
            found.unsearchable.append(contents[0].key)

    def _name(self, versions: list[Version]) -> str:
        """Return the key where a refused file had landed, or "" if it is unknown."""
        for version in versions:
            if version.key.endswith(f"/{REASON}") and not version.is_marker:
                try:
                    return str(json.loads(self.bucket.open(version.key, version.id).read())["key"])
                except (MissingObjectError, ValueError, KeyError, TypeError):
                    continue
        return ""

    def _holds(self, version: Version, name: str) -> bool | None:
        """Return whether a version holds the subject; None if that cannot be known."""
        if isinstance(self.subject, WholeFile) and name == self.subject.path:
            return True
        place, scratch = self.folder / f"{uuid4().hex}.left", self.folder / f"{uuid4().hex}.rest"
        try:
            if not fetch(self.bucket, version, place):
                return False
            if digest_of(place) in self.gone:
                return True
            if isinstance(self.subject, WholeFile):
                return False
            try:
                return self.subject.search(place, name or format_of(place), scratch) is not None
            except UnreadableFileError:
                return self.subject.shows_in(place, scratch)
        finally:
            place.unlink(missing_ok=True)
            scratch.unlink(missing_ok=True)


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
