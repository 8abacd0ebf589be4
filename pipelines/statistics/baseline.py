"""What a model's traffic is compared with: the profile of what it was trained on, and what matters to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.statistics import segment_counts
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import Profile, Table
from pipelines.statistics.segment_counts import Segment


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The profile, and what a change from it means.

    ``importance`` is each feature's share of the model's skill on held-out rows, adding up to 1; empty where it was
    not measured. ``usual`` is how far each column was from the whole in some month of the training itself.
    ``segments`` are profiles of the segments that the contract names, each on its own layout.
    """

    profile: Profile
    importance: dict[str, float] = field(default_factory=dict)
    usual: dict[str, float] = field(default_factory=dict)
    segments: dict[Segment, Profile] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        segments = segment_counts.to_document(self.segments)
        return {
            **self.profile.to_document(),
            "importance": self.importance,
            "usual": self.usual,
            "segments": segments,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Baseline":
        """Raises ``UnknownFormatError`` where the document is of another format."""
        return cls(
            profile=Profile.from_document(document),
            importance=dict(document.get("importance", {})),
            usual=dict(document.get("usual", {})),
            segments=segment_counts.from_document(document.get("segments", [])),
        )


def usual_effects(whole: Profile, parts: Iterable[Table]) -> dict[str, float]:
    """For each column the largest effect of any part against the whole; empty if there are fewer than two parts.

    A model that has learned from January and February is not told that its data drift because it is January.
    """
    effects: dict[str, list[float]] = {name: [] for name in whole.columns}
    for part in parts:
        for column in compare(whole, Profile.of([part], like=whole)).columns:
            effects[column.name].append(column.effect)
    return {name: max(found) for name, found in effects.items() if len(found) > 1}
