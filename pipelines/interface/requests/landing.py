"""The answer of the function that lands files."""

from dataclasses import dataclass

from pipelines.interface.records import LandingBatch


@dataclass(frozen=True, kw_only=True)
class LandingAnswer:
    batches: tuple[LandingBatch, ...]
