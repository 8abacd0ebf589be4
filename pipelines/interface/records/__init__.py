"""The records that functions, jobs and people exchange: one frozen type for each.

``pipelines.interface.keys`` holds the keys of those in the ledger. Times are ISO 8601 in UTC unless a field says
otherwise. A field with a default was added later, or is written later: documents of older versions lack it.
"""

from typing import TYPE_CHECKING

from pipelines.interface.lazy import loader

if TYPE_CHECKING:
    from pipelines.interface.records.checks import *
    from pipelines.interface.records.datasets import *
    from pipelines.interface.records.promotions import *
    from pipelines.interface.records.releases import *
    from pipelines.interface.records.reports import *
    from pipelines.interface.records.runs import *
    from pipelines.interface.records.status import *
else:
    __getattr__ = loader(
        __name__,
        checks=(
            "Check",
            "CheckOutcome",
            "ColumnChange",
            "QualityHour",
            "QualityOutcome",
            "SegmentChange",
        ),
        datasets=(
            "CommitRecord",
            "ForgettingRecord",
            "Head",
            "LandingBatch",
            "LandingLockState",
            "Tombstone",
        ),
        promotions=(
            "ConsumedRecord",
            "PinnedSigner",
            "PromotionApproval",
            "PromotionEnd",
            "PromotionState",
            "RecordedApproval",
            "RecordedFile",
            "RecordedGain",
            "ReleaseRecord",
            "Signature",
        ),
        releases=(
            "Champion",
            "ConsumedApproval",
            "Leftovers",
            "Release",
            "ReleaseEnd",
            "ReleaseLock",
            "ReleaseOrphans",
            "ReleaseOutcome",
            "Retirement",
            "Verification",
        ),
        reports=(
            "Calibration",
            "EvaluationReport",
            "FORMAT",
            "FreshnessRecord",
            "Gain",
            "GoldenRequest",
            "GoldenRequests",
            "RowCount",
            "SegmentEvaluation",
            "SplitRecord",
            "ValidationReport",
            "ViolationRecord",
        ),
        runs=(
            "CommitUse",
            "Comparison",
            "Execution",
            "Lease",
            "MetricPair",
            "Recipe",
            "Refusal",
            "Run",
            "RunApproval",
            "RunEnd",
            "RunInputs",
            "RunOutcome",
            "RunStart",
            "Trigger",
            "TriggerKind",
        ),
        status=("ModelStatus",),
    )
