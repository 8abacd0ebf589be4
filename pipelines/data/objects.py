"""A dataset's objects: each distinct content once, under its digest, never overwritten by another content."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.contract.paths import object_key
from pipelines.data.manifest import File
from pipelines.data.parallel import WORKERS, each
from pipelines.data.sources import Progress, Source
from pipelines.storage import Bucket, ExistsError

ATTEMPTS = 5
ITEMS_PER_PAGE = 100
"""Listing a page of a thousand keys costs about as much as asking for so many by name."""


class DamagedObjectError(RuntimeError):
    """An object has not the content that its name says, or is gone again each time."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file and where its content comes from."""

    file: File
    source: Source


def store(
    bucket: Bucket,
    dataset: str,
    uploads: Iterable[Upload],
    *,
    workers: int = WORKERS,
    on_progress: Progress | None = None,
) -> dict[str, str | None]:
    """See to it that every content is in the bucket; gives each digest's VersionId.

    An object that is there is taken only if S3 says that it verified exactly this SHA-256 when the object was written.
    What is absent is written on condition that it still is: nothing is ever overwritten.

    Raises
    ------
    DamagedObjectError
        An object has another content than its name says.
    """
    wanted = {upload.file.sha256: upload for upload in uploads}
    absent = _absent(bucket, dataset, wanted)
    total = sum(upload.file.size_bytes for upload in wanted.values())
    done = 0

    def put(upload: Upload) -> tuple[File, str | None]:
        return upload.file, _store(bucket, dataset, upload, known_absent=upload.file.sha256 in absent)

    versions: dict[str, str | None] = {}
    for file, version in each(put, wanted.values(), workers=workers):
        versions[file.sha256] = version
        done += file.size_bytes
        if on_progress:
            on_progress(done, total, "Storing")
    return versions


def _absent(bucket: Bucket, dataset: str, wanted: Mapping[str, Upload]) -> set[str]:
    """Those digests of which a listing says that there is no object.

    A listing answers for a thousand keys at once, but of a large dataset it is mostly about other objects: it is given
    up before it costs more than asking for each by name.
    """
    most_pages = len(wanted) // ITEMS_PER_PAGE
    if not most_pages:
        return set()
    prefix = object_key(dataset, "")
    found: set[str] = set()
    for number, page in enumerate(bucket.pages(prefix), start=1):
        digests = [key.removeprefix(prefix) for key in page]
        found.update(digests)
        if number == most_pages and digests:
            return {digest for digest in wanted if digest <= digests[-1]} - found
    return set(wanted) - found


def _store(bucket: Bucket, dataset: str, upload: Upload, *, known_absent: bool) -> str | None:
    key = object_key(dataset, upload.file.sha256)
    for attempt in range(ATTEMPTS):
        stored = None if known_absent and not attempt else bucket.find(key)
        if stored and stored.sha256 != upload.file.sha256:
            raise DamagedObjectError(
                f"{bucket.uri(key)}: S3 says its SHA-256 is {stored.sha256 or 'unknown'}, not the one of its name: "
                "delete its newest version, so that the sound one shows again or is written anew"
            )
        if stored:
            return stored.version
        try:
            return upload.source.store(bucket, key, upload.file)
        except ExistsError:
            # Another writer was faster: what is there now?
            continue
    raise DamagedObjectError(f"{bucket.uri(key)} came and went {ATTEMPTS} times while it was to be written; try again")
