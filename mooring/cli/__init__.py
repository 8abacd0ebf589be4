"""The command line: ``mooring COMMAND``.

Commands are imported when they are called, so that ``mooring --help`` stays fast. To add one, write a click command in
a module of this package and add it to ``COMMANDS``; raise ``MooringError`` for errors that the user can correct.
"""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from mooring.errors import MooringError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("mooring.cli.embedded:up", "Start the embedded AWS on this machine."),
    "down": ("mooring.cli.embedded:down", "Stop the embedded AWS and everything that it runs."),
    "embedded": (
        "mooring.cli.overview:overview",
        "List the embedded AWS's stacks, endpoints and running executions.",
    ),
    "env": (
        "mooring.cli.env:env",
        "Print the variables for the embedded AWS; env down: take an environment down.",
    ),
    "demo": ("mooring.cli.demo:demo", "Run the whole loop of two models on this machine; every claim is checked."),
    "bootstrap": ("mooring.cli.bootstrap:bootstrap", "Prepare an environment's account and region for cdk deploy."),
    "preflight": ("mooring.cli.preflight:preflight", "Check what a deployment, a retraining and a release will need."),
    "plan": ("mooring.cli.plan:plan", "Print what a deployment would change, in words; change nothing."),
    "deploy": ("mooring.cli.deploy:deploy", "Deploy the stacks that differ from what is deployed."),
    "ci": ("mooring.cli.ci:ci", "Write a CI system's workflow files; try a change and comment on it."),
    "data": ("mooring.cli.data:data", "Version datasets: commit, log, diff, checkout, verify, profile, forget, send."),
    "status": ("mooring.cli.status:status", "Print the models of the fleet, worst first."),
    "retrain": ("mooring.cli.life:retrain", "Start a retraining."),
    "approve": ("mooring.cli.life:approve", "Approve a version; the release flow then puts it into service."),
    "rollback": ("mooring.cli.life:rollback", "Release an older version again."),
    "promote": ("mooring.cli.promote:promote", "Carry a champion to the environments of later stages."),
    "promotions": (
        "mooring.cli.promotions:promotions",
        "Print where each release is in the pipelines; approve, reject, retry or stop one.",
    ),
    "retire": ("mooring.cli.retire:retire_model", "End a model: endpoint, schedules, settings and stacks."),
    "adopt": ("mooring.cli.adopt:adopt_existing", "Take resources that exist into an environment's stacks."),
    "check": ("mooring.cli.check:check", "Check a model's traffic for drift now, and its predictions against labels."),
    "report": ("mooring.cli.check:report", "Download the report of a model's last check."),
    "labels": ("mooring.cli.check:labels", "Upload labels of a model's predictions for the checks."),
    "logs": ("mooring.cli.logs:logs", "Print the logs of a run, a release or a check, in order of time."),
    "show": ("mooring.cli.life:show", "Print a model's champion, runs, releases, checks and refusals."),
    "cost": ("mooring.cli.cost:cost", "Print what a fleet, an environment or a model costs a month, item by item."),
    "reproduce": ("mooring.cli.reproduce:reproduce", "Train a version again from its record, and compare the two."),
    "lineage": ("mooring.cli.lineage:lineage", "Trace a version, commit or endpoint to its origin and its uses."),
}
"""Name of each command -> its place, and its help in one line."""


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, by default with the process's arguments; an error is printed with its remedy."""
    try:
        # click returns the exit code of a command, it does not raise it.
        sys.exit(cli.main(arguments, standalone_mode=False))
    except MooringError as error:
        _show(error)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader has closed the pipe. Without this Python would print an error when it flushes at the end.
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
