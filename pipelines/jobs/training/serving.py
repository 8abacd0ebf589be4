"""The four functions by which SageMaker's scikit-learn container serves a model, for any model of ``training.job``.

A request is ``text/csv`` with a header row, or ``application/json``: one object, or an array of objects, one for each
row. The answer is one number for each row: as ``text/csv`` one line each, or ``{"predictions": [...]}``.
"""

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.interface import log
from pipelines.interface.codec import read
from pipelines.jobs.training.job import FEATURES_FILE, MODEL_FILE, Estimator
from pipelines.jobs.training.tabular import Feature, matrix

_FORMS = {
    "text/csv": "a header row and one line for each row",
    "application/json": "one object, or an array of at least one object",
}
"""Content types of requests, and what their bodies hold."""


class InvalidRequestError(ValueError):
    """A request that no prediction can be made for; the message says why, and what to send."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """Trained model with its input columns."""

    estimator: Estimator
    features: list[Feature]


def model_fn(model_dir: str) -> Model:
    """Load the model that ``training.job.train`` wrote."""
    begun = time.monotonic()
    features = json.loads((Path(model_dir) / FEATURES_FILE).read_text(encoding="utf-8"))
    model = Model(
        estimator=joblib.load(Path(model_dir) / MODEL_FILE), features=[read(Feature, feature) for feature in features]
    )
    with log.bound_by_variables():
        log.info("model loaded", features=len(features), seconds=round(time.monotonic() - begun, 2))
    return model


def input_fn(body: str | bytes, content_type: str) -> pd.DataFrame:
    """Return the rows of a request, the values of CSV as strings; unknown columns are ignored later.

    Raises
    ------
    InvalidRequestError
        The content type is unknown, the body cannot be read as it, or it has no rows.

    Examples
    --------
    >>> input_fn('{"origin": "JFK", "temp": 50}', "application/json").to_dict("records")
    [{'origin': 'JFK', 'temp': 50}]
    """
    kind = content_type.split(";", maxsplit=1)[0].strip()
    if kind not in _FORMS:
        raise InvalidRequestError(f"the content type is {content_type!r}: send {' or '.join(_FORMS)}")
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        if kind == "text/csv":
            rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, na_values=[""])
        else:
            document = json.loads(text)
            rows = pd.DataFrame([document] if isinstance(document, dict) else document)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRequestError(f"the request is no {kind}: {error}; send {_FORMS[kind]}") from error
    if rows.empty:
        raise InvalidRequestError(f"the request has no rows: send {_FORMS[kind]}")
    return rows


def predict_fn(rows: pd.DataFrame, model: Model) -> npt.NDArray[np.float64]:
    """Return one number for each row: the probability of the positive class, or the estimate of a regression.

    Raises
    ------
    MissingFeaturesError
        The request lacks columns of the model.
    """
    values = matrix(rows, model.features)
    if hasattr(model.estimator, "predict_proba"):
        return np.asarray(model.estimator.predict_proba(values)[:, 1], dtype=np.float64)
    return np.asarray(model.estimator.predict(values), dtype=np.float64)


def output_fn(prediction: npt.NDArray[np.float64], accept: str) -> tuple[str, str]:
    """Return the answer's body and content type: JSON if ``accept`` names it, else CSV.

    Examples
    --------
    >>> output_fn(np.array([0.25, 1.0]), "application/json")
    ('{"predictions": [0.25, 1.0]}', 'application/json')
    """
    if "json" in accept:
        return json.dumps({"predictions": prediction.tolist()}), "application/json"
    return "\n".join(map(repr, prediction.tolist())), "text/csv"
