"""``mooring data restore``: restores deleted or overwritten objects of a dataset."""

from dataclasses import asdict

import click

from mooring.cli.dataset import dataset_arguments, opened
from mooring.cli.terminal import json_option, print_json, print_table, transfer
from mooring.errors import MooringError
from pipelines.datasets.commits.restore import restore as restore_damaged
from pipelines.datasets.commits.verify import verify


@click.command(short_help="Restore damaged and deleted objects.")
@dataset_arguments
@json_option
def restore(environment: str, dataset: str, as_json: bool) -> None:
    """Verify every commit of DATASET, and restore damaged and deleted objects from older versions, as the operator.

    The bucket keeps all versions of an object: the undamaged one becomes the newest again, and none is erased. Objects
    without an undamaged version are listed, and the exit code is 1.
    """
    with opened(environment, dataset, persona="operator") as found, transfer(f"Verifying {dataset}") as on_progress:
        damages = verify(found.bucket, found.history, None, workers=found.workers, on_progress=on_progress)
        restored = restore_damaged(found, damages)
        again = verify(found.bucket, found.history, None, workers=found.workers, on_progress=on_progress)
    if as_json:
        print_json({"restored": [asdict(each) for each in restored], "damages": [asdict(each) for each in again]})
    elif restored:
        print_table(
            "Restored objects", ("key", "version"), [(each.key, each.version or "none is intact") for each in restored]
        )
    else:
        click.echo(f"{dataset}: nothing is damaged that can be restored.")
    if again:
        raise MooringError(
            f"{dataset}: damage remains in {len(again)} place{'' if len(again) == 1 else 's'}: "
            + "; ".join(f"{each.kind} {each.what}" for each in again),
            remedy="commit the files with these contents again; a lost record or manifest cannot be restored",
        )
