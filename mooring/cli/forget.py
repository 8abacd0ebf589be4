"""``mooring data forget``: a data subject's rows, or a file, leave a dataset for ever, with every copy of them."""

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
    "captured traffic, its labels and the checks of both: see to the capture bucket yourself",
    "names of files, and messages of commits",
)
REMEDIES: dict[type[Exception], str] = {
    UnsearchableError: "commit these files anew as tables, or forget them whole: --file NAME; then repeat it",
    FilesWaitingError: "wait a few minutes for their commit, or take them away; then repeat it",
    RunsUnderWayError: "wait for their end, or stop them; then repeat it: what is done stays done",
    UnfitReasonError: "say why without naming whom or what, by a ticket's number for instance",
    UnsettledError: "stop what writes to the dataset; then repeat it",
}


@click.command()
@dataset_arguments
@click.option(
    "--where", "conditions", multiple=True, metavar="COLUMN=VALUE", help="Rows with this value; all must hold."
)
@click.option("--file", "path", help="A whole file, by its name in the dataset, wherever its content lies.")
@click.option("--reason", required=True, help="Why; it is kept for ever, so it may not name the subject.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who asks; it is kept for ever.")
@click.option("--yes", is_flag=True, help="Do not ask.")
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
    """Erase rows or a file from every commit of DATASET and from every copy, for ever; as the operator.

    What it takes is shown first, and asked. Commits that held it are rewritten, and those after them: their old ids
    answer with the new ones. With --json, nothing is done without --yes.

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
        with transfer(f"Looking through {dataset}") as on_progress:
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
    """What the options say is to be forgotten.

    Raises
    ------
    MooringError
        Neither rows nor a file, or both; or a condition without ``=``.
    """
    if bool(conditions) == bool(path):
        raise MooringError("say what to forget: rows or a file", remedy="give --where COLUMN=VALUE, or --file NAME")
    if path:
        return WholeFile(path=path)
    pairs = [condition.partition("=") for condition in conditions]
    where = {column: value for column, _, value in pairs}
    if not all(column and sign for column, sign, _ in pairs) or len(where) < len(pairs):
        raise MooringError(
            "a condition is COLUMN=VALUE, and each column stands once",
            remedy="repeat --where for other columns; forget other values of a column one after the other",
        )
    return Rows(where=where)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except tuple(REMEDIES) as error:
        raise MooringError(str(error), remedy=REMEDIES[type(error)]) from error


def plan_document(plan: Plan) -> dict[str, Any]:
    """For programs: what it takes, without what is to be forgotten."""
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
    """What it takes, line by line."""
    if plan.is_empty:
        yield f"{dataset}: nothing holds it: no commit, no copy, no file that landed or is in quarantine."
    else:
        rows = "an unknown number of rows" if plan.rows is None else _count(plan.rows, "row")
        yield f"To forget in {dataset}: {rows} in {_count(len(plan.findings), 'distinct content')}"
        yield f"  commits to rewrite: {len(plan.rewritten)} of {len(plan.chain)}"
        if plan.dead:
            yield f"  commits left by a forgetting that broke off: {len(plan.dead)}"
        yield f"  runs whose copies of rows go: {len(plan.runs)}"
        yield f"  versions of landed and quarantined files: {len(plan.leftovers.versions)}"
    for package in plan.packages:
        yield f"  has learned from it, retrain it: {package}"
    for name in (*plan.unsearchable, *plan.leftovers.unsearchable):
        yield f"  nobody can look into it, see to it yourself: {name}"
    if not plan.is_empty:
        yield from (f"  stays: {what}" for what in OUT_OF_REACH)


def record_in_words(done: ForgettingResult) -> Iterator[str]:
    """What was done, line by line."""
    yield f"Forgotten: {done.what}; {done.erased:,} versions of objects erased. Record: {done.id}"
    yield from (f"  {old} is now {new}" for old, new in done.commits.items())
    for package in done.packages:
        yield f"  {package} has learned from it, and its golden requests are gone: retrain, and release the new version"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
