"""The records of a promotion: the signed release record, and what an environment keeps of the one it imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class RecordedFile:
    """A file of a release record; ``key`` is its place in the artifacts bucket of every environment that has it."""

    name: str
    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class RecordedApproval:
    by: str
    at: str
    comment: str
    stage: str


@dataclass(frozen=True, kw_only=True)
class RecordedGain:
    """The candidate's gain over the champion in one metric, with its 95 % interval."""

    metric: str
    difference: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ReleaseRecord:
    """What a champion is, and where it comes from; its canonical JSON is signed by the environment that trained it.

    ``stage``, ``account`` and ``region`` are that environment's, ``to`` is the last stage that the record may enter.
    ``image_digest`` is "" if the registry does not tell it. ``properties`` are the package's metadata. ``files`` are
    the artifact and the documents that checks and releases read, each with its digest. ``nonce`` makes the records of
    two requests differ: a record is consumed once per environment.
    """

    format: int
    team: str
    stage: str
    account: str
    region: str
    model: str
    package_arn: str
    version: int
    release_id: str
    run_id: str
    dataset: str
    commit: str
    image: str
    image_digest: str
    code_sha256: str
    contract_sha256: str
    properties: Mapping[str, str]
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    gains: tuple[RecordedGain, ...]
    files: tuple[RecordedFile, ...]
    approvals: tuple[RecordedApproval, ...]
    trained_by: str
    to: str
    requested_by: str
    requested_at: str
    nonce: str


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The signature of a release record's SHA-256: ECDSA on P-256, DER in base64, by the KMS key ``key_arn``."""

    key_arn: str
    algorithm: str
    value: str


class PromotionState(StrEnum):
    IMPORTED = "imported"
    RELEASED = "released"
    RETURNED = "returned"
    """Released, and taken back because another environment of the stage failed."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ConsumedRecord:
    """A release record that an environment imported; ``execution`` is the pipeline execution that did.

    ``package_arn`` is the package that was registered here, ``origin_arn`` that of the environment that trained it.
    ``previous`` is the champion that served when the release began, ``approved_by`` the ARN of its approver.
    """

    digest: str
    model: str
    package_arn: str
    origin_arn: str
    execution: str
    imported_at: str
    state: PromotionState
    previous: str | None = None
    approved_by: str = ""
    ended_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class PromotionApproval:
    """The part of a consumed record that is written before its release; ``previous`` is "none" if nothing served."""

    approved_by: str
    previous: str


@dataclass(frozen=True, kw_only=True)
class PromotionEnd:
    """The part of a consumed record that is written when its release or return has ended."""

    state: PromotionState
    ended_at: str


@dataclass(frozen=True, kw_only=True)
class PinnedSigner:
    """The ARN of the key that signed the first record of an environment; later records must be signed by it too."""

    key_arn: str
