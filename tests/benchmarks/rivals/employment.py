"""Writes the employment data of the NannyML package as arrays; runs in NannyML's environment."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd


def main(target: str) -> None:
    spec = find_spec("nannyml")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    reference = pd.read_parquet(folder / "employment_MA_reference.pq")
    analysis = pd.read_parquet(folder / "employment_MA_analysis.pq").merge(
        pd.read_parquet(folder / "employment_MA_analysis_target.pq"), on="id"
    )
    arrays = {}
    for part, table in (("reference", reference), ("analysis", analysis)):
        for name in table:
            column = table[name]
            text = isinstance(column.dtype, pd.CategoricalDtype)
            arrays[f"{part} {name}"] = column.astype(str).to_numpy("U") if text else column.to_numpy(np.float64)
    np.savez_compressed(target, allow_pickle=False, **arrays)
    print(target)


if __name__ == "__main__":
    main(sys.argv[1])
