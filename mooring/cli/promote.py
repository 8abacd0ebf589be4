"""``mooring promote``: carry a model's champion to the environments of later stages."""

from collections.abc import Sequence

import click

from mooring.cli.fleet import find_deployable
from mooring.cli.life import by_option
from mooring.cli.terminal import json_option, plain, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment
from mooring.promotions.places import PlannedStage, planned_stages, require_person, tooling_of, trainer_of
from mooring.promotions.releases import TeamPipelines
from mooring.promotions.request import request_promotion, require_none_under_way
from pipelines.interface.codec import to_json
from pipelines.interface.records import ReleaseRecord
from pipelines.interface.requests import PromotionRequest


@click.command()
@click.argument("model")
@click.argument("version", type=click.IntRange(1))
@click.option("--to", required=True, metavar="STAGE", help="Last stage to enter; those between are entered before.")
@click.option("--environment", help="Environment that trained the version, if several train the model.")
@by_option
@click.option("--dry-run", is_flag=True, help="Print the record and the stages, and change nothing.")
@json_option
def promote(model: str, version: int, to: str, environment: str | None, by: str, dry_run: bool, as_json: bool) -> None:
    """Promote VERSION of MODEL, the champion of its training stage, to the stages after it as far as STAGE.

    The environment signs a record of the version, and the team's pipeline carries it from stage to stage: the same
    artifact, never a retrained one.

    \b
    Example:  mooring promote late-arrival 3 --to prod
    """
    require_person(by)
    every = find_deployable(())
    places = tooling_of(every, model)
    trainer = trainer_of(every, model, environment)
    place = next(each for each in places if each.team is trainer.team)
    # Refuses an unknown stage before anything is called.
    planned_stages(trainer, model, to, by=by, trained_by="")
    request = PromotionRequest(model=model, version=version, to=to, by=by, dry_run=dry_run)
    with progress(f"Reading the promotions of {model}"):
        pipelines = TeamPipelines(place, DeployedEnvironment(place.names, person=by).services("auditor"))
        require_none_under_way(pipelines, model, version, to)
    with progress(f"Promoting {model} v{version}"):
        ticket = request_promotion(DeployedEnvironment(trainer.names), request)
    stages = planned_stages(trainer, model, to, by=by, trained_by=ticket.record.trained_by)
    if as_json:
        print_json({"dry_run": dry_run, "stages": [to_json(stage) for stage in stages], **to_json(ticket)})
        return
    verb = "would be promoted" if dry_run else "is being promoted"
    click.echo(f"{model} v{version} of {trainer.names.id} {verb} to {to}: record {ticket.digest}")
    if dry_run:
        _print_record(ticket.record)
    _print_stages(stages)
    if dry_run:
        click.echo(f"Nothing was changed. Promote it: mooring promote {model} {version} --to {to}")
    else:
        click.echo(f"Watch it: mooring promotions {model}")


def _print_record(record: ReleaseRecord) -> None:
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in sorted(record.metrics.items()))
    gains = ", ".join(
        f"{each.metric} {each.difference:+.4g} ({each.low:+.4g} to {each.high:+.4g})" for each in record.gains
    )
    approvals = "; ".join(f"{each.by or 'automatic'} at {each.at}: {each.comment}" for each in record.approvals)
    rows = [
        ("package", record.package_arn),
        ("run", record.run_id),
        ("trained by", record.trained_by),
        ("dataset", f"{record.dataset} at commit {record.commit}"),
        ("image", record.image),
        ("metrics", metrics),
        ("gain over the champion", gains or "no champion before"),
        ("approved by", approvals),
        *((f"file {each.name}", f"{each.size_bytes:,} bytes, SHA-256 {each.sha256}") for each in record.files),
    ]
    print_table("Record", ("what", "value"), rows)


def _print_stages(stages: Sequence[PlannedStage]) -> None:
    click.echo("It enters:")
    for number, stage in enumerate(stages, start=1):
        together = " then ".join(stage.environments) if stage.in_order else " and ".join(stage.environments)
        asked = f"after approval by {stage.approver}" if stage.approver else "without a person's approval"
        click.echo(plain(f"  {number}. {stage.stage}: imported, then released {asked}"))
        click.echo(f"     in {together}; if one fails, all return to the champion before")
