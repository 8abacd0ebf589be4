"""Differences between two versions of a dataset: files by path and digest, columns by name and kind."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.datasets.commits.commits import File


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A file in both versions: another content under the same path, or the same content under another path."""

    old: File
    new: File


@dataclass(frozen=True, kw_only=True)
class FileDifference:
    """Difference of two versions' files, each tuple in order of the new path.

    A renamed file has the digest of a file that the new version no longer has.
    """

    added: tuple[File, ...] = ()
    removed: tuple[File, ...] = ()
    changed: tuple[Pair, ...] = ()
    renamed: tuple[Pair, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.renamed)

    def apply(self, files: Iterable[File]) -> tuple[File, ...]:
        """Return the new version's files by path, from the old version's ``files``."""
        gone = {file.path for file in self.removed} | {pair.old.path for pair in (*self.renamed, *self.changed)}
        kept = {file.path: file for file in files if file.path not in gone}
        new = [*self.added, *(pair.new for pair in (*self.renamed, *self.changed))]
        return tuple(file for _, file in sorted((kept | {file.path: file for file in new}).items()))


@dataclass(frozen=True, kw_only=True)
class SchemaDifference:
    """Difference of two versions' columns: kinds by name. ``retyped`` has the old kind and the new one."""

    added: dict[str, str]
    removed: dict[str, str]
    retyped: dict[str, tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)


def compare_files(old: Iterable[File], new: Iterable[File]) -> FileDifference:
    """Return the difference that makes the files of ``old`` those of ``new``.

    A file is renamed if its old path is gone and its content has a new path. Several files with the same content are
    paired in order of their paths. A copy is an added file: its old path stays.
    """
    before, after = ({file.path: file for file in files} for files in (old, new))
    removed = [file for path, file in sorted(before.items()) if path not in after]
    changed = [
        Pair(old=before[path], new=file)
        for path, file in sorted(after.items())
        if path in before and before[path].sha256 != file.sha256
    ]
    gone = defaultdict(list)
    for file in removed:
        gone[file.sha256].append(file)
    added, renamed = [], []
    for path, file in sorted(after.items()):
        if path in before:
            continue
        if gone[file.sha256]:
            renamed.append(Pair(old=gone[file.sha256].pop(0), new=file))
        else:
            added.append(file)
    moved = {pair.old.path for pair in renamed}
    return FileDifference(
        added=tuple(added),
        removed=tuple(file for file in removed if file.path not in moved),
        changed=tuple(changed),
        renamed=tuple(renamed),
    )


def compare_schemas(old: Mapping[str, str], new: Mapping[str, str]) -> SchemaDifference:
    """Return the difference of two versions' columns, given as kinds by name."""
    return SchemaDifference(
        added={name: kind for name, kind in new.items() if name not in old},
        removed={name: kind for name, kind in old.items() if name not in new},
        retyped={name: (kind, new[name]) for name, kind in old.items() if name in new and new[name] != kind},
    )
