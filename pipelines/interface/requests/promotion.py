"""The inputs and answers of what promotes a model to the environments of later stages.

A pipeline of the team's tooling account runs the tooling environment's machine for each stage (``StageStep``). That
starts the machine of each of the stage's environments (``PromotionStep``), as the role ``promoter`` there.
"""

from dataclasses import dataclass
from enum import StrEnum

from pipelines.interface.names import Environment
from pipelines.interface.records import ReleaseRecord


@dataclass(frozen=True, kw_only=True)
class PromotionRequest:
    """The champion that ``by`` asks to promote as far as the stage ``to``; a ``dry_run`` only makes the record."""

    model: str
    version: int
    to: str
    by: str
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class PromotionTicket:
    """The release record of a request; ``digest`` is the SHA-256 of its canonical JSON."""

    digest: str
    record: ReleaseRecord


class Step(StrEnum):
    IMPORT = "import"
    RELEASE = "release"
    RETURN = "return"
    """Release the champion again that served before this promotion."""
    SMOKE = "smoke"


@dataclass(frozen=True, kw_only=True)
class StageStep:
    """The input of the tooling environment's machine ``promotion``: one step in all environments of a stage.

    ``environment`` narrows it to one of them, by id. ``record_key`` is the record's archive in the records bucket, ""
    for a smoke test. ``execution`` is the pipeline execution's id.
    """

    step: Step
    stage: str
    execution: str
    record_key: str = ""
    environment: str = ""


@dataclass(frozen=True, kw_only=True)
class DriveRequest:
    """The step that ``drive_promotion`` starts in one environment, or looks after.

    ``attempt`` is the ARN of the execution of the tooling machine: a call that comes twice finds what it started.
    ``approval`` says that the stage needs a person's approval.
    """

    step: Step
    stage: str
    execution: str
    record_key: str
    environment: Environment
    attempt: str
    approval: bool = False


@dataclass(frozen=True, kw_only=True)
class DriveAnswer:
    """The state of a step in one environment; ``status`` is ``running``, ``succeeded`` or ``failed``.

    ``wait_s`` is the number of seconds until it is worth to look again.
    """

    status: str
    environment: str
    cause: str = ""
    wait_s: int = 0


@dataclass(frozen=True, kw_only=True)
class PromotionStep:
    """The input of an environment's machine ``promotion``.

    ``record`` and ``signature`` are documents of the record's archive. ``by`` is the ARN of the person who approved the
    release in the pipeline; without an approval that of the pipeline execution. A smoke test has ``step`` and
    ``execution`` only.
    """

    step: Step
    execution: str
    digest: str = ""
    record: str = ""
    signature: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class PromotedRelease:
    """The release that a step needs; none if ``needed`` is False, because the step was done before.

    ``promotion`` is the record's digest; "" for a rollback.
    """

    needed: bool
    package_arn: str
    rollback: bool
    by: str
    promotion: str


@dataclass(frozen=True, kw_only=True)
class SmokeAnswer:
    """The number of champions that answered their golden requests."""

    champions: int
