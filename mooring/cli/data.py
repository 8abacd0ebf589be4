"""``mooring data``: a dataset is versioned like code. Each command is a module of this package."""

import click

from mooring.cli.checkout import checkout, verify
from mooring.cli.commit import commit
from mooring.cli.difference import diff
from mooring.cli.example import example
from mooring.cli.forget import forget
from mooring.cli.history import log, show
from mooring.cli.profile import profile
from mooring.cli.restore import restore
from mooring.cli.validate import validate


@click.group()
def data() -> None:
    """Commit files to a dataset, read its history, and look at what is in it."""


for command in (commit, log, show, diff, checkout, verify, restore, forget, validate, profile, example):
    data.add_command(command)
