"""Runs one model over CSV files by the model's own inference program; run as a file in a process of its own.

Each model carries its own copy of the code that serves it, so candidate and champion cannot be loaded into one
process. This file therefore imports nothing of ours: the model's folder is put on the path by ``inference`` alone.
"""

import gzip
import sys
from importlib import import_module

import numpy as np


def main(model_dir: str, *files: str) -> None:
    """``files`` are pairs: a .csv.gz of rows, and the .npy to write their predictions to."""
    inference = import_module("inference")
    model = inference.model_fn(model_dir)
    for rows, output in zip(files[::2], files[1::2], strict=True):
        with gzip.open(rows, "rb") as file:
            table = inference.input_fn(file.read(), "text/csv")
        np.save(output, np.asarray(inference.predict_fn(table, model), dtype=np.float64))


if __name__ == "__main__":
    main(*sys.argv[1:])
