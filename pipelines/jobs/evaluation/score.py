"""Program that predicts the rows of CSV files by a model's own inference program, in a separate process.

Each model has its own copy of the code that serves it, so candidate and champion cannot be loaded into one process.
This file therefore imports nothing of ours: ``inference`` and the code beside it are the model's own.
"""

import gzip
import sys
from importlib import import_module

import numpy as np


def main(model_dir: str, *files: str) -> None:
    """Predict the rows of each pair in ``files``: a .csv.gz of rows, and the .npy for their predictions."""
    inference = import_module("inference")
    model = inference.model_fn(model_dir)
    for rows, output in zip(files[::2], files[1::2], strict=True):
        with gzip.open(rows, "rb") as file:
            table = inference.input_fn(file.read(), "text/csv")
        np.save(output, np.asarray(inference.predict_fn(table, model), dtype=np.float64))


if __name__ == "__main__":
    main(*sys.argv[1:])
