"""Split of a dataset into training and held-out rows by calendar months, and the files of each part."""

import gzip
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.jobs.validation.data_contract.contract import DataContract
from pipelines.jobs.validation.typed import Series, to_type
from pipelines.tables.reading import Chunk, read_chunks


class TooShortError(ValueError):
    """The dataset spans too few months to hold some out and train on others."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Calendar months of both parts. A labelled row belongs to a part by its time, a row without a label to none."""

    training: tuple[pd.Period, ...]
    holdout: tuple[pd.Period, ...]


class Months:
    """Months of the labelled rows of each file, gathered piece by piece."""

    def __init__(self, *, target: str, time_column: str) -> None:
        self._target, self._time_column = target, time_column
        self._of_file: dict[str, set[pd.Period]] = defaultdict(set)
        self.unlabelled = 0

    def add(self, file: str, typed: pd.DataFrame) -> None:
        if self._target in typed and self._time_column in typed:
            labelled = typed[self._target].notna()
            self.unlabelled += int((~labelled).sum())
            self._of_file[file] |= set(typed[self._time_column][labelled].dt.to_period("M").dropna().unique())

    def split(self, *, window_months: int, holdout_months: int) -> Split:
        """Return the split: the newest months are held out, the months right before them are for training.

        Raises
        ------
        TooShortError
            No month is left for training.
        """
        months = sorted(set().union(*self._of_file.values()))
        if not months:
            raise TooShortError(
                f"no row has both a value in {self._target!r} and a time in {self._time_column!r}: "
                "commit rows whose label is known"
            )
        begin_holdout = months[-1] - (holdout_months - 1)
        begin_training = begin_holdout - window_months
        training = tuple(month for month in months if begin_training <= month < begin_holdout)
        if not training:
            raise TooShortError(
                f"the labelled rows span {months[0]} to {months[-1]}: with holdout_months {holdout_months} "
                "no month is left for training; commit earlier months"
            )
        return Split(training=training, holdout=tuple(month for month in months if month >= begin_holdout))

    def files_of(self, months: tuple[pd.Period, ...]) -> list[str]:
        """Return the files that hold rows of these months, in the order in which they were added."""
        return [file for file, found in self._of_file.items() if found & set(months)]


def write_rows(
    files: Mapping[str, Path],
    contract: DataContract,
    months: tuple[pd.Period, ...],
    *,
    target: str,
    time_column: str,
    to: Path,
) -> int:
    """Write the labelled rows of these months as one gzipped CSV of the contract's columns; return their number."""
    to.parent.mkdir(parents=True, exist_ok=True)
    columns, rows = list(contract.columns), 0
    schema = pa.schema([(name, pa.string()) for name in columns])
    # The archive's header holds no time and no name, so the same rows give the same bytes.
    with (
        to.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, compresslevel=1, filename="") as zipped,
    ):
        for batch in (schema.empty_table(), *_chosen(files, contract, months, target, time_column)):
            text = batch.select(columns).cast(schema).to_pandas()
            zipped.write(text.to_csv(index=False, header=not zipped.tell(), lineterminator="\n").encode())
            rows += len(text)
    return rows


def _chosen(
    files: Mapping[str, Path], contract: DataContract, months: tuple[pd.Period, ...], target: str, time_column: str
) -> Iterator[pa.RecordBatch]:
    for name, path in files.items():
        for chunk in read_chunks(path, name, columns=list(contract.columns)):
            labelled = _typed(chunk, contract, target).notna()
            within = _typed(chunk, contract, time_column).dt.to_period("M").isin(months)
            yield chunk.rows.filter(pa.array(np.asarray(labelled & within)))


def _typed(chunk: Chunk, contract: DataContract, column: str) -> Series:
    return to_type(chunk.rows.column(column), contract.columns[column].type, text=chunk.text)[0]
