"""From a table of named columns to the matrix that an estimator takes, the same in training and inference."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.jobs.validation.data_contract.contract import DataContract


class MissingFeaturesError(ValueError):
    """A request or table lacks columns that the model needs; the message names all of them."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column that the model is given; ``categories`` is None for a number."""

    name: str
    categories: list[str] | None


def learn_features(frame: pd.DataFrame, contract: DataContract) -> list[Feature]:
    """The contract's features, with the categories that the training rows hold."""
    return [
        Feature(
            name=name,
            categories=sorted(frame[name].dropna().unique()) if contract.columns[name].type == "category" else None,
        )
        for name in contract.features
    ]


def matrix(frame: pd.DataFrame, features: list[Feature]) -> npt.NDArray[np.float64]:
    """Rows x features; a category becomes its index, a category not seen in training and an empty field NaN.

    Raises
    ------
    MissingFeaturesError
        Columns are missing.
    """
    missing = [feature.name for feature in features if feature.name not in frame]
    if missing:
        raise MissingFeaturesError(
            f"missing columns: {', '.join(missing)}; given: {', '.join(map(str, frame.columns)) or 'none'}"
        )
    return np.column_stack([_column(frame[feature.name], feature) for feature in features])


def _column(values: "pd.Series[str]", feature: Feature) -> npt.NDArray[np.float64]:
    if feature.categories is None:
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    codes = pd.Categorical(values, categories=feature.categories).codes.astype(np.float64)
    codes[codes < 0] = np.nan
    return codes
