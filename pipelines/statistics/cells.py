"""Bins put together until there is something to see in each."""

import numpy as np
import numpy.typing as npt

CELLS = 20
EXPECTED = 5
"""Rows that a cell of equal shares has in the smaller of the two samples."""

Counts = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]


def number_cells(reference: Counts, current: Counts) -> Labels:
    """The cell of each bin: neighbours together, about equal in the rows of both samples together.

    Which bins share a cell rests on both samples' sum alone, so that it favours no difference between them.
    """
    both = reference + current
    smaller = min(int(reference.sum()), int(current.sum()))
    cells = max(1, min(CELLS, smaller // EXPECTED))
    middle = (np.cumsum(both) - both / 2) / max(1, int(both.sum()))
    return np.minimum((middle * cells).astype(np.int64), cells - 1)


def category_cells(reference: Counts, current: Counts) -> Labels:
    """The cell of each category: its own, or with all others of which the smaller sample expects too few rows."""
    both = reference + current
    rows, total = min(int(reference.sum()), int(current.sum())), max(1, int(both.sum()))
    frequent = both * rows >= EXPECTED * total
    return np.where(frequent, np.cumsum(frequent), 0)


def gathered(labels: Labels, counts: Counts) -> Counts:
    """The counts of the cells."""
    return np.bincount(labels, weights=counts, minlength=int(labels.max(initial=0)) + 1).astype(np.int64)
