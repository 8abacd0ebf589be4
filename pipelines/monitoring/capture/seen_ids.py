"""Event ids that came before. A capture file can be delivered twice, under two names."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_IDS = 1_000_000
"""Largest number of ids that are kept."""


class SeenIds:
    """Ids so far as sorted runs of 64-bit hashes: 8 bytes for each id, at most 8 MB.

    Two of a million different ids have the same hash with a probability of 3e-8. Beyond ``MAX_IDS`` the oldest ids are
    dropped, so that files of any size fit: a repetition is recognised among at least the last half million ids.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.int64]] = []

    def fresh(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return for each id whether it is new, also among ``ids`` themselves; then all of them are known.

        Examples
        --------
        >>> SeenIds().fresh(["a", "b", "a"]).tolist()
        [True, True, False]
        """
        hashes = np.fromiter(map(hash, ids), np.int64, len(ids))
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        is_new = np.ones(len(ids), dtype=np.bool_)
        is_new[1:] = ordered[1:] != ordered[:-1]
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, ordered), len(run) - 1)
            is_new &= run[at] != ordered
        self._keep(ordered[is_new])
        found = np.empty(len(ids), dtype=np.bool_)
        found[order] = is_new
        return found

    def _keep(self, added: npt.NDArray[np.int64]) -> None:
        """Add a sorted run. Runs at least double in size from the newest to the oldest, so only few are searched."""
        if not len(added):
            return
        run = added
        while self._runs and len(self._runs[-1]) < 2 * len(run) and len(self._runs[-1]) + len(run) <= MAX_IDS // 2:
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
        while sum(map(len, self._runs)) > MAX_IDS:
            self._runs.pop(0)
