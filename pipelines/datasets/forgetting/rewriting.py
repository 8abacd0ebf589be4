"""Rewrite a history without some contents: every commit that held one, and every commit after it.

Author, time and message stay; the contents are removed or replaced; the parent is the rewritten one. The same commits
and replacements give the same new commits, so that an interrupted rewriting can be continued.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipelines.datasets.commits.manifest import Commit, File

Replaced = Mapping[str, File | None]
"""Digest of a content -> its replacement under any path; None removes the file."""


def rewrite(commits: Iterable[Commit], replaced: Replaced) -> dict[str, Commit]:
    """Return the new commit of each old id that changes; ``commits`` are in order, parents first."""
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
    """Return whether the commit's own files hold one of the contents."""
    return any(file.sha256 in replaced for file in commit.files)


def _kept(file: File, replaced: Replaced) -> File | None:
    if file.sha256 not in replaced:
        return file
    new = replaced[file.sha256]
    return None if new is None else replace(new, path=file.path)
