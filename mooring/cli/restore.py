"""``mooring data restore``: what was deleted from a dataset, or written over, comes back."""

from dataclasses import asdict

import click

from mooring.cli.dataset import dataset_arguments, opened
from mooring.cli.terminal import json_option, print_json, print_table, transfer
from mooring.errors import MooringError
from pipelines.datasets.commits.restore import restore as restore_damaged
from pipelines.datasets.commits.verify import verify


@click.command()
@dataset_arguments
@json_option
def restore(environment: str, dataset: str, as_json: bool) -> None:
    """Verify every commit of DATASET, and bring back the sound version of what is damaged or gone, as the operator.

    The bucket keeps all versions, and none is erased: the sound one comes back on top. What no version is sound of is
    named; then the exit code is 1.
    """
    with opened(environment, dataset, persona="operator") as found, transfer(f"Verifying {dataset}") as on_progress:
        damages = verify(found.bucket, found.history, None, workers=found.workers, on_progress=on_progress)
        restored = restore_damaged(found, damages)
        again = verify(found.bucket, found.history, None, workers=found.workers, on_progress=on_progress)
    if as_json:
        print_json({"restored": [asdict(each) for each in restored], "damages": [asdict(each) for each in again]})
    elif restored:
        print_table(
            "RestoredObject", ("key", "version"), [(each.key, each.version or "none is sound") for each in restored]
        )
    else:
        click.echo(f"{dataset}: nothing is damaged that versions could mend.")
    if again:
        raise MooringError(
            f"{dataset}: damage is left in {len(again)} place{'' if len(again) == 1 else 's'}: "
            + "; ".join(f"{each.kind} {each.what}" for each in again),
            remedy="commit the files of these contents again; what a record or a manifest lost is nowhere else",
        )
