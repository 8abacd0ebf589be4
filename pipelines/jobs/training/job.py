"""The training program's shared part: script mode's variables and arguments in, a model directory out.

In SageMaker's script mode the program is called with the hyperparameters as ``--name value``, and finds its folders in
``SM_CHANNEL_TRAINING`` and ``SM_MODEL_DIR``; on a laptop both can be given as arguments.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

import pipelines
from pipelines.jobs.training.tabular import learn_features, matrix
from pipelines.jobs.validation.data_contract.contract import read_contract
from pipelines.tables.reading import read_table

MODEL_FILE = "model.joblib"
FEATURES_FILE = "features.json"


class TrainingInputError(ValueError):
    """The training job was given something that it cannot train on."""


Build = Callable[[npt.NDArray[np.bool_], int, Mapping[str, str]], Any]
"""(which features are categories, seed, the model's own hyperparameters) -> a scikit-learn estimator."""


def train(build: Build, *, program: str, argv: Sequence[str] | None = None) -> Path:
    """Train what ``build`` returns on the training channel and leave a directory that the inference container serves.

    ``program`` is the training program's own path: what lies beside it becomes the model's code.
    """
    begun = time.monotonic()
    options, hyperparameters = _options(argv)
    source = Path(program).resolve().parent
    contract = read_contract(source / "contract.yaml")
    rows = read_table(Path(options.training) / "rows.csv.gz", "rows.csv.gz")
    if options.target not in rows:
        raise TrainingInputError(
            f"target {options.target!r} is no column of the training rows: {', '.join(rows.columns)}"
        )
    features = learn_features(rows, contract)
    categories = np.array([feature.categories is not None for feature in features])
    estimator = build(categories, options.seed, hyperparameters)
    estimator.fit(matrix(rows, features), rows[options.target].astype(float).to_numpy())
    model_dir = Path(options.model_dir)
    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(estimator, model_dir / MODEL_FILE, compress=3)
    (model_dir / FEATURES_FILE).write_text(json.dumps([asdict(feature) for feature in features]), encoding="utf-8")
    _copy_code(source, model_dir / "code")
    print(f"trained on {len(rows)} rows and {len(features)} features in {time.monotonic() - begun:.1f} s", flush=True)
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
        parser.error(f"hyperparameters are given as --name value, not {rest}")
    return options, {name[2:]: value for name, value in zip(rest[::2], rest[1::2], strict=True)}


def _copy_code(source: Path, code: Path) -> None:
    """The inference container runs what lies in ``code``: the model's programs, and the package that they import."""
    code.mkdir(parents=True, exist_ok=True)
    for file in (*source.glob("*.py"), source / "contract.yaml"):
        shutil.copyfile(file, code / file.name)
    package = Path(pipelines.__file__).parent
    shutil.copytree(package, code / "pipelines", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
