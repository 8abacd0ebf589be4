"""``mooring promotions``: where each release is; approve, reject, retry and stop them."""

from collections.abc import Iterator
from itertools import islice

import click

from mooring.cli.fleet import find_deployable
from mooring.cli.life import by_option
from mooring.cli.releases_table import print_releases
from mooring.cli.terminal import json_option, print_json, progress
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from mooring.promotions.acts import answer_approval, find_release, retry, stop
from mooring.promotions.places import require_person, tooling_of
from mooring.promotions.releases import CODE, MODELS, Release, TeamPipelines
from pipelines.interface.codec import to_json

SHOWN = 20
"""Number of the newest executions of a pipeline that are printed."""


class PromotionsGroup(click.Group):
    """A group that lists releases when it gets a model, an option or nothing instead of a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(
            ctx, args if args and args[0] in (*self.commands, "--help", "-h") else ["list", *args]
        )


@click.command(cls=PromotionsGroup, subcommand_metavar="[MODEL]|COMMAND")
def promotions() -> None:
    """Print where each release is in the team's pipelines, or approve, reject, retry and stop one.

    EXECUTION is an execution's id, or any beginning of it that is unique.

    \b
    Examples:
      mooring promotions late-arrival
      mooring promotions --code --json
      mooring promotions approve 3f2a91c0 --stage prod --comment "checked the report"
    """


@promotions.command("list", short_help="Print where each release is; also without its name.")
@click.argument("model", required=False)
@click.option("--code", is_flag=True, help="The pipelines of code instead of those of models.")
@json_option
def list_releases(model: str | None, code: bool, as_json: bool) -> None:
    """Print the newest releases, stage by stage: what waits for approval, runs, is released, failed and why.

    With MODEL only those of this model; --code prints the pipelines of code.
    """
    kind = CODE if code else MODELS
    releases: list[Release] = []
    unreached: list[MooringError] = []
    places = tooling_of(find_deployable(()), model)
    with progress("Reading the pipelines"):
        for place in places:
            try:
                team = TeamPipelines(place, DeployedEnvironment(place.names).services("auditor"))
                releases += islice(_releases(team, kind, None if code else model), SHOWN)
            except MooringError as error:
                unreached.append(error)
    if len(unreached) == len(places):
        raise unreached[0]
    if as_json:
        print_json({"releases": [to_json(each) for each in releases], "unreached": [str(each) for each in unreached]})
        return
    for unshown in unreached:
        click.echo(f"Not shown: {unshown.message}")
    if releases:
        print_releases(releases)
    else:
        click.echo("No push yet." if code else "No releases yet: mooring promote MODEL VERSION --to STAGE")


def _releases(team: TeamPipelines, kind: str, model: str | None) -> Iterator[Release]:
    declared = team.stages(kind)
    found = (team.release(kind, summary, declared) for summary in team.executions(kind))
    return (each for each in found if model in (None, each.model))


def _find(execution: str, by: str, persona: str) -> tuple[TeamPipelines, Release]:
    require_person(by)
    places = tooling_of(find_deployable(()))
    with progress(f"Looking for {execution}"):
        teams = (TeamPipelines(each, DeployedEnvironment(each.names, person=by).services(persona)) for each in places)
        return find_release(teams, execution)


stage_option = click.option("--stage", required=True, help="Stage that waits.")
comment_option = click.option("--comment", required=True, help="Reason; AWS records it.")


@promotions.command()
@click.argument("execution")
@stage_option
@comment_option
@by_option
def approve(execution: str, stage: str, comment: str, by: str) -> None:
    """Approve what waits in a stage of EXECUTION; the release there then begins.

    Where the stage wants two people, whoever requested the promotion or trained the model is refused.
    """
    team, release = _find(execution, by, "approver")
    answer_approval(team, release, stage, by=by, comment=comment, approved=True)
    click.echo(f"{release.name} is approved for {stage} by {by}. Watch it: {_watch(release)}")


@promotions.command()
@click.argument("execution")
@stage_option
@comment_option
@by_option
def reject(execution: str, stage: str, comment: str, by: str) -> None:
    """Reject what waits in a stage of EXECUTION; it ends there as failed."""
    team, release = _find(execution, by, "approver")
    answer_approval(team, release, stage, by=by, comment=comment, approved=False)
    click.echo(f"{release.name} is rejected for {stage} by {by}. The champion there keeps serving.")


@promotions.command("retry")
@click.argument("execution")
@by_option
def retry_release(execution: str, by: str) -> None:
    """Retry the failed actions of EXECUTION.

    A release that was refused because of its approver runs the whole stage again, so that the approval is asked anew.
    """
    team, release = _find(execution, by, "operator")
    stage, anew = retry(team, release)
    asked = "; another person must approve it" if anew else ""
    click.echo(f"Stage {stage} of {release.name} runs again{asked}. Watch it: {_watch(release)}")


@promotions.command("stop")
@click.argument("execution")
@click.option("--abandon", is_flag=True, help="Do not wait for actions in progress; what they started goes on.")
@by_option
def stop_release(execution: str, abandon: bool, by: str) -> None:
    """Stop EXECUTION, after its actions in progress; stages that it released keep what they serve."""
    team, release = _find(execution, by, "operator")
    stop(team, release, by=by, abandon=abandon)
    click.echo(f"{release.name} is stopping. Watch it: {_watch(release)}")


def _watch(release: Release) -> str:
    return f"mooring promotions {release.model}" if release.model else "mooring promotions --code"
