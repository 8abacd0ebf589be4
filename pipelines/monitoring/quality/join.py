"""Captured predictions joined with their labels."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from pipelines.monitoring.capture.columns import Chunk
from pipelines.monitoring.quality.labels import Labels
from pipelines.monitoring.quality.quality import LabelledRows
from pipelines.statistics.metrics import Array
from pipelines.statistics.profile import PREDICTION

ABSENT = ""
"""Segment of a row that came without the segment's column."""


def join(chunks: Iterable[Chunk], labels: Labels, segments: Sequence[str]) -> LabelledRows:
    """Return the rows whose label is known, with the values of the columns in ``segments``.

    Memory grows with the number of labels, which is limited, and not with the traffic.
    """
    values: list[Array] = []
    predictions: list[Array] = []
    codes: dict[str, list[npt.NDArray[np.int32]]] = {name: [] for name in segments}
    names: dict[str, dict[str, int]] = {name: {} for name in segments}
    for chunk in chunks:
        found = labels.of(chunk)
        rows = np.flatnonzero(~np.isnan(found))
        if not len(rows):
            continue
        values.append(found[rows])
        predictions.append(np.array([_number(chunk.columns[PREDICTION][row]) for row in rows], dtype=np.float64))
        for name in segments:
            column = chunk.columns.get(name)
            known = names[name]
            texts = [ABSENT if column is None else _text(column[row]) for row in rows]
            codes[name].append(np.array([known.setdefault(text, len(known)) for text in texts], dtype=np.int32))
    values_of: dict[str, npt.NDArray[np.object_]] = {}
    for name in segments:
        distinct = np.array(list(names[name]), dtype=object)
        values_of[name] = distinct[np.concatenate(codes[name])] if codes[name] else distinct
    return LabelledRows(labels=_all(values), predictions=_all(predictions), segments=values_of)


def _all(parts: list[Array]) -> Array:
    return np.concatenate(parts) if parts else np.zeros(0)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _text(value: object) -> str:
    return ABSENT if value is None else str(value)
