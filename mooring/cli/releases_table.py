"""Prints releases: a line for each with the stages as columns, and below what a person must do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

from mooring.cli.terminal import plain, print_table
from mooring.promotions.releases import SHORT, SOURCE, Release
from mooring.promotions.states import StageProgress, StageState
from pipelines.interface.times import parse_time

STYLES = {
    StageState.PENDING: "dim",
    StageState.WAITING: "bold yellow",
    StageState.RUNNING: "cyan",
    StageState.RELEASED: "green",
    StageState.FAILED: "bold red",
    StageState.RETURNED: "bold red",
    StageState.SKIPPED: "dim",
    StageState.SUPERSEDED: "dim",
    StageState.STOPPED: "magenta",
}


def print_releases(releases: Sequence[Release], now: datetime | None = None) -> None:
    """Print a table per pipeline, then the cause and remedy of each failure and the command of each approval."""
    moment = now or datetime.now(UTC)
    pipelines = dict.fromkeys((each.team, each.pipeline) for each in releases)
    for team, kind in pipelines:
        own = [each for each in releases if (each.team, each.pipeline) == (team, kind)]
        _print_pipeline(f"{kind.capitalize()} of team {team}, newest first", own, moment)
    for release in releases:
        for stage in release.stages:
            _print_next(release, stage)


def _print_pipeline(title: str, releases: Sequence[Release], now: datetime) -> None:
    stages = list(dict.fromkeys(stage.stage for each in releases for stage in each.stages))
    # A source that could be read says nothing.
    shown = [
        name
        for name in stages
        if name != SOURCE or any(_state(each, name) not in (StageState.RELEASED, None) for each in releases)
    ]
    columns = ("execution", "release", "revision", *shown)
    rows = [
        (each.short, each.name, each.revision[:SHORT], *(_cell(each.stage(name), now) for name in shown))
        for each in releases
    ]
    print_table(title, columns, rows, style=_style)


def _state(release: Release, stage: str) -> StageState | None:
    found = release.stage(stage)
    return found.state if found else None


def _cell(stage: StageProgress | None, now: datetime) -> str:
    if stage is None or stage.state == StageState.PENDING:
        return "·"
    if stage.state in (StageState.WAITING, StageState.RUNNING):
        return f"{stage.state}, {_age(now - parse_time(stage.since))}"
    return str(stage.state)


def _style(cell: str) -> str:
    return next((style for state, style in STYLES.items() if cell.partition(",")[0] == state), "")


def _age(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _print_next(release: Release, stage: StageProgress) -> None:
    if stage.state == StageState.WAITING:
        click.echo(plain(f"{release.short} {release.name}: {stage.stage} waits for approval since {stage.since}"))
        click.echo(plain(f"  by {stage.approver}"))
        click.echo(f"  mooring promotions approve {release.short} --stage {stage.stage} --comment WHY")
    elif stage.cause:
        click.echo(
            plain(f"{release.short} {release.name}: {stage.action} in {stage.stage} {stage.state}, {stage.since}")
        )
        click.echo(plain(f"  Cause: {stage.cause}"))
        click.echo(plain(f"  Do this: {stage.remedy}"))
