"""``mooring data validate``: checks files of this machine against a model's contract, with the code of the job."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mooring.cdk import PROJECT
from mooring.cli.commit import choose
from mooring.cli.fleet import find, program_folder
from mooring.cli.terminal import json_option, plain, print_json, print_table, progress
from mooring.errors import MooringError

if TYPE_CHECKING:
    from pipelines.jobs.validation.check import ContractReport


@click.command(short_help="Check files against a model's data contract.")
@click.argument("environment")
@click.argument("model")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Count freshness back from this time of the commit, in UTC.  [default: now]",
)
@json_option
def validate(environment: str, model: str, paths: tuple[Path, ...], as_of: datetime | None, as_json: bool) -> None:
    """Check PATHS against the data contract of MODEL, as a retraining does, before you commit them.

    Every violation is printed with its count and example rows; row numbers do not count the header. No data leave this
    machine. The exit code is 1 if the contract is broken.

    \b
    Example:  mooring data validate arrivals-dev-us-east-1 late-arrival 2013-*.csv.gz
    """
    # pandas and pandera take two seconds to import.
    from pipelines.jobs.validation.check import check_files  # noqa: PLC0415
    from pipelines.jobs.validation.data_contract.contract import InvalidContractError, read_contract  # noqa: PLC0415
    from pipelines.tables.reading import UnreadableFileError  # noqa: PLC0415

    find(environment, model=model)
    path = PROJECT / "pipelines" / "models" / program_folder(environment, model) / "contract.yaml"
    files = choose(paths).files
    reference = as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC)
    try:
        with progress(f"Checking {len(files)} files") as update:
            contract = read_contract(path)
            checked = check_files(
                files, contract, reference=reference, on_rows=lambda name, _: update(f"Checking {plain(name)}")
            )
    except FileNotFoundError as error:
        raise MooringError(
            f"there is no contract {path}", remedy="write one; docs/reference/contract.md describes it"
        ) from error
    except InvalidContractError as error:
        raise MooringError(
            str(error), remedy=f"correct {path}; docs/reference/contract.md lists the allowed values"
        ) from error
    except UnreadableFileError as error:
        raise MooringError(
            str(error), remedy="write the file again in the format of its name and in UTF-8, then check again"
        ) from error
    if as_json:
        print_json({"model": model, **checked.to_document()})
    else:
        _print(model, checked)
    if checked.violations:
        sys.exit(1)


def _print(model: str, checked: "ContractReport") -> None:
    files = "1 file" if checked.files == 1 else f"{checked.files} files"
    summary = f"{files}, {checked.rows:,} rows, {checked.rules} rules"
    if fresh := checked.freshness:
        age = "no time" if fresh.age_days is None else f"{fresh.age_days:.1f} days old"
        summary += f"; newest {fresh.column} {age} at {fresh.reference}"
    for name in checked.files_with_other_columns:
        click.echo(plain(f"{name} has other columns than the first file; only the contract's columns are read."))
    if not checked.violations:
        click.echo(f"The data keep the contract of {model}: {summary}.")
        return
    print_table(
        f"The data break the contract of {model}: {summary}",
        ("column", "rule", "rows", "files", "detail"),
        [
            (violation.column, violation.rule, f"{violation.count:,}", len(violation.files) or "", violation.detail)
            for violation in checked.violations
        ],
    )
    for violation in checked.violations:
        for example in violation.examples:
            click.echo(plain(f"  {violation.column}, {violation.rule}: {example}"))
