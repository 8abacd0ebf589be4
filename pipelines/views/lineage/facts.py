"""The attributes of each kind of node of a lineage: named fields only, so that no value of a row gets into it.

``to_attributes`` writes them as JSON. A field with a default is left out while it has its default: nothing is known of
it. All other fields are written, with null for None. docs/reference/lineage.md lists the attributes of each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import ClassVar

from pipelines.interface.codec import Json, to_json
from pipelines.interface.records import Comparison, Gain, Recipe, SplitRecord, Tombstone, Verification

UNDER_WAY = "under way"
"""Outcome of a run or release that has not ended."""
UNKNOWN = "unknown"
"""Outcome of a run, release or check whose record is missing or damaged."""


class Part:
    """Base of facts that are known together. Their attributes stand among those of the node itself."""


@dataclass(frozen=True, kw_only=True)
class CommitOrigin(Part):
    tree: str
    parent: str | None
    time: str


@dataclass(frozen=True, kw_only=True)
class CommitContents(Part):
    """The part of a commit that only its manifest holds. ``rows`` is None unless all files were counted."""

    author: str
    message: str
    files: int
    size_bytes: int
    rows: int | None


@dataclass(frozen=True, kw_only=True)
class CommitFacts:
    KIND: ClassVar = "commit"

    dataset: str
    commit: str
    origin: CommitOrigin | None = None
    contents: CommitContents | None = None
    forgotten: Tombstone | None = None


@dataclass(frozen=True, kw_only=True)
class RunTrigger:
    kind: str
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunDetails(Part):
    """The part of a run that its record holds. Packages are written as ``<model>/<version>``.

    ``cause`` is None while the run is under way.
    """

    execution: str
    started: str
    seconds: int | None
    trigger: RunTrigger
    ended: str | None = None
    cause: str | None = None
    commit: str | None = None
    dataset: str | None = None
    recipe: Recipe | None = None
    comparison: Comparison | None = None
    package: str | None = None
    champion: str | None = None
    reproduces: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    KIND: ClassVar = "run"

    model: str
    run_id: str
    outcome: str
    details: RunDetails | None = None


@dataclass(frozen=True, kw_only=True)
class JobDescription(Part):
    """The part of a job that SageMaker describes until it has forgotten the job."""

    status: str
    started: str | None
    ended: str | None
    seconds: int | None
    instance_type: str | None


@dataclass(frozen=True, kw_only=True)
class BrokenRule:
    """A broken rule of the data contract. ``count`` is the number of rows that break it."""

    column: str
    rule: str
    count: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class ValidationFigures:
    """A validation report without the names of its files."""

    outcome: str
    rows: int
    files: int
    rules: int
    contract_sha256: str
    unlabelled: int
    violations: tuple[BrokenRule, ...]
    training: SplitRecord | None = None
    holdout: SplitRecord | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationFigures:
    """An evaluation report without its segments, which hold values of rows."""

    task: str
    target: str
    metric: str
    rows: int
    candidate: Mapping[str, float]
    candidate_sha256: str
    champion: Mapping[str, float] | None = None
    champion_version: int | None = None
    gain: Gain | None = None
    candidate_content_sha256: str | None = None
    training_rows_sha256: str | None = None
    holdout_rows_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """``step`` is one of ``STEPS``. ``name`` is None if the run's record does not name the job."""

    KIND: ClassVar = "job"

    step: str
    name: str | None
    description: JobDescription | None = None
    validation: ValidationFigures | None = None
    hyperparameters: Mapping[str, str] | None = None
    evaluation: EvaluationFigures | None = None


@dataclass(frozen=True, kw_only=True)
class PackageDescription(Part):
    """The part of a package that the registry holds. "" stands for a property that the package lacks."""

    status: str
    status_comment: str
    created: str | None
    image: str
    artifact: str
    metrics: Mapping[str, float]
    run: str = ""
    commit: str = ""
    job: str = ""
    sha256: str = ""
    content_sha256: str = ""
    code_sha256: str = ""
    champion: str = ""


@dataclass(frozen=True, kw_only=True)
class Approval:
    by: str
    at: str | None
    comment: str


@dataclass(frozen=True, kw_only=True)
class CheckCounts:
    """All checks of a version by outcome; ``first`` and ``last`` are ends of windows."""

    total: int
    outcomes: Mapping[str, int]
    first: str | None
    last: str | None


@dataclass(frozen=True, kw_only=True)
class PackageFacts:
    """``checks`` counts drift checks, ``quality`` counts measured hours."""

    KIND: ClassVar = "package"

    model: str
    version: int
    arn: str
    description: PackageDescription | None = None
    approval: Approval | None = None
    checks: CheckCounts | None = None
    quality: CheckCounts | None = None


@dataclass(frozen=True, kw_only=True)
class ReleaseFacts:
    """``cause`` is None while the release is under way."""

    KIND: ClassVar = "release"

    release_id: str
    outcome: str
    by: str | None = None
    rollback: bool | None = None
    begun: str | None = None
    ended: str | None = None
    cause: str | None = None
    verification: Verification | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    name: str
    psi: float
    effect: float


@dataclass(frozen=True, kw_only=True)
class CheckFacts:
    """A drift check. ``worst`` begins with the column that changed most."""

    KIND: ClassVar = "check"

    check_id: str
    outcome: str
    worst: tuple[ColumnDrift, ...]
    begin: str | None = None
    end: str | None = None
    rows: int | None = None
    records: int | None = None
    corrupt_records: int | None = None
    damaged_files: int | None = None


@dataclass(frozen=True, kw_only=True)
class QualityFacts:
    """An hour's quality in the gate's metric: ``value`` on labelled traffic, ``evaluated`` on the held-out rows.

    ``worst_segment`` is a column's name.
    """

    KIND: ClassVar = "quality"

    window: str
    outcome: str
    value: float | None
    evaluated: float | None
    begin: str | None = None
    end: str | None = None
    rows: int | None = None
    metric: str | None = None
    loss: float | None = None
    worst_segment: str | None = None


@dataclass(frozen=True, kw_only=True)
class EndpointState(Part):
    """The part of an endpoint that SageMaker and the release state hold. Packages are ``<model>/<version>``.

    ``challenger`` is the release state's; ``serves`` are the packages of the endpoint's variants. ``status`` is None
    if there is no endpoint.
    """

    challenger: str | None
    status: str | None
    serves: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EndpointFacts:
    """``champion`` is a package as ``<model>/<version>``, ``since`` the time at which it became the
    champion."""

    KIND: ClassVar = "endpoint"

    model: str
    champion: str | None
    since: str | None
    state: EndpointState | None = None


Facts = CommitFacts | RunFacts | JobFacts | PackageFacts | ReleaseFacts | CheckFacts | QualityFacts | EndpointFacts

KINDS: tuple[str, ...] = tuple(
    facts.KIND
    for facts in (
        CommitFacts,
        RunFacts,
        JobFacts,
        PackageFacts,
        ReleaseFacts,
        CheckFacts,
        QualityFacts,
        EndpointFacts,
    )
)


def to_attributes(facts: object) -> dict[str, Json]:
    """Return facts as a JSON object.

    Examples
    --------
    >>> origin = CommitOrigin(tree="t", parent=None, time="2026-03-01T10:00:00Z")
    >>> to_attributes(CommitFacts(dataset="flights", commit="3f2a", origin=origin))
    {'dataset': 'flights', 'commit': '3f2a', 'tree': 't', 'parent': None, 'time': '2026-03-01T10:00:00Z'}
    """
    assert is_dataclass(facts)
    written, found = to_json(facts), dict[str, Json]()
    for known in fields(facts):
        value: object = getattr(facts, known.name)
        if value == known.default:
            continue
        if isinstance(value, Part):
            found |= to_attributes(value)
        elif is_dataclass(value):
            found[known.name] = to_attributes(value)
        else:
            found[known.name] = written[known.name]
    return found
