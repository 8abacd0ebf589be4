"""The names of the resources that another stack, a function or a person must find.

CloudFormation names all others. Names whose scope is global contain account and region; every name contains the
environment's id, so that several environments can share an account. ``limits`` yields the longest length of each
composed name; the fleet's checks compare them all before synthesis.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

STACK_KINDS = ("foundation", "operations")
MODEL_STACK_KINDS = ("registry", "serving")
REGISTRY_SLOTS = 32
"""Largest number of an environment's Registry stacks. Another number would move models between the stacks."""
TOOLING = "tooling"
"""Stage of the environment that holds a team's pipelines; no fleet has a stage of this name."""
QUALIFIER = "mooring"
"""Part of the names of our CDK bootstrap's resources: other CDK applications of the account keep theirs."""
CDK_ROLES = ("deploy", "file-publishing", "lookup")
"""Roles of our CDK bootstrap that a deployment assumes. Images are not published: no stack has one."""
BUCKETS = ("data", "artifacts", "capture", "audit")
TOOLING_BUCKETS = ("records", "source", "pipeline", "audit")
"""Buckets of a tooling environment."""
ENVIRONMENT_TAG = "mooring:environment"
"""Tag of everything that an environment has and starts; its value is the environment's id. Budget and bill need it."""
JOB_LOG_GROUPS = tuple(f"/aws/sagemaker/{kind}Jobs" for kind in ("Processing", "Training", "Transform"))
"""Log groups of SageMaker's jobs, which all environments of an account and region share."""
ENDPOINT_LOG_GROUPS = "/aws/sagemaker/Endpoints/"
"""Prefix of the log groups of endpoints; an endpoint's name follows."""
PERSONAS = ("engineer", "approver", "operator", "auditor", "consumer")
TOOLING_PERSONAS = ("approver", "operator", "auditor")
"""Personas of a tooling environment."""
JOB_ROLES = ("training", "serving")
CDK_ROLES = ("deploy", "file-publishing", "lookup")
"""Roles of the CDK's bootstrap that a deployment assumes."""
LONGEST_RULE = "retraining-requested"
LONGEST_FUNCTION = "create_release_states"
"""The function with the longest name; its role has the same name, and a role's is at most 64 characters long."""
SCALING = "sagemaker.application-autoscaling.amazonaws.com"
"""The service that scales endpoints."""

GOLDEN_INFERENCE = "golden-"
"""Prefix of the inference ids of golden requests; the drift check leaves those requests out."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One team x stage x region, and the names of what it holds.

    Examples
    --------
    >>> Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1").id
    'arrivals-dev-us-east-1'
    """

    team: str
    stage: str
    account: str
    region: str
    data_bucket: str = ""
    """The name of the data bucket, if the environment has adopted one that existed."""

    @property
    def id(self) -> str:
        return f"{self.team}-{self.stage}-{self.region}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, role_name: str) -> str:
        return f"arn:aws:iam::{self.account}:role/{role_name}"

    @property
    def scaling_role_arn(self) -> str:
        """The service-linked role that AWS creates when an account first scales an endpoint."""
        return self.role_arn(f"aws-service-role/{SCALING}/*")

    def stack(self, kind: str) -> str:
        return f"{self.id}-{kind}"

    def bucket(self, kind: str) -> str:
        if kind == "data" and self.data_bucket:
            return self.data_bucket
        return f"{self.id}-{kind}-{self.account}"

    @property
    def asset_bucket(self) -> str:
        """Name of the bucket in which our bootstrap keeps what ``cdk deploy`` uploads."""
        return f"cdk-{QUALIFIER}-assets-{self.account}-{self.region}"

    @property
    def ledger_table(self) -> str:
        return f"{self.id}-ledger"

    @property
    def bus(self) -> str:
        return self.id

    @property
    def topic(self) -> str:
        return f"{self.id}-alerts"

    @property
    def topic_arn(self) -> str:
        return self.arn("sns", self.topic)

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.id}-dead-letters"

    @property
    def landing_queue(self) -> str:
        """The queue of events that calls the function which lands files."""
        return f"{self.id}-landing"

    @property
    def landing_schedule(self) -> str:
        return f"{self.id}-landing"

    @property
    def boundary(self) -> str:
        """The policy that limits every role of the environment; ``mooring bootstrap`` alone writes it."""
        return f"{self.id}-boundary"

    @property
    def boundary_arn(self) -> str:
        return f"arn:aws:iam::{self.account}:policy/{self.boundary}"

    @property
    def deployer(self) -> str:
        """The policy under which CloudFormation deploys the environment's stacks."""
        return f"{self.id}-deployer"

    @property
    def key_alias(self) -> str:
        return f"alias/mooring/{self.id}"

    @property
    def key_parameter(self) -> str:
        """The parameter that holds the ARN of the environment's KMS key."""
        return f"/mooring/{self.id}/key-arn"

    def persona_role(self, persona: str) -> str:
        return f"{self.id}-{persona}"

    @property
    def promoter_role(self) -> str:
        """The role by which the team's pipelines import and release models here."""
        return f"{self.id}-promoter"

    def ci_role(self, task: str) -> str:
        """Return the name of the role that a CI system's jobs assume to ``deploy`` the environment or to ``plan``."""
        return f"{self.id}-ci-{task}"

    def cdk_role_arn(self, kind: str) -> str:
        """Return the ARN of a role of our CDK bootstrap; ``kind`` is one of ``CDK_ROLES``."""
        return self.role_arn(f"cdk-{QUALIFIER}-{kind}-role-{self.account}-{self.region}")

    @property
    def signing_key_alias(self) -> str:
        """The alias of the asymmetric key that signs this environment's release records."""
        return f"alias/mooring/{self.id}-signing"

    def pipeline(self, kind: str) -> str:
        """Return the name of a tooling environment's pipeline and of its role; ``kind`` is ``code`` or ``models``."""
        return f"{self.id}-{kind}"

    def pipeline_arn(self, kind: str) -> str:
        return self.arn("codepipeline", self.pipeline(kind))

    def build_project(self, kind: str) -> str:
        """Return the name of a tooling environment's CodeBuild project and of its role; ``build`` or ``update``."""
        return f"{self.id}-{kind}"

    def deploy_project(self, place: "Environment") -> str:
        """Return the name of the project, and of its role, that deploys to the account and region of ``place``.

        They are hashed, because the name of a role is at most 64 characters long.
        """
        found = hashlib.sha256(f"{place.account}/{place.region}".encode()).hexdigest()
        return self.build_project(f"deploy-{found[:8]}")

    def function(self, name: str) -> str:
        """Return the physical name of the function in ``functions/<name>``, and of its role."""
        return f"{self.id}-{name.replace('_', '-')}"

    def function_arn(self, name: str) -> str:
        return self.arn("lambda", f"function:{self.function(name)}")

    def state_machine(self, kind: str) -> str:
        """Return the name of a state machine and of its role.

        ``kind`` is ``retraining``, ``release``, ``checks`` or ``promotion``, which a tooling environment has too.
        """
        return f"{self.id}-{kind}"

    def state_machine_arn(self, kind: str) -> str:
        return self.arn("states", f"stateMachine:{self.state_machine(kind)}")

    def rule(self, name: str) -> str:
        """Return the name of an EventBridge rule; CloudFormation would shorten one that it makes."""
        return f"{self.id}-{name}"

    def layer(self, kind: str) -> str:
        """Return the name of a layer of the functions; ``kind`` is ``sdk`` or ``wheels``."""
        return f"{self.id}-{kind}"

    @property
    def trigger_role(self) -> str:
        """The role under which the rules start the flows."""
        return f"{self.id}-triggers"

    @property
    def forwarder_role(self) -> str:
        """The role under which rules send findings to the buses of the environments that train the models."""
        return f"{self.id}-forwarder"

    @property
    def scheduler_role(self) -> str:
        return f"{self.id}-scheduler"

    @property
    def release_deployer_role(self) -> str:
        """The role that a release passes to CloudFormation."""
        return f"{self.id}-release-deployer"

    def job_role(self, job: str) -> str:
        """Return the name of the execution role of all models' jobs or endpoints: ``training`` or ``serving``."""
        return f"{self.id}-{job}"

    def registry_stack(self, slot: int) -> str:
        """Return the name of the stack that registers the models of one slot."""
        return f"{self.id}-registry-{slot:02}"

    def model(self, name: str) -> "Model":
        return Model(environment=self, name=name)

    def limits(self) -> Iterator[tuple[str, str, int]]:
        """Yield (what, composed name, longest length that AWS accepts)."""
        for kind in BUCKETS:
            yield "S3 bucket", self.bucket(kind), 63
        for kind in STACK_KINDS:
            yield "stack", self.stack(kind), 128
        for persona in PERSONAS:
            yield "IAM role", self.persona_role(persona), 64
        for job in JOB_ROLES:
            yield "IAM role", self.job_role(job), 64
        yield "IAM role", self.release_deployer_role, 64
        yield "IAM role", self.forwarder_role, 64
        yield "Lambda function", self.function(LONGEST_FUNCTION), 64
        yield "EventBridge rule", self.rule(LONGEST_RULE), 64
        yield "state machine", self.state_machine("retraining"), 80
        yield "DynamoDB table", self.ledger_table, 255
        yield "SQS queue", self.landing_queue, 80
        yield "schedule", self.landing_schedule, 64


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model in one environment, and the names of what belongs to it."""

    environment: Environment
    name: str

    @property
    def id(self) -> str:
        return f"{self.environment.id}-{self.name}"

    @property
    def registry_slot(self) -> int:
        """The number of the Registry stack that holds the model: it follows from the model's name alone.

        Examples
        --------
        >>> environment = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")
        >>> environment.model("late-arrival").registry_slot
        16
        """
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()) % REGISTRY_SLOTS

    def stack(self, kind: str) -> str:
        """Return the name of a stack of the model: ``serving`` is its own, ``registry`` is shared with other models."""
        return self.environment.registry_stack(self.registry_slot) if kind == "registry" else f"{self.id}-{kind}"

    @property
    def package_group(self) -> str:
        return self.id

    def package_arn(self, version: int) -> str:
        return self.environment.arn("sagemaker", f"model-package/{self.package_group}/{version}")

    @property
    def endpoint(self) -> str:
        return self.id

    @property
    def endpoint_log_group(self) -> str:
        return f"{ENDPOINT_LOG_GROUPS}{self.endpoint}"

    @property
    def settings_parameter(self) -> str:
        """The parameter with the model's settings: one JSON document (``settings.ModelSettings``)."""
        return f"/mooring/{self.environment.id}/{self.name}/settings"

    @property
    def release_parameter(self) -> str:
        """The StringList parameter that is the release state (``release_state.ReleaseState``)."""
        return f"/mooring/{self.environment.id}/{self.name}/release"

    @property
    def drift_schedule(self) -> str:
        return f"{self.id}-drift"

    @property
    def retraining_schedule(self) -> str:
        return f"{self.id}-retrain"

    @property
    def alarm(self) -> str:
        """The alarm on the endpoint's errors."""
        return f"{self.id}-serving-errors"

    def limits(self) -> Iterator[tuple[str, str, int]]:
        """Yield (what, composed name, longest length that AWS accepts)."""
        for kind in MODEL_STACK_KINDS:
            yield "stack", self.stack(kind), 128
        yield "endpoint", self.endpoint, 63
        yield "model package group", self.package_group, 63
        yield "schedule", self.drift_schedule, 64
        yield "schedule", self.retraining_schedule, 64
        yield "job", job_name(self.name, "evaluate", execution_id="x" * 12, attempt="b12"), 63


def version_of(package_arn: str) -> int:
    """Return the version that a model package's ARN ends in.

    Examples
    --------
    >>> version_of("arn:aws:sagemaker:us-east-1:111111111111:model-package/arrivals-dev-us-east-1-late-arrival/2")
    2
    """
    return int(package_arn.rpartition("/")[2])


def execution_name(execution_arn: str) -> str:
    """Return the name that an execution's ARN ends in."""
    return execution_arn.rpartition(":")[2]


def job_name(model: str, step: str, *, execution_id: str, attempt: str) -> str:
    """Return a job's name, which is unique in its account and region because execution and attempt are.

    ``execution_id`` is ``digest(execution ARN)``; the state machine appends the attempt.
    """
    return f"{model}-{step}-{execution_id}-{attempt}"
