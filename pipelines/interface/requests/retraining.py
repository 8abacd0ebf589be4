"""The inputs and answers of the retraining flow's functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.interface.records import (
    Comparison,
    RunOutcome,
    Trigger,
)
from pipelines.interface.settings import Job


@dataclass(frozen=True, kw_only=True)
class LeaseRequest:
    """The trigger of a run. ``started`` is the start of the execution: a retried call makes the same ids of it."""

    model: str
    trigger: Trigger
    execution: str
    started: str


@dataclass(frozen=True, kw_only=True)
class LeaseGrant:
    """The lease that a run holds, by its fencing token."""

    run_id: str
    token: int


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    model: str
    trigger: Trigger
    lease: LeaseGrant
    execution: str


@dataclass(frozen=True, kw_only=True)
class ProcessingStep:
    """A processing job's ``ProcessingInputs``, as CreateProcessingJob wants them, and its ``ContainerArguments``."""

    inputs: tuple[Mapping[str, object], ...]
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PackageVersion:
    package_arn: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ReproducedPackage:
    """The package that a run makes again, and the run that made it first."""

    package_arn: str
    run_id: str


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """The plan of a run: all that the jobs' requests need, decided once.

    ``job_id`` is 12 hexadecimal digits; ``code_uri`` is the environment's copy. ``hyperparameters`` are JSON-encoded,
    as script mode wants them. ``approval`` is ``automatic`` or ``manual``.
    """

    run_id: str
    job_id: str
    commit: str
    approval: str
    image: str
    code_uri: str
    code_sha256: str
    training_role: str
    key_arn: str
    training: Job
    processing: Job
    hyperparameters: Mapping[str, str]
    validate: ProcessingStep
    training_data_uri: str
    training_output_uri: str
    candidate_uri_prefix: str
    evaluate: ProcessingStep
    run_uri: str
    scratch_uri: str
    champion: PackageVersion | None
    reproduces: ReproducedPackage | None


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A model and the plan of its run: the input of the functions that follow the jobs."""

    model: str
    plan: RunPlan


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The gates' verdict; ``reasons`` are the rejections, or all findings if the candidate is accepted."""

    accepted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RegisterRequest:
    model: str
    plan: RunPlan
    verdict: Verdict
    lease: LeaseGrant
    execution: str


@dataclass(frozen=True, kw_only=True)
class FinishRunRequest:
    """The end of a run, from its flow; or, with ``execution`` and ``status`` alone, from the rule on its end.

    ``state`` is the execution's state, whose fields depend on how far the flow came. ``cause`` is the error that a
    state caught (``{Error, Cause}``), or the reasons of a rejection or the differences of a reproduction.
    """

    execution: str
    model: str | None = None
    outcome: RunOutcome = RunOutcome.FAILED
    state: Mapping[str, object] = field(default_factory=dict)
    cause: object = None
    package_arn: str | None = None
    comparison: Comparison | None = None
    status: str = ""
