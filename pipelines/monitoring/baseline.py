"""What a model's traffic is compared with: the profile of what it was trained on, and what matters to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.monitoring import segment_counts
from pipelines.monitoring.profile import Profile
from pipelines.monitoring.segment_counts import Segment


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """``importance`` is each feature's share of the model's skill on held-out rows, adding up to 1; empty where it was
    not measured. ``segments`` are profiles of the segments that the contract names, each on its own layout."""

    profile: Profile
    importance: dict[str, float] = field(default_factory=dict)
    segments: dict[Segment, Profile] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        segments = segment_counts.to_document(self.segments)
        return {**self.profile.to_document(), "importance": self.importance, "segments": segments}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Baseline":
        """Raises ``UnknownFormatError`` where the document is of another format."""
        return cls(
            profile=Profile.from_document(document),
            importance=dict(document.get("importance", {})),
            segments=segment_counts.from_document(document.get("segments", [])),
        )
