"""Counting a column of texts by which object each value is.

Tables that pandas or Arrow have read hold each distinct text once and refer to it many times. Sorting the references as
numbers is ten times as fast as looking each text up; what they refer to is then looked up once.
"""

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

PREFIX = 1_024
"""Values that are looked at first: if they are mostly objects of their own, the rest will be."""


def count_objects(values: npt.NDArray[np.object_]) -> list[tuple[Any, int]] | None:
    """The distinct objects with how often each occurs; None where too many values are objects of their own.

    Rests on CPython, in which an array of objects holds their addresses; the array keeps the objects alive.
    """
    values = np.ascontiguousarray(values)
    rows = len(values)
    if rows < PREFIX:
        return None
    kind = ctypes.c_ssize_t * rows
    addresses = np.ctypeslib.as_array(kind.from_address(values.ctypes.data))
    if len(np.unique(addresses[:PREFIX])) > PREFIX // 2:
        return None
    ordered = np.sort(addresses)
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    counts = np.diff(np.append(starts, rows))
    return [
        (ctypes.cast(address, ctypes.py_object).value, count)
        for address, count in zip(ordered[starts].tolist(), counts.tolist(), strict=True)
    ]
