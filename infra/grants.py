"""Policy statements for the rows of ``infra.functions``; every resource is the environment's."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from infra.components.policies import Conditions, allow, pass_role, pull_image
from infra.components.state_machine import executions
from infra.fleet.promotion import Promotion
from pipelines.interface.landing import PREFIX, quarantine_prefix
from pipelines.interface.names import ENDPOINT_LOG_GROUPS, JOB_LOG_GROUPS, Environment
from pipelines.interface.paths import RELEASES, SCRATCH, RunFiles, carried_record_key, code_key, packages_key


def _has_alias(*aliases: str) -> Conditions:
    """Return the condition that a key has one of these aliases: AWS makes its id, and another account's is unknown."""
    return {"ForAnyValue:StringEquals": {"kms:ResourceAliases": list(aliases)}}


class Grants:
    """The policy statements of one environment. A function that gets a statement needs all of its actions."""

    def __init__(self, environment: Environment, promotion: Promotion | None = None) -> None:
        self._environment = environment
        self._promotion = promotion
        self._artifacts, self._capture, self._data = (
            f"arn:aws:s3:::{environment.bucket(kind)}" for kind in ("artifacts", "capture", "data")
        )

    # -- parameters -------------------------------------------------------------------------------------------------

    def read_settings(self) -> iam.PolicyStatement:
        return allow(["ssm:GetParameter"], self._parameter("settings"))

    def read_settings_and_release(self) -> iam.PolicyStatement:
        return allow(["ssm:GetParameter"], self._parameter("settings"), self._parameter("release"))

    def read_all_settings(self) -> iam.PolicyStatement:
        return allow(["ssm:GetParametersByPath"], self._arn("ssm", f"parameter/mooring/{self._environment.id}/*"))

    def read_plan_parameters(self) -> iam.PolicyStatement:
        key = self._arn("ssm", f"parameter{self._environment.key_parameter}")
        return allow(["ssm:GetParameter"], self._parameter("settings"), self._parameter("release"), key)

    def read_release(self) -> iam.PolicyStatement:
        return allow(["ssm:GetParameter"], self._parameter("release"))

    def write_release(self) -> iam.PolicyStatement:
        return allow(["ssm:GetParameter", "ssm:PutParameter"], self._parameter("release"))

    def resolve_release(self) -> iam.PolicyStatement:
        """Allow reading release states in pages, as UpdateStack may do for its caller: AWS does not say who reads."""
        return allow(["ssm:GetParameters"], self._parameter("release"))

    # -- ledger, messages -------------------------------------------------------------------------------------------

    def ledger(self, *actions: str) -> iam.PolicyStatement:
        """Allow reading items, and these actions."""
        table = self._arn("dynamodb", f"table/{self._environment.ledger_table}")
        return allow([f"dynamodb:{action}" for action in ("GetItem", *actions)], table)

    def publish(self) -> iam.PolicyStatement:
        return allow(["events:PutEvents"], self._arn("events", f"event-bus/{self._environment.bus}"))

    def alert(self) -> iam.PolicyStatement:
        return allow(["sns:Publish"], self._environment.topic_arn)

    # -- buckets ----------------------------------------------------------------------------------------------------

    def read_runs(self) -> iam.PolicyStatement:
        return allow(["s3:GetObject"], f"{self._artifacts}/runs/*")

    def read_run_versions(self) -> iam.PolicyStatement:
        """Allow reading the versions of runs' files: what is hashed must be what is read."""
        return allow(["s3:GetObject", "s3:GetObjectVersion"], f"{self._artifacts}/runs/*")

    def write_scratch(self) -> iam.PolicyStatement:
        return allow(["s3:PutObject"], f"{self._artifacts}/{SCRATCH}*")

    def keep_sources(self) -> iam.PolicyStatement:
        keys = (code_key("*"), packages_key("*"))
        return allow(["s3:GetObject", "s3:PutObject"], *(f"{self._artifacts}/{key}" for key in keys))

    def keep_artifact(self) -> list[iam.PolicyStatement]:
        """Allow copying the accepted one of the training jobs' outputs to where it does not expire."""
        return [
            allow(["s3:GetObject"], f"{self._artifacts}/{SCRATCH}*"),
            allow(["s3:PutObject"], f"{self._artifacts}/{RunFiles('*', '*').artifact}"),
        ]

    def list_artifacts(self) -> iam.PolicyStatement:
        """Allow listing: without it S3 answers "denied" instead of "missing" for an absent object."""
        return allow(["s3:ListBucket"], self._artifacts)

    def keep_checks(self) -> iam.PolicyStatement:
        return allow(["s3:GetObject", "s3:PutObject"], f"{self._artifacts}/checks/*")

    def list_capture(self) -> iam.PolicyStatement:
        return allow(["s3:ListBucket"], self._capture)

    def read_capture(self) -> iam.PolicyStatement:
        return allow(["s3:GetObject"], f"{self._capture}/*")

    def quarantine_capture(self) -> iam.PolicyStatement:
        return allow(["s3:PutObject"], f"{self._capture}/quarantine/*")

    def list_data(self) -> iam.PolicyStatement:
        return allow(["s3:ListBucket"], self._data)

    def read_datasets(self) -> iam.PolicyStatement:
        return allow(["s3:GetObject"], f"{self._data}/datasets/*")

    def read_code_bundles(self) -> iam.PolicyStatement:
        """Allow reading the models' code bundles; templates and functions among the assets have other endings."""
        return allow(["s3:GetObject"], f"arn:aws:s3:::{self._environment.asset_bucket}/*.gz")

    def land_files(self) -> list[iam.PolicyStatement]:
        data, queue = self._data, self._arn("sqs", self._environment.landing_queue)
        return [
            allow(["s3:ListBucketVersions"], data, conditions={"StringLike": {"s3:prefix": [f"{PREFIX}*"]}}),
            # S3 requires both delete actions for deleting many objects at once.
            allow(["s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:DeleteObject"], f"{data}/{PREFIX}*"),
            allow(["s3:GetObject", "s3:PutObject"], f"{data}/datasets/*", f"{data}/{quarantine_prefix('*', '*')}*"),
            allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue),
        ]

    # -- logs -------------------------------------------------------------------------------------------------------

    def keep_endpoint_logs(self) -> list[iam.PolicyStatement]:
        return self._keep_logs(f"{ENDPOINT_LOG_GROUPS}{self._environment.id}-*")

    def keep_job_logs(self) -> list[iam.PolicyStatement]:
        return self._keep_logs(*JOB_LOG_GROUPS, actions=("logs:DisassociateKmsKey",))

    def _keep_logs(self, *groups: str, actions: Sequence[str] = ()) -> list[iam.PolicyStatement]:
        """Allow creating the groups with key and retention, and these actions; nobody deletes one."""
        # AWS evaluates some of these with a ":*" at the end of the ARN, others without.
        resources = [self._arn("logs", f"log-group:{name}{end}") for name in groups for end in ("", ":*")]
        every = ("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:AssociateKmsKey", *actions)
        return [allow(every, *resources), allow(["logs:DescribeLogGroups"], "*")]

    # -- registry, endpoints, stacks, executions --------------------------------------------------------------------

    def describe_package(self) -> iam.PolicyStatement:
        return allow(["sagemaker:DescribeModelPackage"], self._sagemaker("model-package"))

    def update_package(self) -> iam.PolicyStatement:
        return allow(["sagemaker:UpdateModelPackage"], self._sagemaker("model-package"))

    def register_package(self) -> list[iam.PolicyStatement]:
        packages = self._sagemaker("model-package")
        return [
            allow(["sagemaker:CreateModelPackage"], self._sagemaker("model-package-group"), packages),
            # AWS documents no resource for the listing of one group's packages.
            allow(["sagemaker:ListModelPackages"], "*"),
            allow(["sagemaker:AddTags"], packages),
            # AWS documents these for a caller that registers an image; it does not say whether they are checked.
            pull_image(self._environment),
        ]

    def describe_endpoint(self) -> iam.PolicyStatement:
        return allow(["sagemaker:DescribeEndpoint"], self._sagemaker("endpoint"))

    def describe_chain(self) -> iam.PolicyStatement:
        actions = ["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"]
        return allow(actions, self._sagemaker("endpoint"), *self._generated())

    def invoke_endpoint(self) -> iam.PolicyStatement:
        return allow(["sagemaker:InvokeEndpoint"], self._sagemaker("endpoint"))

    def sweep(self) -> iam.PolicyStatement:
        return allow(["sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel"], *self._generated())

    def stacks(self, *actions: str) -> iam.PolicyStatement:
        return allow([f"cloudformation:{action}" for action in actions], self._serving_stacks())

    def update_stacks(self) -> list[iam.PolicyStatement]:
        """Allow updating a Serving stack, under the release deployer role only."""
        role = self._environment.role_arn(self._environment.release_deployer_role)
        demanded = {"StringEquals": {"cloudformation:RoleArn": role}}
        return [
            allow(["cloudformation:UpdateStack"], self._serving_stacks(), conditions=demanded),
            pass_role(role, "cloudformation"),
        ]

    def describe_releases(self) -> iam.PolicyStatement:
        machine = self._environment.state_machine("release")
        return allow(["states:DescribeExecution"], self._arn("states", f"execution:{machine}:*"))

    def describe_checks(self) -> iam.PolicyStatement:
        return allow(["states:DescribeExecution"], *executions(self._environment, "checks"))

    def start_checks(self) -> iam.PolicyStatement:
        return allow(["states:StartExecution"], self._environment.state_machine_arn("checks"))

    def describe_flows(self) -> iam.PolicyStatement:
        flows = [self._environment.state_machine_arn(kind) for kind in ("retraining", "release", "checks")]
        return allow(["states:DescribeStateMachine"], *flows)

    # -- promotion --------------------------------------------------------------------------------------------------

    def approve_promoted(self) -> list[iam.PolicyStatement]:
        """Allow approving packages where promotions import them: the team's pipeline has asked a person."""
        return [self.update_package()] if self._promotion and self._promotion.source else []

    def keep_records(self) -> iam.PolicyStatement:
        return allow(["s3:GetObject", "s3:PutObject"], f"{self._artifacts}/{RELEASES}*")

    def sign_records(self) -> iam.PolicyStatement:
        own = self._environment
        return allow(["kms:Sign"], own.arn("kms", "key/*"), conditions=_has_alias(own.signing_key_alias))

    def hand_over(self) -> list[iam.PolicyStatement]:
        """Allow giving a record to the team's pipelines: its archive, and the event that starts one."""
        assert self._promotion
        tooling = self._promotion.tooling
        records = f"arn:aws:s3:::{tooling.bucket('records')}/{carried_record_key('*')}"
        return [
            allow(["s3:PutObject"], records),
            allow(["kms:GenerateDataKey"], tooling.arn("kms", "key/*"), conditions=_has_alias(tooling.key_alias)),
            allow(["events:PutEvents"], tooling.arn("events", f"event-bus/{tooling.bus}")),
        ]

    def drive_promotions(self) -> list[iam.PolicyStatement]:
        """Allow a tooling environment's function to act in all of the team's, and to read records and approvals."""
        assert self._promotion
        records = f"arn:aws:s3:::{self._environment.bucket('records')}"
        promoters = [each.role_arn(each.promoter_role) for each in self._promotion.later]
        return [
            allow(["sts:AssumeRole"], *promoters),
            allow(["s3:GetObject"], f"{records}/{carried_record_key('*')}"),
            allow(["s3:ListBucket"], records),
            allow(["codepipeline:ListActionExecutions"], self._environment.pipeline_arn("models")),
        ]

    def take_releases(self) -> list[iam.PolicyStatement]:
        """Allow reading the stage before, verifying what its trainers signed, and keeping the files here."""
        assert self._promotion
        assert self._promotion.source
        source = self._promotion.source
        artifacts = f"arn:aws:s3:::{source.bucket('artifacts')}"
        signers = [trainer.arn("kms", "key/*") for trainer in self._promotion.trainers]
        aliases = [trainer.signing_key_alias for trainer in self._promotion.trainers]
        return [
            allow(["s3:GetObject", "s3:GetObjectVersion"], f"{artifacts}/runs/*"),
            allow(["s3:ListBucket"], artifacts),
            allow(["kms:Decrypt"], source.arn("kms", "key/*"), conditions=_has_alias(source.key_alias)),
            allow(["kms:Verify"], *signers, conditions=_has_alias(*aliases)),
            allow(["s3:GetObject", "s3:PutObject"], f"{self._artifacts}/runs/*"),
        ]

    # -- resources --------------------------------------------------------------------------------------------------

    def _arn(self, service: str, resource: str) -> str:
        return self._environment.arn(service, resource)

    def _parameter(self, kind: str) -> str:
        return self._arn("ssm", f"parameter/mooring/{self._environment.id}/*/{kind}")

    def _sagemaker(self, kind: str) -> str:
        return self._arn("sagemaker", f"{kind}/{self._environment.id}-*")

    def _generated(self) -> list[str]:
        """Return the ARNs of models and endpoint configs; CloudFormation names these."""
        return [self._arn("sagemaker", f"{kind}/*") for kind in ("endpoint-config", "model")]

    def _serving_stacks(self) -> str:
        return self._arn("cloudformation", f"stack/{self._environment.id}-*-serving/*")
