"""The command line: ``mooring COMMAND``.

Commands are imported when they are called, so that ``mooring --help`` stays fast. To add one, name it in ``COMMANDS``
and write a click command in a module of this package; raise ``MooringError`` for whatever the person can mend.
"""

import importlib
import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from mooring.errors import MooringError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("mooring.cli.embedded:up", "Start the embedded AWS on this machine."),
    "down": ("mooring.cli.embedded:down", "Stop the embedded AWS and all that it runs."),
    "status": ("mooring.cli.status:status", "Say what runs: stacks, endpoints, executions."),
    "env": ("mooring.cli.embedded:env", "Print the variables that point boto3, the AWS CLI and cdk at it."),
    "demo": ("mooring.cli.demo:demo", "Close the whole loop on this machine; every claim is checked."),
    "bootstrap": ("mooring.cli.bootstrap:bootstrap", "Prepare an environment's account and region for cdk deploy."),
    "data": ("mooring.cli.data:data", "Version datasets: commit, log, diff, checkout, verify, profile, forget."),
    "retrain": ("mooring.cli.life:retrain", "Start a retraining."),
    "approve": ("mooring.cli.life:approve", "Approve a version; the release flow makes it the champion."),
    "rollback": ("mooring.cli.life:rollback", "Release an older version again."),
    "check": ("mooring.cli.check:check", "Check a model's traffic now, and its predictions against labels."),
    "report": ("mooring.cli.check:report", "Fetch the report of a model's last check."),
    "labels": ("mooring.cli.check:labels", "Hand in what came true of a model's predictions."),
    "show": ("mooring.cli.life:show", "Print a model's champion, runs, releases, checks and refusals."),
    "reproduce": ("mooring.cli.reproduce:reproduce", "Train a version again from its record, and compare."),
    "lineage": ("mooring.cli.lineage:lineage", "Trace a version, commit or endpoint both ways: text, JSON or picture."),
}
"""Name of each command -> where it is, and its one-line help."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when one is called or asks for its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mooring")
def cli() -> None:
    """Deploy, train, serve, watch and promote models: whole MLOps environments on AWS, or on this machine."""


def main() -> None:
    """Run the command line; an error says what was wrong and what to do, and exits with 1."""
    try:
        cli.main(standalone_mode=False)
    except MooringError as error:
        _show(error)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except BrokenPipeError:
        # Whoever read it has seen enough; Python must not complain about it when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        from mooring.failures import explain  # noqa: PLC0415 - imports botocore

        if (explained := explain(error)) is None:
            raise
        _show(explained)


def _show(error: MooringError) -> NoReturn:
    click.echo(f"Error: {error.message}", err=True)
    if error.remedy:
        click.echo(f"Do this: {error.remedy}", err=True)
    sys.exit(1)
