"""Search a dataset's contents for the rows to forget; each distinct content is read once, and hashed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from pipelines.aws.parallel import each
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.datasets.commits.manifest import File
from pipelines.datasets.commits.sources import BLOCK_BYTES, Progress
from pipelines.datasets.commits.versions import Version
from pipelines.datasets.forgetting.redaction import format_of
from pipelines.datasets.forgetting.subject import Finding, Rows, digest_of
from pipelines.interface.paths import object_key
from pipelines.tables.streams import UnreadableFileError

WORKERS = 4
"""Number of contents searched at a time: each takes its size on the disk, and a row group in memory."""


@dataclass(kw_only=True)
class Scan:
    """Search for rows. ``found`` are the contents with such rows, by digest; ``folder`` holds their other rows."""

    bucket: Bucket
    dataset: str
    rows: Rows
    folder: Path
    found: dict[str, Finding] = field(default_factory=dict)
    clean: set[str] = field(default_factory=set)

    def search(
        self,
        files: Iterable[File],
        versions: Mapping[str, Sequence[Version]],
        *,
        on_progress: Progress | None = None,
    ) -> list[str]:
        """Search contents that were not searched before; return the problems of those that cannot be searched.

        A file without a path has an unknown name: its first bytes say its format.
        """
        unknown = [file for file in files if file.sha256 not in self.found and file.sha256 not in self.clean]
        total = sum(file.size_bytes for file in unknown)
        done, problems = 0, []
        for file, problem in each(lambda file: (file, self._search(file, versions)), unknown, workers=WORKERS):
            problems += [problem] if problem else []
            done += file.size_bytes
            if on_progress:
                on_progress(done, total, "Searching")
        return sorted(problems)

    def _search(self, file: File, versions: Mapping[str, Sequence[Version]]) -> str | None:
        """Return the problem if the content cannot be searched."""
        if not self.rows.may_hold(file):
            self.clean.add(file.sha256)
            return None
        place, target = self.folder / f"{uuid4().hex}.old", self.folder / f"{file.sha256}.new"
        try:
            if not self._fetch(file.sha256, versions.get(object_key(self.dataset, file.sha256), ()), place):
                return f"{file.path or file.sha256}: its content is missing or damaged"
            finding = self.rows.search(place, file.path or format_of(place), target)
        except UnreadableFileError as error:
            return str(error)
        finally:
            place.unlink(missing_ok=True)
        if finding:
            self.found[file.sha256] = finding
        else:
            self.clean.add(file.sha256)
        return None

    def _fetch(self, digest: str, versions: Sequence[Version], place: Path) -> bool:
        """Write the content to ``place`` from its newest sound version, also below a delete marker."""
        for version in versions:
            if not version.is_marker and fetch(self.bucket, version, place) and digest_of(place) == digest:
                return True
        return False


def fetch(bucket: Bucket, version: Version, place: Path) -> bool:
    """Write one version of an object to ``place``; return False if there is none."""
    try:
        body = bucket.open(version.key, version.id)
    except MissingObjectError:
        return False
    with place.open("wb") as file:
        for block in body.iter_chunks(BLOCK_BYTES):
            file.write(block)
    return True
