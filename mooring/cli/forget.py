"""``mooring data forget``: erases a data subject's rows, or a file, from a dataset and from every copy."""

import getpass
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mooring.cli.dataset import dataset_arguments, opened
from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, print_json, progress, transfer
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.datasets.forgetting.forget import (
    FilesWaitingError,
    Forgetting,
    ForgettingResult,
    RunsUnderWayError,
    UnfitReasonError,
    UnsettledError,
)
from pipelines.datasets.forgetting.plan import Plan, Planner, UnsearchableError
from pipelines.datasets.forgetting.subject import Rows, Subject, WholeFile

OUT_OF_REACH = (
    "trained models, and the profiles and metrics made of them",
    "captured traffic, its labels and the checks of both: delete these from the capture bucket yourself",
    "names of files, and messages of commits",
)
"""Data that a forgetting does not erase."""
REMEDIES: dict[type[Exception], str] = {
    UnsearchableError: "commit these files again as tables, or forget whole files: --file NAME; then repeat it",
    FilesWaitingError: "wait a few minutes for their commit, or delete them; then repeat it",
    RunsUnderWayError: "wait for their end, or stop them; then repeat it: finished steps stay finished",
    UnfitReasonError: "give a reason that does not name the subject, a ticket's number for instance",
    UnsettledError: "stop all writers of the dataset; then repeat it",
}


@click.command(short_help="Erase rows or a file, and every copy of them.")
@dataset_arguments
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Forget rows with this value; if repeated, rows with all values.",
)
@click.option("--file", "path", help="Forget this file, by its name in the dataset, and every copy of its content.")
@click.option("--reason", required=True, help="Reason; it is recorded for ever, so it may not name the subject.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Your name; it is recorded for ever.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def forget(
    environment: str,
    dataset: str,
    conditions: tuple[str, ...],
    path: str | None,
    reason: str,
    by: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase rows or a file from every commit of DATASET and from every copy, for ever, as the operator.

    The plan is printed first, and you must confirm it. Commits with the data are rewritten, and all later ones; their
    old ids lead to the new commits. With --json, nothing is erased without --yes.

    \b
    Example:  mooring data forget arrivals-dev-us-east-1 flights --where tailnum=N14228 --reason "request 4711"
              mooring data forget arrivals-dev-us-east-1 flights --file 2013-01.csv.gz --reason "licence ended"
    """
    subject = chosen(conditions, path)
    services = DeployedEnvironment(find(environment, dataset=dataset)).services("operator")
    with (
        _explained(),
        tempfile.TemporaryDirectory(prefix="mooring-forget-") as folder,
        opened(environment, dataset, persona="operator") as found,
    ):
        with transfer(f"Searching {dataset}") as on_progress:
            planner = Planner(dataset=found, subject=subject, folder=Path(folder), on_progress=on_progress)
            plan = planner.plan()
        if not as_json:
            for line in plan_in_words(plan, dataset):
                click.echo(line)
        if plan.is_empty or (as_json and not yes):
            if as_json:
                print_json({"done": False, **plan_document(plan)})
            return
        forgetting = Forgetting(planner=planner, artifacts=services.bucket("artifacts"), audit=services.bucket("audit"))
        forgetting.check(plan, by=by, reason=reason)
        if not yes:
            click.confirm("Forget it for ever?", abort=True)
        with progress(f"Forgetting in {dataset}"):
            done = forgetting.carry_out(plan, by=by, reason=reason)
    if as_json:
        print_json({"done": True, **plan_document(plan), **asdict(done)})
        return
    for line in record_in_words(done):
        click.echo(line)


def chosen(conditions: Sequence[str], path: str | None) -> Subject:
    """Return the subject that the options name.

    Raises
    ------
    MooringError
        The options name neither rows nor a file, or both; or a condition has no ``=``.
    """
    if bool(conditions) == bool(path):
        raise MooringError(
            "a forgetting is of either rows or a file", remedy="give --where COLUMN=VALUE, or --file NAME"
        )
    if path:
        return WholeFile(path=path)
    pairs = [condition.partition("=") for condition in conditions]
    where = {column: value for column, _, value in pairs}
    if not all(column and sign for column, sign, _ in pairs) or len(where) < len(pairs):
        raise MooringError(
            "--where must be COLUMN=VALUE, with each column once",
            remedy="repeat --where for other columns; forget several values of one column one after the other",
        )
    return Rows(where=where)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except tuple(REMEDIES) as error:
        raise MooringError(str(error), remedy=REMEDIES[type(error)]) from error


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON for programs, without the data to be forgotten."""
    return {
        "commits": {old: new.id for old, new in plan.rewritten.items()},
        "contents": len(plan.findings),
        "rows": plan.rows,
        "unfinished": list(plan.dead),
        "runs": [asdict(run) for run in plan.runs],
        "packages": plan.packages,
        "leftovers": len(plan.leftovers.versions),
        "waiting": plan.leftovers.waiting,
        "unsearchable": [*plan.unsearchable, *plan.leftovers.unsearchable],
        "out_of_reach": list(OUT_OF_REACH),
    }


def plan_in_words(plan: Plan, dataset: str) -> Iterator[str]:
    """Yield the lines of a plan."""
    if plan.is_empty:
        yield f"{dataset}: nothing to forget in any commit, copy, landed file or quarantined file."
    else:
        rows = "an unknown number of rows" if plan.rows is None else _count(plan.rows, "row")
        yield f"To forget in {dataset}: {rows} in {_count(len(plan.findings), 'distinct content')}"
        yield f"  commits to rewrite: {len(plan.rewritten)} of {len(plan.chain)}"
        if plan.dead:
            yield f"  commits left by an interrupted forgetting: {len(plan.dead)}"
        yield f"  runs whose copies of rows are erased: {len(plan.runs)}"
        yield f"  versions of landed and quarantined files: {len(plan.leftovers.versions)}"
    for package in plan.packages:
        yield f"  was trained on it, retrain it: {package}"
    for name in (*plan.unsearchable, *plan.leftovers.unsearchable):
        yield f"  cannot be searched, check it yourself: {name}"
    if not plan.is_empty:
        yield from (f"  is not erased: {what}" for what in OUT_OF_REACH)


def record_in_words(done: ForgettingResult) -> Iterator[str]:
    """Yield the lines of a forgetting's result."""
    yield f"Forgotten: {done.what}; {done.erased:,} versions of objects erased. Record: {done.id}"
    yield from (f"  {old} is now {new}" for old, new in done.commits.items())
    for package in done.packages:
        yield f"  {package} was trained on it and has no golden requests now: retrain, and release the new version"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
