"""The step *validate*: a commit's files against the model's data contract, then split by time.

The newest ``holdout_months`` calendar months of the dataset are held out; the ``window_months`` months right before
them are trained on, fewer if the data begin later. Rows without a label cannot be learned from and are counted.

It leaves ``validation/validation.json`` (docs/reference/contract.md), which holds no value of a row, and of a broken
contract ``validation/examples.json``, which does: it lies with the run, where it can be erased.
"""

import argparse
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.interface import jobs
from pipelines.jobs.steps import failure, packages
from pipelines.jobs.validation.data_contract.contract import DataContract, InvalidContractError, read_contract

FORMAT = 1
SHOWN = 5


class ContractViolatedError(ValueError):
    """The data break the contract; the message names the violations, validation.json has all of them."""


class CorruptObjectError(ValueError):
    """A file's bytes are not those that the commit names."""


def locate(commit: Mapping[str, Any], objects: Path) -> dict[str, Path]:
    """The commit's files by their logical names, each re-hashed first."""
    files = {}
    for file in commit["files"]:
        path = objects / file["sha256"]
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != file["sha256"]:
            raise CorruptObjectError(f"{file['path']}: SHA-256 is {found}, the commit says {file['sha256']}")
        files[file["path"]] = path
    return files


def validate(options: argparse.Namespace) -> None:
    """Check, split, write; raises after validation.json is written if the contract is broken."""
    packages.provide(Path(options.packages))
    # pandera comes with the packages.
    from pipelines.jobs.validation.check import check_files  # noqa: PLC0415
    from pipelines.jobs.validation.split import Months, write_rows  # noqa: PLC0415

    contract = read_contract(Path(options.contract))
    learned = {"target": options.target, "time_column": options.time_column}
    _require(contract, learned)
    commit = json.loads((Path(options.commit) / "commit.json").read_text(encoding="utf-8"))
    files = locate(commit, Path(options.data))
    months = Months(**learned)
    checked = check_files(files, contract, reference=datetime.fromisoformat(commit["time"]), on_rows=months.see)
    report = {"format": FORMAT, "commit": commit["id"], "tree": commit["tree"], **checked.to_record()}
    output = Path(options.output)
    if checked.violations:
        write_document(output, "validation", report)
        write_document(output, "examples", {"format": FORMAT, "examples": checked.to_examples()})
        raise ContractViolatedError(_in_words([str(violation) for violation in checked.violations]))
    split = months.split(window_months=options.window_months, holdout_months=options.holdout_months)
    for name, chosen in (("training", split.training), ("holdout", split.holdout)):
        needed = {file: files[file] for file in months.files_of(chosen)}
        rows = write_rows(needed, contract, chosen, **learned, to=output / name / "rows.csv.gz")
        report[name] = {"rows": rows, "months": list(map(str, chosen))}
    write_document(output, "validation", report | {"unlabelled": months.unlabelled})


def _require(contract: DataContract, learned: Mapping[str, str]) -> None:
    wrong = [f"{what} {name!r} is no column" for what, name in learned.items() if name not in contract.columns]
    if not wrong and contract.columns[learned["time_column"]].type != "time":
        wrong = [f"time_column {learned['time_column']!r} is not of type time"]
    if wrong:
        raise InvalidContractError(f"the contract does not fit the model's settings: {'; '.join(wrong)}")


def _in_words(violations: list[str]) -> str:
    more = f"; and {len(violations) - SHOWN} more" if len(violations) > SHOWN else ""
    return f"{len(violations)} violations of the data contract: {'; '.join(violations[:SHOWN])}{more}"


def write_document(output: Path, name: str, document: Mapping[str, Any]) -> None:
    """The folder is uploaded while the job runs: where that can be, a file comes there whole."""
    path = output / "validation" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    half = output / f"{name}.half"
    half.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    # Each output of a job may be mounted by itself: then nothing can be renamed into it, and this copies.
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
