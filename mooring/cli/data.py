"""``mooring data``: the group of the commands on datasets; each is in a module of this package."""

import click

from mooring.cli.checkout import checkout, verify
from mooring.cli.commit import commit
from mooring.cli.difference import diff
from mooring.cli.example import example
from mooring.cli.forget import forget
from mooring.cli.history import log, show
from mooring.cli.profile import profile
from mooring.cli.restore import restore
from mooring.cli.send import send_rows
from mooring.cli.validate import validate


@click.group()
def data() -> None:
    """Commit files to a dataset, read its history, and explore its content."""


for command in (commit, log, show, diff, checkout, verify, restore, forget, validate, profile, example, send_rows):
    data.add_command(command)
