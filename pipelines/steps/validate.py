"""The step *validate*: a commit's files against the model's data contract, then split by time.

The newest ``holdout_months`` calendar months of the dataset are held out; the ``window_months`` months right before
them are trained on, fewer if the data begin later. Rows without a label cannot be learned from and are counted.
"""

import argparse
import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.contract import jobs
from pipelines.data.contract import Violation, check, read_contract
from pipelines.data.reading import read_table
from pipelines.steps import failure

SHOWN = 5


class ContractViolatedError(ValueError):
    """The data break the contract; the message names the violations, validation.json has all of them."""


class CorruptObjectError(ValueError):
    """A file's bytes are not those that the commit names."""


class TooShortError(ValueError):
    """The dataset spans too few months to hold some out and train on others."""


@dataclass(frozen=True, kw_only=True)
class Split:
    training: "pd.Series[bool]"
    holdout: "pd.Series[bool]"
    training_months: list[str]
    holdout_months: list[str]


def split_by_month(times: "pd.Series[Any]", *, window_months: int, holdout_months: int) -> Split:
    """Which rows are trained on and which are held out, by the calendar months of ``times``."""
    months = times.dt.to_period("M")
    newest = months.max()
    begin_holdout = newest - (holdout_months - 1)
    begin_training = begin_holdout - window_months
    holdout = months >= begin_holdout
    training = (months >= begin_training) & ~holdout
    if not training.any():
        raise TooShortError(
            f"the data span {months.min()} to {newest}: with {holdout_months} months held out none is left to train on"
        )
    return Split(
        training=training,
        holdout=holdout,
        training_months=sorted(map(str, months[training].unique())),
        holdout_months=sorted(map(str, months[holdout].unique())),
    )


def read_commit_files(commit: dict[str, Any], objects: Path) -> pd.DataFrame:
    """The commit's files in one table of strings, each re-hashed first."""
    tables = []
    for file in commit["files"]:
        path = objects / file["sha256"]
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != file["sha256"]:
            raise CorruptObjectError(f"{file['path']}: SHA-256 is {found}, the commit says {file['sha256']}")
        tables.append(read_table(path, file["path"]))
    return pd.concat(tables, ignore_index=True)


def validate(options: argparse.Namespace) -> None:
    """Check, split, write; raises after validation.json is written if the contract is broken."""
    output = Path(options.output)
    contract = read_contract(Path(options.contract))
    commit = json.loads((Path(options.commit) / "commit.json").read_text(encoding="utf-8"))
    rows = read_commit_files(commit, Path(options.data))
    typed, violations = check(rows, contract)
    report: dict[str, Any] = {
        "commit": commit["id"],
        "tree": commit["tree"],
        "files": len(commit["files"]),
        "rows": len(rows),
        "violations": [violation.to_record() for violation in violations],
    }
    if violations:
        _write_report(output, report)
        raise ContractViolatedError(_in_words(violations))
    labelled = typed[options.target].notna()
    split = split_by_month(
        typed[options.time_column].where(labelled),
        window_months=options.window_months,
        holdout_months=options.holdout_months,
    )
    columns = list(contract.columns)
    for name, chosen in (("training", split.training), ("holdout", split.holdout)):
        _write_rows(rows.loc[chosen & labelled, columns], output / name / "rows.csv.gz")
        report[name] = {"rows": int((chosen & labelled).sum()), "months": getattr(split, f"{name}_months")}
    _write_report(output, report | {"unlabelled": int((~labelled).sum())})


def _in_words(violations: list[Violation]) -> str:
    said = "; ".join(str(violation) for violation in violations[:SHOWN])
    more = f"; and {len(violations) - SHOWN} more" if len(violations) > SHOWN else ""
    return f"{len(violations)} violations of the data contract: {said}{more}"


def _write_rows(rows: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, compresslevel=1, filename="") as file:
        file.write(rows.to_csv(index=False, lineterminator="\n").encode())


def _write_report(output: Path, report: dict[str, Any]) -> None:
    path = output / "validation" / "validation.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1), encoding="utf-8")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=jobs.input_dir("data"))
    parser.add_argument("--commit", default=jobs.input_dir("commit"))
    parser.add_argument("--contract", default="contract.yaml")
    parser.add_argument("--output", default=jobs.OUTPUT)
    parser.add_argument("--message-file", default=jobs.MESSAGE_FILE)
    parser.add_argument("--target", required=True)
    parser.add_argument("--time-column", required=True)
    parser.add_argument("--window-months", type=int, required=True)
    parser.add_argument("--holdout-months", type=int, required=True)
    return parser.parse_args(argv)


if __name__ == "__main__":
    given = parse()
    failure.run(lambda: validate(given), Path(given.message_file))
