"""``mooring ci``: workflow files for a CI system, the trial of a change, and the comment on it."""

import json
from pathlib import Path

import click

from infra import fleet as fleets
from mooring.cdk import PROJECT, fleet_file
from mooring.cli.fleet import environment_of
from mooring.cli.terminal import json_option, print_json
from mooring.errors import MooringError

PROVIDERS = ("github", "gitlab", "jenkins", "circleci")


@click.group()
def ci() -> None:
    """Write a CI system's workflow files, try a change on the runner, and comment on it."""


@ci.command()
@click.argument("provider", type=click.Choice(PROVIDERS))
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=PROJECT,
    show_default="the project",
    help="The root of the repository.",
)
@click.option("--force", is_flag=True, help="Overwrite files that exist with another text.")
@json_option
def init(provider: str, folder: Path, force: bool, as_json: bool) -> None:
    """Write the workflow files of PROVIDER for the fleet: check, plan and try each change, deploy stage by stage.

    The fleet's key ci names the repository whose jobs may deploy. Deploy the fleet once by hand, to make their roles.
    """
    from mooring.ci.files import render, write  # noqa: PLC0415 - the command line must start fast

    path = fleet_file()
    try:
        loaded = fleets.load(path)
    except fleets.FleetError as error:
        raise MooringError(str(error), remedy=f"correct {path}, and try again") from error
    written = write(render(loaded, provider, path.name), folder, force=force)
    if as_json:
        print_json({"written": [str(each.relative_to(folder)) for each in written]})
    else:
        for each in written:
            click.echo(f"wrote {each.relative_to(folder)}")


@ci.command("try")
@click.argument("environment")
@click.option(
    "--target",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="A work tree of the branch that the change will be merged into.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder that gets the files for the comment.",
)
def try_change(environment: str, target: Path, output: Path) -> None:
    """Retrain the models of ENVIRONMENT that differ from TARGET, on the samples in samples/<dataset>.

    It writes what the samples and the models' gates say to files for mooring ci comment.
    """
    from mooring.ci.trial import try_environment  # noqa: PLC0415

    output.mkdir(parents=True, exist_ok=True)
    for path in try_environment(environment_of(environment), PROJECT, target, output, say=click.echo):
        click.echo(f"wrote {path}")


@ci.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def comment(folder: Path) -> None:
    """Write FOLDER/comment.md, the comment on a change, of the files that the earlier steps left in FOLDER.

    comment.json holds the same text as a request of GitHub's and GitLab's API.
    """
    from mooring.ci.comment import comment as write_comment  # noqa: PLC0415
    from mooring.ci.inputs import read_inputs  # noqa: PLC0415

    text = write_comment(read_inputs(folder))
    (folder / "comment.md").write_text(text, encoding="utf-8")
    (folder / "comment.json").write_text(json.dumps({"body": text}), encoding="utf-8")
    click.echo(f"wrote {folder / 'comment.md'}")
