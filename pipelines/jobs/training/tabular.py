"""The matrix that an estimator takes, made of a table of named columns; the same in training and inference."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.jobs.validation.data_contract.contract import DataContract


class MissingFeaturesError(ValueError):
    """A request or table lacks columns that the model needs; the message names all of them."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """Column of the model's input. ``categories`` are those that the training rows hold; None for a number."""

    name: str
    categories: tuple[str, ...] | None


def learn_features(frame: pd.DataFrame, contract: DataContract) -> list[Feature]:
    """Return the contract's features, with the categories that the training rows hold."""
    return [
        Feature(
            name=name,
            categories=tuple(sorted(frame[name].dropna().unique()))
            if contract.columns[name].type == "category"
            else None,
        )
        for name in contract.features
    ]


def matrix(frame: pd.DataFrame, features: list[Feature]) -> npt.NDArray[np.float64]:
    """Return rows x features. A category becomes its index; an unknown category and an empty field become NaN.

    Raises
    ------
    MissingFeaturesError
        Columns are missing.
    """
    missing = [feature.name for feature in features if feature.name not in frame]
    if missing:
        raise MissingFeaturesError(
            f"missing columns: {', '.join(missing)}; given: {', '.join(map(str, frame.columns)) or 'none'}; "
            f"send {', '.join(feature.name for feature in features)} with every row, "
            "and leave a value empty (in JSON: null) that is not known"
        )
    return np.column_stack([_column(frame[feature.name], feature) for feature in features])


def _column(values: "pd.Series[str]", feature: Feature) -> npt.NDArray[np.float64]:
    if feature.categories is None:
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    codes = pd.Categorical(values, categories=list(feature.categories)).codes.astype(np.float64)
    codes[codes < 0] = np.nan
    return codes
