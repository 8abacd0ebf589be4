"""Counts a batch of capture files on a baseline's layout; the counts of many batches can be merged."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.aws.s3 import Bucket, ListedObject
from pipelines.monitoring.capture.capture import CaptureReader, OnCorrupt, Tally
from pipelines.monitoring.capture.window import Window
from pipelines.statistics import segment_counts
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.metrics import POSITIVE
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.profile import PREDICTION, Profile, ProfileDocument
from pipelines.statistics.segment_counts import Segment, SegmentCounts, SegmentDocument
from pipelines.statistics.values import NUMBER


@dataclass(frozen=True, kw_only=True)
class WindowCountsDocument:
    """``WindowCounts`` as JSON: a part of a window that many functions count."""

    profile: ProfileDocument
    segments: tuple[SegmentDocument, ...]
    positives: int
    tally: Tally


@dataclass(kw_only=True)
class WindowCounts:
    """The profiles of the counted rows and of their segments, and the tally of the files.

    ``positives`` is the number of rows with a positive prediction.
    """

    profile: Profile
    segments: dict[Segment, Profile] = field(default_factory=dict)
    positives: int = 0
    tally: Tally = field(default_factory=Tally)

    def merge(self, other: "WindowCounts") -> "WindowCounts":
        tally = Tally()
        tally.add(self.tally)
        tally.add(other.tally)
        return WindowCounts(
            profile=self.profile.merge(other.profile),
            segments=segment_counts.merge(self.segments, other.segments),
            positives=self.positives + other.positives,
            tally=tally,
        )

    def to_document(self) -> WindowCountsDocument:
        return WindowCountsDocument(
            profile=self.profile.to_document(),
            segments=segment_counts.to_documents(self.segments),
            positives=self.positives,
            tally=self.tally,
        )

    @classmethod
    def from_document(cls, document: WindowCountsDocument) -> "WindowCounts":
        return cls(
            profile=Profile.from_document(document.profile),
            segments=segment_counts.from_documents(document.segments),
            positives=document.positives,
            tally=document.tally,
        )


def count(
    bucket: Bucket, files: Sequence[ListedObject], window: Window, baseline: Baseline, on_corrupt: OnCorrupt
) -> WindowCounts:
    """Read a batch of files, and count the window's rows and those of the segments on the baseline's layouts."""
    layout = baseline.profile
    reader = CaptureReader(bucket, window.begin, window.end, numeric=numeric_columns(layout), on_corrupt=on_corrupt)
    profile, positives, segments = layout.empty(), 0, SegmentCounts(baseline.segments)
    for chunk in reader.read(file.key for file in files):
        profile.add(chunk.rows, chunk.columns)
        segments.add(chunk.columns)
        predictions = chunk.columns[PREDICTION]
        if isinstance(predictions, np.ndarray):
            positives += int(np.count_nonzero(predictions >= POSITIVE))
    return WindowCounts(profile=profile, segments=segments.profiles, positives=positives, tally=reader.tally)


def numeric_columns(layout: Profile) -> list[str]:
    """Return the names of the columns whose values are numbers."""
    return [
        name for name, column in layout.columns.items() if isinstance(column, NumberColumn) and column.kind == NUMBER
    ]
