"""Releases are printed a line each, with what a person must do; the words after ``promotions`` are told apart."""

from dataclasses import replace
from datetime import timedelta

import click
import pytest

from mooring.cli.promotions import promotions
from mooring.cli.releases_table import print_releases
from mooring.cli.terminal import print_json
from mooring.promotions.releases import Release
from mooring.promotions.states import StageProgress, StageState
from pipelines.interface.codec import to_json
from tests.support.pipeline_world import EXECUTION, START

NOW = START + timedelta(minutes=125)


def stage(name: str, state: StageState, **more: str) -> StageProgress:
    return StageProgress(stage=name, state=state, **more)


RELEASE = Release(
    team="arrivals",
    pipeline="models",
    execution=EXECUTION,
    status="InProgress",
    started="2026-12-01T16:00:00Z",
    revision="d1" * 32,
    stages=(
        stage("Source", StageState.RELEASED),
        stage("staging", StageState.RELEASED),
        stage("prod", StageState.WAITING, since="2026-12-01T16:00:00Z", action="Approve", approver="a person"),
    ),
    model="late-arrival",
    version=3,
    to="prod",
    requested_by="ann",
)


def printed(capsys: pytest.CaptureFixture[str], *releases: Release) -> list[str]:
    print_releases(releases, NOW)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_release_is_a_line_with_its_stages_as_columns(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, RELEASE)
    assert lines[:2] == ["Models of team arrivals, newest first", "execution release revision staging prod"]
    assert "3f2a91c0 late-arrival v3 d1d1d1d1 released waiting for approval, 2 h" in lines


def test_approval_that_is_needed_is_printed_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, RELEASE)[-3:] == [
        "3f2a91c0 late-arrival v3: prod waits for approval since 2026-12-01T16:00:00Z",
        "by a person",
        "mooring promotions approve 3f2a91c0 --stage prod --comment WHY",
    ]


def test_failure_is_printed_with_cause_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    failed = stage("prod", StageState.FAILED, since="T", action="Import", cause="x\x1b[2J", remedy="retry")
    lines = printed(capsys, replace(RELEASE, stages=(*RELEASE.stages[:2], failed)))
    assert lines[-3:] == [
        "3f2a91c0 late-arrival v3: Import in prod failed, T",
        r"Cause: x\x1b[2J",
        "Do this: retry",
    ]


def test_source_is_shown_if_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    failed = stage("Source", StageState.FAILED, since="T", action="Source", cause="no object", remedy="request it")
    lines = printed(capsys, replace(RELEASE, model="", version=0, revision="", stages=(failed, *RELEASE.stages[1:])))
    assert "execution release revision Source staging prod" in lines


def test_release_is_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([to_json(RELEASE)])
    assert '"state": "waiting for approval"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        ([], ["list"]),
        (["late-arrival", "--json"], ["list", "late-arrival", "--json"]),
        (["--code"], ["list", "--code"]),
        (["stop", "3f2a"], ["stop", "3f2a"]),
    ],
)
def test_words_that_are_no_command_list_releases(arguments: list[str], called: list[str]) -> None:
    context = click.Context(promotions)
    promotions.parse_args(context, arguments)
    assert [*context._protected_args, *context.args] == called
