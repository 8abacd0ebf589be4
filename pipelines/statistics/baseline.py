"""Baseline: the reference that a model's traffic is compared with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.interface.codec import Json, read, to_json
from pipelines.statistics import segment_counts
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import Profile, ProfileDocument, Table, check_format
from pipelines.statistics.segment_counts import Segment, SegmentDocument


@dataclass(frozen=True, kw_only=True)
class BaselineDocument(ProfileDocument):
    """``Baseline`` as JSON: the profile's own fields, and what belongs to the whole."""

    importance: Mapping[str, float] = field(default_factory=dict)
    usual: Mapping[str, float] = field(default_factory=dict)
    segments: tuple[SegmentDocument, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Profile of the rows that a model was trained on and of its predictions there, with the meaning of a change.

    ``importance`` is each feature's share of the model's skill on held-out rows. The shares add up to 1; the mapping is
    empty where importance was not measured. ``usual`` is each column's largest effect of one training month against all
    training rows. ``segments`` are the profiles of the segments that the contract names, each on its own layout.
    """

    profile: Profile
    importance: dict[str, float] = field(default_factory=dict)
    usual: dict[str, float] = field(default_factory=dict)
    segments: dict[Segment, Profile] = field(default_factory=dict)

    def to_document(self) -> dict[str, Json]:
        """Return ``baseline.json``."""
        profile = self.profile.to_document()
        document = BaselineDocument(
            format=profile.format,
            rows=profile.rows,
            columns=profile.columns,
            unexpected=profile.unexpected,
            importance=self.importance,
            usual=self.usual,
            segments=segment_counts.to_documents(self.segments),
        )
        return to_json(document)

    @classmethod
    def from_document(cls, document: object) -> "Baseline":
        """Return the baseline that a ``baseline.json`` holds.

        Raises
        ------
        UnknownFormatError
            The document is of another format.
        InvalidRecordError
            The document is no baseline; the message names every field that is wrong.
        """
        check_format(document)
        found = read(BaselineDocument, document, "the baseline")
        return cls(
            profile=Profile.from_document(found),
            importance=dict(found.importance),
            usual=dict(found.usual),
            segments=segment_counts.from_documents(found.segments),
        )


def usual_effects(whole: Profile, parts: Iterable[Table]) -> dict[str, float]:
    """Return for each column the largest effect of any part against the whole; empty for fewer than two parts.

    A model that was trained on January and February then gets no drift only because it is January.
    """
    effects: dict[str, list[float]] = {name: [] for name in whole.columns}
    for part in parts:
        for column in compare(whole, Profile.of([part], like=whole)).columns:
            effects[column.name].append(column.effect)
    return {name: max(found) for name, found in effects.items() if len(found) > 1}
