"""Counting one batch of capture files on a baseline's layout, alone or as one of many that are merged afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pipelines.evaluation.metrics import POSITIVE
from pipelines.monitoring.capture import CaptureReader, OnCorrupt, Tally
from pipelines.monitoring.number_column import NumberColumn
from pipelines.monitoring.profile import PREDICTION, Profile
from pipelines.monitoring.values import NUMBER
from pipelines.monitoring.window import Window
from pipelines.storage import Bucket, Listed


@dataclass(kw_only=True)
class Counted:
    """The profile of the rows that were read, how many of them were predicted to be positive, and what was read."""

    profile: Profile
    positives: int = 0
    tally: Tally = field(default_factory=Tally)

    def merge(self, other: "Counted") -> "Counted":
        tally = Tally()
        tally.add(self.tally)
        tally.add(other.tally)
        return Counted(
            profile=self.profile.merge(other.profile), positives=self.positives + other.positives, tally=tally
        )

    def to_document(self) -> dict[str, Any]:
        return {"profile": self.profile.to_document(), "positives": self.positives, "tally": asdict(self.tally)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Counted":
        return cls(
            profile=Profile.from_document(document["profile"]),
            positives=document["positives"],
            tally=Tally(**document["tally"]),
        )


def count(bucket: Bucket, files: Sequence[Listed], window: Window, layout: Profile, on_corrupt: OnCorrupt) -> Counted:
    """Read a batch of files and count the window's rows on ``layout``."""
    reader = CaptureReader(bucket, window.begin, window.end, numeric=numeric_columns(layout), on_corrupt=on_corrupt)
    profile, positives = layout.empty(), 0
    for chunk in reader.read(file.key for file in files):
        profile.add(chunk.rows, chunk.columns)
        predictions = chunk.columns[PREDICTION]
        if isinstance(predictions, np.ndarray):
            positives += int(np.count_nonzero(predictions >= POSITIVE))
    return Counted(profile=profile, positives=positives, tally=reader.tally)


def numeric_columns(layout: Profile) -> list[str]:
    """The columns whose values are numbers."""
    return [
        name for name, column in layout.columns.items() if isinstance(column, NumberColumn) and column.kind == NUMBER
    ]
