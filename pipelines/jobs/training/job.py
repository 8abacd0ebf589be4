"""The common part of training programs: script mode's variables and arguments in, a model directory out.

In SageMaker's script mode the program is called with the hyperparameters as ``--name value``, and finds its folders in
``SM_CHANNEL_TRAINING`` and ``SM_MODEL_DIR``. On a laptop both folders can be given as arguments.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import joblib
import numpy as np
import numpy.typing as npt

import pipelines
from pipelines.interface import log
from pipelines.interface.codec import to_json
from pipelines.jobs.training.tabular import learn_features, matrix
from pipelines.jobs.validation.data_contract.contract import read_contract
from pipelines.tables.reading import read_table

MODEL_FILE = "model.joblib"
FEATURES_FILE = "features.json"
JOB_NAME = "TRAINING_JOB_NAME"
"""Variable in which SageMaker gives the training job's name."""

Array = npt.NDArray[np.float64]


class TrainingInputError(ValueError):
    """The training job's input cannot be trained on."""


class Estimator(Protocol):
    """An estimator of scikit-learn. A classifier also has ``predict_proba``."""

    def fit(self, rows: Array, labels: Array, /) -> object: ...

    def predict(self, rows: Array, /) -> npt.ArrayLike: ...


Build = Callable[[npt.NDArray[np.bool_], int, Mapping[str, str]], Estimator]
"""(mask of the features that are categories, seed, the model's own hyperparameters) -> an estimator."""


def train(build: Build, *, program: str, argv: Sequence[str] | None = None) -> Path:
    """Train the estimator that ``build`` returns; return a directory that the inference container serves.

    ``program`` is the training program's own path: the files beside it become the model's code.

    Raises
    ------
    TrainingInputError
        The training rows lack the target.
    """
    with log.bound_by_variables(), log.bound(job=os.environ.get(JOB_NAME)):
        try:
            return _train(build, Path(program).resolve().parent, *_options(argv))
        except Exception as error:
            # The container reports the traceback; the line says what it was about.
            log.failure(error)
            raise


def _train(build: Build, source: Path, options: argparse.Namespace, hyperparameters: Mapping[str, str]) -> Path:
    begun = time.monotonic()
    contract = read_contract(source / "contract.yaml")
    rows = read_table(Path(options.training) / "rows.csv.gz", "rows.csv.gz")
    if options.target not in rows:
        raise TrainingInputError(
            f"target {options.target!r} is no column of the training rows: it is one of {', '.join(rows.columns)}"
        )
    features = learn_features(rows, contract)
    categories = np.array([feature.categories is not None for feature in features])
    estimator = build(categories, options.seed, hyperparameters)
    estimator.fit(matrix(rows, features), rows[options.target].astype(float).to_numpy())
    model_dir = Path(options.model_dir)
    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(estimator, model_dir / MODEL_FILE, compress=3)
    (model_dir / FEATURES_FILE).write_text(json.dumps([to_json(feature) for feature in features]), encoding="utf-8")
    _copy_code(source, model_dir / "code")
    log.info("model trained", rows=len(rows), features=len(features), seconds=round(time.monotonic() - begun, 1))
    return model_dir


def _options(argv: Sequence[str] | None) -> tuple[argparse.Namespace, dict[str, str]]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--training", default=os.environ.get("SM_CHANNEL_TRAINING"))
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--target", required=True)
    parser.add_argument("--seed", type=int, default=0)
    options, rest = parser.parse_known_args(argv)
    for name, variable in (("training", "SM_CHANNEL_TRAINING"), ("model_dir", "SM_MODEL_DIR")):
        if not getattr(options, name):
            parser.error(f"give --{name.replace('_', '-')} or set {variable}")
    if len(rest) % 2 or not all(name.startswith("--") for name in rest[::2]):
        parser.error(f"give hyperparameters as --name value, not {rest}")
    return options, {name[2:]: value for name, value in zip(rest[::2], rest[1::2], strict=True)}


def _copy_code(source: Path, code: Path) -> None:
    """Copy the model's programs and the package that they import to ``code``, which the inference container runs."""
    code.mkdir(parents=True, exist_ok=True)
    for file in (*source.glob("*.py"), source / "contract.yaml"):
        shutil.copyfile(file, code / file.name)
    package = Path(pipelines.__file__).parent
    shutil.copytree(package, code / "pipelines", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
