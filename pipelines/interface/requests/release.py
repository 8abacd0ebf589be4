"""The inputs and answers of the release flow's functions."""

from dataclasses import dataclass

from pipelines.interface.records import ReleaseOutcome, Verification


@dataclass(frozen=True, kw_only=True)
class ApproveRequest:
    package_arn: str
    by: str
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class BeginReleaseRequest:
    """``promotion`` is the digest of the release record whose approval in the team's pipeline counts; "" for none."""

    package_arn: str
    by: str
    execution: str
    rollback: bool = False
    promotion: str = ""


@dataclass(frozen=True, kw_only=True)
class ReleaseGrant:
    """The release that an execution carries out; ``previous`` and ``intended`` are release states."""

    release_id: str
    model: str
    previous: str
    intended: str
    package_arn: str


@dataclass(frozen=True, kw_only=True)
class UpdateServingRequest:
    """The model whose stack is updated; ``restore`` is the release whose previous release state is restored first."""

    model: str
    restore: ReleaseGrant | None = None


@dataclass(frozen=True, kw_only=True)
class ServingUpdate:
    """The result of an update; ``changed`` is False if the stack had the release state already."""

    changed: bool


@dataclass(frozen=True, kw_only=True)
class ReadServingRequest:
    model: str


@dataclass(frozen=True, kw_only=True)
class ServingStatus:
    """The state of the Serving stack; ``status`` is ``updating``, ``complete`` or ``failed``."""

    status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class VerifyRequest:
    release: ReleaseGrant


@dataclass(frozen=True, kw_only=True)
class FinishReleaseRequest:
    """The end of a release, from its flow; or, with ``execution`` and ``status`` alone, from the rule on its end.

    A release that never began has ``package_arn`` and ``execution`` in place of ``release``.
    """

    release: ReleaseGrant | None = None
    execution: str = ""
    package_arn: str | None = None
    outcome: ReleaseOutcome = ReleaseOutcome.FAILED
    cause: object = None
    verification: Verification | None = None
    status: str = ""
