"""The shapes of ``fleet.yaml``'s parts, with the range of each value.

``None`` in a setting means that this layer does not set it: the value comes from the next weaker layer.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra import images

METRICS = {"classification": ("auc", "log_loss", "brier"), "regression": ("mae", "rmse")}
PRODUCTION = "prod"
"""The stage whose endpoints need two instances and whose stateful stacks are protected."""

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
ACCOUNT = r"^[0-9]{12}$"
INSTANCE = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"
SCHEDULE = r"^(rate\([1-9][0-9]* (minute|hour|day)s?\)|cron\(.+\))$"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
BUCKET = r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"
CONNECTION = r"^arn:aws:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]{36}$"
REPOSITORY = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$"
COLUMN = r"^[A-Za-z_][A-Za-z0-9_]*$"

InstanceType = Annotated[str, Field(pattern=INSTANCE)]
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Retentions that CloudWatch Logs accepts."""


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class JobSpec(Spec):
    """The instance, volume and time limit of a SageMaker job."""

    instance_type: InstanceType | None = None
    volume_gb: Annotated[int, Field(ge=1, le=16384)] | None = None
    max_runtime_s: Annotated[int, Field(ge=60, le=86400)] | None = None


class GateSpec(Spec):
    """The metric that a candidate must reach on the held-out rows."""

    metric: Literal["auc", "log_loss", "brier", "mae", "rmse"] | None = None
    bound: float | None = None
    min_gain: Annotated[float, Field(ge=0)] | None = None
    min_rows: Annotated[int, Field(ge=1)] | None = None


class DriftSpec(Spec):
    """The schedule of the drift check, and the rules by which captured traffic counts as drifted."""

    schedule: Annotated[str, Field(pattern=SCHEDULE)] | None = None
    window_hours: Annotated[int, Field(ge=1, le=720)] | None = None
    min_rows: Annotated[int, Field(ge=1)] | None = None
    false_alarm_rate: Annotated[float, Field(gt=0, le=0.1)] | None = None
    min_effect: Annotated[float, Field(ge=0, lt=1)] | None = None
    persistence: Annotated[int, Field(ge=1, le=100)] | None = None


class QualitySpec(Spec):
    """The rules by which labelled predictions count as worse than at evaluation."""

    min_labels: Annotated[int, Field(ge=1)] | None = None
    max_loss: Annotated[float, Field(gt=0)] | None = None


class RetrainingSpec(Spec):
    """The triggers that start a retraining, and how often; a person may always start one.

    Unlike other keys, a ``schedule`` of null removes the one of a weaker layer.
    """

    triggers: list[Literal["drift", "quality", "commit", "schedule"]] | None = None
    schedule: Annotated[str, Field(pattern=SCHEDULE)] | None = None
    cooldown_s: Annotated[int, Field(ge=0)] | None = None
    max_runs_per_day: Annotated[int, Field(ge=1, le=100)] | None = None


class ServingSpec(Spec):
    """The endpoint. ``mode`` serverless is not supported, because such endpoints capture no traffic."""

    mode: Literal["real-time", "serverless"] | None = None
    instance_type: InstanceType | None = None
    min_instances: Annotated[int, Field(ge=1, le=100)] | None = None
    max_instances: Annotated[int, Field(ge=1, le=100)] | None = None
    capture_percentage: Annotated[int, Field(ge=1, le=100)] | None = None


class RetentionSpec(Spec):
    """Days for which an environment keeps what nothing refers to any more; absent ones come from the weaker layer.

    What a registered version refers to, commits, the ledger and the records of forgettings have no limit.
    """

    runs: Annotated[int, Field(ge=14)] | None = None
    """Rows and artifacts of runs. A run lasts at most five days."""
    checks: Annotated[int, Field(ge=90)] | None = None
    """Documents of drift and quality checks. Labels may come 35 days after a window of 30 days."""
    traffic: Annotated[int, Field(ge=90)] | None = None
    """Captured traffic, and its labels."""
    quarantine: Annotated[int, Field(ge=1)] | None = None
    """Refused files of datasets."""
    versions: Annotated[int, Field(ge=1)] | None = None
    """Overwritten, deleted and expired objects, as noncurrent versions."""
    logs: LogDays | None = None
    """Log groups."""
    access_logs: Annotated[int, Field(ge=1)] | None = None
    """The buckets' access logs."""
    events: Annotated[int, Field(ge=1)] | None = None
    """Archives of events."""


class Settings(Spec):
    """Settings of a model; absent ones come from the next weaker layer."""

    window_months: Annotated[int, Field(ge=1, le=120)] | None = None
    holdout_months: Annotated[int, Field(ge=1, le=24)] | None = None
    training_stage: str | None = None
    training: JobSpec | None = None
    processing: JobSpec | None = None
    gate: GateSpec | None = None
    drift: DriftSpec | None = None
    quality: QualitySpec | None = None
    retraining: RetrainingSpec | None = None
    approval: Literal["automatic", "manual"] | None = None
    two_people: bool | None = None
    hyperparameters: dict[str, str] | None = None
    serving: ServingSpec | None = None


BUILT_IN = Settings(
    window_months=3,
    holdout_months=1,
    training_stage="dev",
    training=JobSpec(instance_type="ml.m5.large", volume_gb=30, max_runtime_s=3600),
    # A new account may use four of these, and none of ml.m5.large.
    processing=JobSpec(instance_type="ml.t3.medium", volume_gb=30, max_runtime_s=3600),
    gate=GateSpec(min_gain=0.0, min_rows=5000),
    drift=DriftSpec(
        schedule="rate(1 hour)", window_hours=1, min_rows=1000, false_alarm_rate=0.005, min_effect=0.07, persistence=1
    ),
    quality=QualitySpec(min_labels=500, max_loss=0.1),
    retraining=RetrainingSpec(triggers=["drift", "quality", "commit"], cooldown_s=3600, max_runs_per_day=4),
    approval="manual",
    two_people=False,
    hyperparameters={},
    serving=ServingSpec(
        mode="real-time", instance_type="ml.m5.large", min_instances=1, max_instances=1, capture_percentage=100
    ),
)


BUILT_IN_RETENTION = RetentionSpec(
    runs=90, checks=400, traffic=400, quarantine=400, versions=90, logs=90, access_logs=400, events=365
)


class SourceSpec(Spec):
    """The repository whose pushes start the team's code pipeline, through a connection of AWS CodeConnections."""

    connection: Annotated[str, Field(pattern=CONNECTION)]
    repository: Annotated[str, Field(pattern=REPOSITORY)]
    branch: Annotated[str, Field(min_length=1, max_length=255)] = "main"


class ToolingSpec(Spec):
    """The account that holds each team's pipelines.

    Without ``source``, the code pipeline starts when ``source.zip`` is uploaded to its source bucket. ``pushes`` says
    what happens to a push that comes while another is deployed: it supersedes those that wait, or it queues.
    """

    account: Annotated[str, Field(json_schema_extra={"pattern": ACCOUNT})]
    region: Annotated[str, Field(json_schema_extra={"enum": sorted(images.REGISTRIES)})]
    source: SourceSpec | None = None
    pushes: Literal["supersede", "queue"] = "supersede"


class CiSpec(Spec):
    """The CI system whose jobs deploy the fleet and plan its changes, by OpenID Connect and without a stored key.

    ``repository`` and ``branch`` decide the subjects of GitHub's and GitLab's tokens. CircleCI's and Jenkins' subjects
    follow from no repository: they are listed. Wildcards are refused, so that each subject is exactly one.
    """

    provider: Literal["github", "gitlab", "circleci", "jenkins"]
    repository: str
    branch: Annotated[str, Field(min_length=1, max_length=255)] = "main"
    issuer: str | None = None
    """Address of the issuer of tokens; GitHub's and GitLab's own by default."""
    audience: str = "sts.amazonaws.com"
    deploy_subjects: list[str] = []
    plan_subjects: list[str] = []
    """Subjects of jobs that run for a merge request; GitHub's follows from the repository."""


class PromotionSpec(Spec):
    """How code and models enter a stage: after a person's approval or without, and region by region or at once."""

    approval: Literal["automatic", "manual"] = "automatic"
    regions: Literal["ordered", "parallel"] = "ordered"


class StageSpec(Spec):
    name: Annotated[str, Field(json_schema_extra={"pattern": NAME})]
    promotion: PromotionSpec = PromotionSpec()
    defaults: Settings = Settings()
    retention: RetentionSpec = RetentionSpec()


class AdoptSpec(Spec):
    """Resources that exist and that the environment takes under the names that they have.

    Not supported: an endpoint or a package group with another name than ours, because functions, roles and people find
    both by the environment's and the model's name.
    """

    data_bucket: Annotated[str, Field(pattern=BUCKET)] | None = None


class EnvironmentSpec(Spec):
    stage: str
    account: Annotated[str, Field(json_schema_extra={"pattern": ACCOUNT})]
    region: Annotated[str, Field(json_schema_extra={"enum": sorted(images.REGISTRIES)})]
    adopt: AdoptSpec = AdoptSpec()


class ModelSpec(Settings):
    name: Annotated[str, Field(json_schema_extra={"pattern": NAME})]
    program: str | None = None
    """The folder of ``pipelines/models`` with its programs; by default the model's name with underscores."""
    dataset: Annotated[str, Field(json_schema_extra={"pattern": NAME})]
    task: Literal["classification", "regression"]
    target: Annotated[str, Field(pattern=COLUMN)]
    time_column: Annotated[str, Field(pattern=COLUMN)]
    stages: dict[str, Settings] = {}

    @property
    def program_folder(self) -> str:
        return self.program or self.name.replace("-", "_")


class TeamSpec(Spec):
    name: Annotated[str, Field(json_schema_extra={"pattern": NAME})]
    owners: Annotated[list[Annotated[str, Field(pattern=EMAIL)]], Field(min_length=1)]
    monthly_budget_usd: Annotated[int, Field(ge=1)]
    environments: Annotated[list[EnvironmentSpec], Field(min_length=1)]
    models: list[ModelSpec]


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The serving settings of one model in one environment."""

    instance_type: str
    min_instances: int
    max_instances: int
    capture_percentage: int


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The days for which one environment keeps what nothing refers to any more; see ``RetentionSpec``."""

    runs: int
    checks: int
    traffic: int
    quarantine: int
    versions: int
    logs: int
    access_logs: int
    events: int
