"""A history without some contents: every commit that held one, and every commit after it, made anew.

Author, time and message stay; what was held goes, or gives way to what is left of it; the parent is the rewritten one.
The same commits and replacements give the same new commits: a rewriting that broke off is taken up where it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipelines.datasets.commits.manifest import Commit, File

Replaced = Mapping[str, File | None]
"""Digest of a content -> what it becomes, whatever its path there; None takes the file out."""


def rewrite(commits: Iterable[Commit], replaced: Replaced) -> dict[str, Commit]:
    """Old id -> new commit, for all that change. ``commits`` come parents first."""
    made: dict[str, Commit] = {}
    for commit in commits:
        parent = made.get(commit.parent or "")
        if parent is None and not holds(commit, replaced):
            continue
        made[commit.id] = Commit.seal(
            dataset=commit.dataset,
            files=[kept for file in commit.files if (kept := _kept(file, replaced)) is not None],
            parent=parent.id if parent else commit.parent,
            author=commit.author,
            time=commit.time,
            message=commit.message,
        )
    return made


def holds(commit: Commit, replaced: Replaced) -> bool:
    """Whether the commit's own files hold one of the contents."""
    return any(file.sha256 in replaced for file in commit.files)


def _kept(file: File, replaced: Replaced) -> File | None:
    if file.sha256 not in replaced:
        return file
    new = replaced[file.sha256]
    return None if new is None else replace(new, path=file.path)
