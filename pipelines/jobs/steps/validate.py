"""The step *validate*: check a commit's files against the model's data contract, then split them by time.

The newest ``holdout_months`` calendar months of the dataset are held out. The ``window_months`` months right before
them are for training; there are fewer if the data begin later. Rows without a label are counted, and are in no part.

It writes ``validation/validation.json`` (docs/reference/contract.md), which holds no value of a row. If the contract is
broken, it also writes ``validation/examples.json``, which holds values: it is stored with the run, where it can be
erased.
"""

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pipelines.interface import jobs, log
from pipelines.interface.codec import to_json
from pipelines.interface.records import SplitRecord
from pipelines.jobs.steps import failure, packages
from pipelines.jobs.validation.commit import locate, read_commit
from pipelines.jobs.validation.data_contract.contract import DataContract, InvalidContractError, read_contract

SHOWN = 5
"""Largest number of violations that the error names."""


class ContractViolatedError(ValueError):
    """The data break the contract; the message names the first violations, validation.json holds all."""


def validate(options: argparse.Namespace) -> None:
    """Check, split and write.

    Raises
    ------
    ContractViolatedError
        The contract is broken; both documents are written before.
    """
    packages.provide(Path(options.packages))
    # pandera comes with the packages.
    from pipelines.jobs.validation.check import check_files  # noqa: PLC0415
    from pipelines.jobs.validation.split import Months, write_rows  # noqa: PLC0415

    contract = read_contract(Path(options.contract))
    columns = {"target": options.target, "time_column": options.time_column}
    _require(contract, columns)
    commit = read_commit(Path(options.commit) / "commit.json")
    with log.bound(commit=commit.id):
        files = locate(commit, Path(options.data))
        months = Months(**columns)
        checked = check_files(files, contract, reference=datetime.fromisoformat(commit.time), on_rows=months.add)
        report = checked.to_record(commit=commit.id, tree=commit.tree)
        output = Path(options.output)
        if checked.violations:
            write_document(output, "validation", report)
            write_document(output, "examples", checked.examples())
            log.info("contract violated", violations=len(checked.violations), files=checked.files, rows=checked.rows)
            raise ContractViolatedError(_summary([str(violation) for violation in checked.violations]))
        split = months.split(window_months=options.window_months, holdout_months=options.holdout_months)
        parts = {}
        for name, chosen in (("training", split.training), ("holdout", split.holdout)):
            needed = {file: files[file] for file in months.files_of(chosen)}
            rows = write_rows(needed, contract, chosen, **columns, to=output / name / "rows.csv.gz")
            parts[name] = SplitRecord(rows=rows, months=tuple(map(str, chosen)))
        report = replace(report, training=parts["training"], holdout=parts["holdout"], unlabelled=months.unlabelled)
        write_document(output, "validation", report)
        log.info(
            "data validated",
            files=report.files,
            rows=report.rows,
            unlabelled=report.unlabelled,
            training=to_json(parts["training"]),
            holdout=to_json(parts["holdout"]),
        )


def _require(contract: DataContract, columns: Mapping[str, str]) -> None:
    wrong = [f"{what} {name!r} is no column" for what, name in columns.items() if name not in contract.columns]
    if not wrong and contract.columns[columns["time_column"]].type != "time":
        wrong = [f"time_column {columns['time_column']!r} is not of type time"]
    if wrong:
        raise InvalidContractError(
            f"the contract does not fit the model's settings: {'; '.join(wrong)}; "
            "name a column of contract.yaml in fleet.yaml, or add the column to the contract"
        )


def _summary(violations: list[str]) -> str:
    more = f"; and {len(violations) - SHOWN} more" if len(violations) > SHOWN else ""
    return f"{len(violations)} violations of the data contract: {'; '.join(violations[:SHOWN])}{more}"


def write_document(output: Path, name: str, record: object) -> None:
    """Write a record as ``validation/<name>.json``.

    SageMaker uploads the folder while the job runs, so the file is written elsewhere and then moved into it.
    """
    path = output / "validation" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    half = output / f"{name}.half"
    half.write_text(json.dumps(to_json(record), indent=1, allow_nan=False), encoding="utf-8")
    # Each output of a job may be a mount of its own: then nothing can be renamed into it, and shutil.move copies.
    shutil.move(half, path)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=jobs.input_dir("data"))
    parser.add_argument("--commit", default=jobs.input_dir("commit"))
    parser.add_argument("--packages", default=jobs.input_dir("packages"))
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
