"""Which event ids came before: a capture file can be delivered twice, under two names."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_IDS = 1_000_000


class SeenIds:
    """The ids so far as sorted runs of 64-bit hashes: 8 bytes an id, 8 MB at most.

    Two of a million different ids have one hash with a probability of 3e-8. Beyond ``MAX_IDS`` the oldest are
    forgotten, so that files of any size fit: a repetition is recognised among the last half million ids at least.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.int64]] = []

    def fresh(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """For each id whether it is new, also among ``ids`` themselves; from now on all are known.

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
        """Runs at least double in size from the newest to the oldest, so there are few of them to search."""
        if not len(added):
            return
        run = added
        while self._runs and len(self._runs[-1]) < 2 * len(run) and len(self._runs[-1]) + len(run) <= MAX_IDS // 2:
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
        while sum(map(len, self._runs)) > MAX_IDS:
            self._runs.pop(0)
