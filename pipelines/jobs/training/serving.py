"""The four functions by which SageMaker's scikit-learn container serves a model, for any model of ``training.job``.

A request is ``text/csv`` with a header row, or ``application/json``: one object or an array of objects, a row each.
The answer is one number a row: a line each as ``text/csv``, or ``{"predictions": [...]}``.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.jobs.training.job import FEATURES_FILE, MODEL_FILE
from pipelines.jobs.training.tabular import Feature, matrix


class InvalidRequestError(ValueError):
    """A request that no prediction can be made for; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Model:
    estimator: Any
    features: list[Feature]


def model_fn(model_dir: str) -> Model:
    """Load what ``training.job.train`` left."""
    features = json.loads((Path(model_dir) / FEATURES_FILE).read_text(encoding="utf-8"))
    return Model(
        estimator=joblib.load(Path(model_dir) / MODEL_FILE), features=[Feature(**feature) for feature in features]
    )


def input_fn(body: str | bytes, content_type: str) -> pd.DataFrame:
    """The rows of a request, as strings; columns that the model does not know are ignored."""
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    kind = content_type.split(";", maxsplit=1)[0].strip()
    try:
        if kind == "text/csv":
            rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, na_values=[""])
        elif kind == "application/json":
            document = json.loads(text)
            rows = pd.DataFrame([document] if isinstance(document, dict) else document)
        else:
            raise InvalidRequestError(f"content type {content_type!r}: send text/csv or application/json")
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRequestError(f"cannot read the request as {kind}: {error}") from error
    if rows.empty:
        raise InvalidRequestError("the request has no rows (text/csv starts with a header row)")
    return rows


def predict_fn(rows: pd.DataFrame, model: Model) -> npt.NDArray[np.float64]:
    """One number a row: the probability of the positive class, or the estimate of a regression."""
    values = matrix(rows, model.features)
    if hasattr(model.estimator, "predict_proba"):
        return np.asarray(model.estimator.predict_proba(values)[:, 1], dtype=np.float64)
    return np.asarray(model.estimator.predict(values), dtype=np.float64)


def output_fn(prediction: npt.NDArray[np.float64], accept: str) -> tuple[str, str]:
    """The answer's body and content type; CSV unless JSON is asked for."""
    if "json" in accept:
        return json.dumps({"predictions": prediction.tolist()}), "application/json"
    return "\n".join(map(repr, prediction.tolist())), "text/csv"
