"""Labels: the outcomes of predictions in files, and their join to captured requests.

A file's folder is the hour in which its predictions were made: ``labels/<model>/yyyy/mm/dd/hh/*.csv``. It has the
columns ``inference_id``, ``label`` and, for requests of several rows, ``row`` (from 0). ``inference_id`` is the id that
the caller gave the request or, without one, the captured event's id. A later file (by key) corrects an earlier one.
"""

import csv
import gzip
import math
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.aws.s3 import Bucket, ListedObject
from pipelines.monitoring.capture.columns import Chunk
from pipelines.monitoring.capture.lines import DamagedFileError, line_blocks

MAX_LABELS = 1_000_000
"""Largest number of labels of a window that are read, because of memory; ``Labels.cut`` says that there are more."""
MAX_ROW_DIGITS = 9
ROW_STEP = np.uint64(0x9E3779B97F4A7C15)
"""Factor that makes one hash of a request's hash and a row's number.

Source: Knuth, The Art of Computer Programming 3, section 6.4.
"""

Keys = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.float64]


class InvalidLabelsError(ValueError):
    """The file is no file of labels."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of a window: ``values`` by sorted ``keys``.

    ``unreadable`` is a number of lines, ``damaged`` maps the keys of files to reasons, and ``cut`` says that there are
    more than ``MAX_LABELS``.
    """

    keys: Keys
    values: Numbers
    unreadable: int = 0
    damaged: Mapping[str, str]
    cut: bool = False

    def of(self, chunk: Chunk) -> Numbers:
        """Return the label of each row, NaN where there is none yet."""
        found = np.full(chunk.rows, np.nan)
        if len(self.keys):
            keys = _keys(chunk.requests, chunk.lengths)
            at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[at] == keys
            found[known] = self.values[at[known]]
        return found


def read_labels(
    bucket: Bucket, files: Sequence[ListedObject], *, classes: bool, max_labels: int = MAX_LABELS
) -> Labels:
    """Read all labels of some files; they are 0 or 1 with ``classes``, otherwise finite numbers."""
    hashes, rows, values = array("q"), array("Q"), array("d")
    damaged: dict[str, str] = {}
    unreadable, cut = 0, False
    for file in sorted(files, key=lambda each: each.key):
        try:
            for name, row, text in _lines(bucket, file.key):
                if len(values) == max_labels:
                    cut = True
                    break
                value = _number(text)
                is_row = row.isdecimal() and len(row) <= MAX_ROW_DIGITS
                if not is_row or not math.isfinite(value) or (classes and value not in (0.0, 1.0)):
                    unreadable += 1
                    continue
                hashes.append(hash(name))
                rows.append(int(row))
                values.append(value)
        except (InvalidLabelsError, DamagedFileError) as error:
            damaged[file.key] = str(error)
    keys = np.frombuffer(hashes, np.uint64) + np.frombuffer(rows, np.uint64) * ROW_STEP
    # The first of equal keys in the reversed array is the last that was read.
    keys, last = np.unique(keys[::-1], return_index=True)
    return Labels(
        keys=keys,
        values=np.frombuffer(values, np.float64)[::-1][last],
        unreadable=unreadable,
        damaged=damaged,
        cut=cut,
    )


def _keys(requests: Sequence[str], lengths: npt.NDArray[np.int64]) -> Keys:
    hashes = np.fromiter(map(hash, requests), np.int64, len(requests)).view(np.uint64)
    rows = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(np.repeat(hashes, lengths) + rows.astype(np.uint64) * ROW_STEP)


def _lines(bucket: Bucket, key: str) -> Iterator[tuple[str, str, str]]:
    """Yield (request, row, label) of each line, as text.

    Raises
    ------
    InvalidLabelsError
        The file is no CSV in UTF-8, or its header lacks a column.
    """
    header: list[str] | None = None
    try:
        for block in line_blocks(bucket.open(key), packed=key.endswith(".gz")):
            for line in csv.reader(block.decode("utf-8-sig").splitlines()):
                if header is None:
                    header = _header(line)
                    name_at, label_at = header.index("inference_id"), header.index("label")
                    row_at = header.index("row") if "row" in header else None
                elif line and len(line) == len(header):
                    yield line[name_at], "0" if row_at is None else line[row_at].strip(), line[label_at]
                elif line:
                    yield "", "", ""
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidLabelsError(f"the file is no CSV in UTF-8: {error}") from error


def check_header(content: bytes, *, packed: bool) -> None:
    """Refuse a file whose lines cannot be read.

    Raises
    ------
    InvalidLabelsError
        The file is no CSV in UTF-8, or its header lacks a column.
    """
    try:
        text = (gzip.decompress(content) if packed else content).decode("utf-8-sig")
        _header(next(csv.reader(text.splitlines()), []))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InvalidLabelsError(f"the file is no CSV in UTF-8: {error}") from error


def _header(names: list[str]) -> list[str]:
    if missing := [name for name in ("inference_id", "label") if name not in names]:
        raise InvalidLabelsError(
            f"the header lacks {' and '.join(missing)}; it has {', '.join(names) or 'no columns'}: "
            "name the columns inference_id, label and, for requests of several rows, row"
        )
    return names


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
