"""The files that the steps of a change leave in one folder, and from which the comment is made.

- ``plan-<environment>.json``: the output of ``mooring plan <environment> --json``;
- ``data-<environment>-<dataset>.json``: a ``DataDifference``;
- ``retraining-<environment>-<model>.json``: a ``Trial``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mooring.errors import MooringError
from mooring.plan.records import Action, CostChange, Effect, EndpointChange, Sentence
from pipelines.interface.codec import InvalidRecordError, read_json
from pipelines.interface.settings import Gate

Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class PlannedResource:
    """The part of a ``ResourceChange`` that the comment counts."""

    action: Action
    effect: Effect
    kept: bool = False
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedStack:
    name: str
    action: Action
    resources: tuple[PlannedResource, ...] = ()
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedEnvironment:
    """The part of an ``EnvironmentPlan`` that the comment shows."""

    environment: str
    stage: str
    is_new: bool
    stacks: tuple[PlannedStack, ...]
    sentences: tuple[Sentence, ...]
    endpoints: tuple[EndpointChange, ...]
    costs: tuple[CostChange, ...]


@dataclass(frozen=True, kw_only=True)
class PlanFile:
    """The part of a ``Plan`` that the comment shows. Fields that the plan has besides are left out."""

    prices_of: str
    environments: tuple[PlannedEnvironment, ...]


@dataclass(frozen=True, kw_only=True)
class MovedColumn:
    """A column of a dataset, and how far it moved: ``effect`` is 0 for none beyond chance, and 1 for all."""

    name: str
    kind: str
    effect: float
    psi: float
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class DataDifference:
    """The difference between the samples of a dataset on the target branch and in the change."""

    environment: str
    dataset: str
    files: Mapping[str, int]
    """Number of files that were ``added``, ``removed``, ``changed`` and ``renamed``."""
    rows_before: int
    rows_after: int
    columns: tuple[MovedColumn, ...]
    schema: tuple[str, ...] = ()
    """Columns that were added or removed or have another kind, in words."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A retraining on the runner, or the reason why there was none. ``ending`` is "" without a retraining."""

    environment: str
    model: str
    why: str
    gate: Gate
    ending: str = ""
    rows: int | None = None
    value: float | None = None
    champion: float | None = None
    gain: tuple[float, ...] | None = None
    """Lower and upper end of the 95 % interval of the gain over the champion."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All files of one change, each kind by name."""

    plans: tuple[PlanFile, ...] = ()
    differences: tuple[DataDifference, ...] = ()
    trials: tuple[Trial, ...] = ()


def read_inputs(folder: Path) -> Inputs:
    """Read the files of a folder.

    Raises
    ------
    MooringError
        The folder is absent, or a file is not as its step writes it.
    """
    if not folder.is_dir():
        remedy = "run the steps before first: mooring plan, mooring ci try"
        raise MooringError(f"there is no folder {folder}", remedy=remedy)
    return Inputs(
        plans=tuple(_read(folder, "plan", PlanFile)),
        differences=tuple(_read(folder, "data", DataDifference)),
        trials=tuple(_read(folder, "retraining", Trial)),
    )


def _read(folder: Path, kind: str, record: type[Record]) -> list[Record]:
    found = []
    for path in sorted(folder.glob(f"{kind}-*.json")):
        try:
            found.append(read_json(record, path.read_bytes(), ignore_unknown=True))
        except InvalidRecordError as error:
            remedy = "read the log of the step that writes it, and make it anew"
            raise MooringError(f"{path} is not what its step writes: {error}", remedy=remedy) from error
    return found
