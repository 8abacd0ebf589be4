"""The documents that a run writes below its prefix: the evaluation and the validation of its data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Gain:
    """The difference in a metric, positive where the candidate is better, with its 95 % percentile interval."""

    metric: str
    difference: float
    low: float
    high: float
    samples: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The share of positives as a rising function of the score, linear between the points and level beyond them."""

    scores: tuple[float, ...]
    rates: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SegmentEvaluation:
    """Both models' metrics on the held-out rows of one segment.

    ``value`` is a value of rows, so this record is kept with the run only.
    """

    column: str
    value: str
    rows: int
    candidate: Mapping[str, float]
    champion: Mapping[str, float] | None


@dataclass(frozen=True, kw_only=True)
class RowCount:
    rows: int


@dataclass(frozen=True, kw_only=True)
class EvaluationReport:
    """``evaluation.json``: candidate and champion on the same held-out rows.

    ``champion`` and ``gain`` are None if nothing served. ``baseline`` and ``golden`` are the numbers of rows of the two
    documents beside it. Digests are SHA-256 in hexadecimal, of an artifact's bytes and of its unpacked content.
    """

    task: str
    target: str
    metric: str
    rows: int
    candidate: Mapping[str, float]
    champion: Mapping[str, float] | None
    gain: Gain | None
    segments: tuple[SegmentEvaluation, ...]
    baseline: RowCount
    golden: RowCount
    candidate_sha256: str
    candidate_content_sha256: str | None = None
    training_rows_sha256: str | None = None
    holdout_rows_sha256: str | None = None
    champion_version: int | None = None
    champion_sha256: str | None = None
    champion_content_sha256: str | None = None
    calibration: Calibration | None = None
    seconds: float = 0.0
    format: int = FORMAT


@dataclass(frozen=True, kw_only=True)
class GoldenRequest:
    """A request's body, and the prediction that the model must answer for each of its rows."""

    body: str
    expected: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class GoldenRequests:
    """``golden.json``: requests that an endpoint must answer as the model did at evaluation, within ``tolerance``."""

    content_type: str
    tolerance: float
    requests: tuple[GoldenRequest, ...]


@dataclass(frozen=True, kw_only=True)
class ViolationRecord:
    """A broken rule of the data contract, without values of rows. ``files`` are counts of rows of the first files."""

    column: str
    rule: str
    count: int
    detail: str = ""
    files: Mapping[str, int] = field(default_factory=dict)
    more_files: int = 0


@dataclass(frozen=True, kw_only=True)
class FreshnessRecord:
    """The age of the newest time in ``column`` at ``reference``; times are ISO 8601 in UTC, None without any time."""

    column: str
    newest: str | None
    reference: str
    age_days: float | None
    max_age_days: float


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """The number of rows of one part of the split, and its calendar months as ``2013-01``."""

    rows: int
    months: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ValidationReport:
    """``validation.json``: a commit's files against the data contract. It holds no value of a row.

    ``training`` and ``holdout`` are None where the contract is broken. ``rules`` is the number of the contract's rules,
    ``unlabelled`` the number of rows without a label.
    """

    commit: str
    tree: str
    outcome: str
    contract_sha256: str
    files: int
    rows: int
    rules: int
    violations: tuple[ViolationRecord, ...]
    freshness: FreshnessRecord | None = None
    files_with_other_columns: tuple[str, ...] = ()
    training: SplitRecord | None = None
    holdout: SplitRecord | None = None
    unlabelled: int = 0
    format: int = FORMAT
