"""Cells: bins put together until each cell has enough rows to compare."""

import numpy as np
import numpy.typing as npt

CELLS = 20
"""Largest number of cells of numbers."""
EXPECTED = 5
"""Number of rows that a cell of equal shares has in the smaller of the two samples."""

Counts = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]


def number_cells(reference: Counts, current: Counts) -> Labels:
    """Return the cell of each bin. A cell holds neighbours; all cells have about equally many rows of both samples.

    Only the sum of both samples decides which bins share a cell, so the cells favour no difference between them.
    """
    both = reference + current
    smaller = min(int(reference.sum()), int(current.sum()))
    cells = max(1, min(CELLS, smaller // EXPECTED))
    middle = (np.cumsum(both) - both / 2) / max(1, int(both.sum()))
    return np.minimum((middle * cells).astype(np.int64), cells - 1)


def category_cells(reference: Counts, current: Counts) -> Labels:
    """Return the cell of each category. Categories with too few expected rows in the smaller sample share one cell."""
    both = reference + current
    rows, total = min(int(reference.sum()), int(current.sum())), max(1, int(both.sum()))
    frequent = both * rows >= EXPECTED * total
    return np.where(frequent, np.cumsum(frequent), 0)


def gathered(labels: Labels, counts: Counts) -> Counts:
    """Return the counts of the cells."""
    return np.bincount(labels, weights=counts, minlength=int(labels.max(initial=0)) + 1).astype(np.int64)
