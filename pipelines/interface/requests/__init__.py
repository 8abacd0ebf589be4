"""The inputs of the functions, and their answers: what state machines, rules and schedules give and keep.

docs/reference/flows.md shows which state calls which function.
"""

from typing import TYPE_CHECKING

from pipelines.interface.lazy import loader

if TYPE_CHECKING:
    from pipelines.interface.requests.checks import *
    from pipelines.interface.requests.landing import *
    from pipelines.interface.requests.promotion import *
    from pipelines.interface.requests.release import *
    from pipelines.interface.requests.retraining import *
else:
    __getattr__ = loader(
        __name__,
        checks=(
            "CheckAnswer",
            "CheckRequest",
            "ConcludeRequest",
            "CountAnswer",
            "CountRequest",
            "FinishCheckRequest",
        ),
        landing=("LandingAnswer",),
        promotion=(
            "DriveAnswer",
            "DriveRequest",
            "PromotedRelease",
            "PromotionRequest",
            "PromotionStep",
            "PromotionTicket",
            "SmokeAnswer",
            "StageStep",
            "Step",
        ),
        release=(
            "ApproveRequest",
            "BeginReleaseRequest",
            "FinishReleaseRequest",
            "ReadServingRequest",
            "ReleaseGrant",
            "ServingStatus",
            "ServingUpdate",
            "UpdateServingRequest",
            "VerifyRequest",
        ),
        retraining=(
            "FinishRunRequest",
            "LeaseGrant",
            "LeaseRequest",
            "PackageVersion",
            "PlanRequest",
            "PlannedRun",
            "ProcessingStep",
            "RegisterRequest",
            "ReproducedPackage",
            "RunPlan",
            "Verdict",
        ),
    )
