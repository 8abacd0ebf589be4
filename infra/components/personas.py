"""The five roles that people assume, and their permissions."""

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.policies import allow, use_key
from infra.components.state_machine import executions
from pipelines.interface.events import SOURCE, RetrainingRequested
from pipelines.interface.keys import dataset_pk
from pipelines.interface.landing import PREFIX as LANDING
from pipelines.interface.landing import QUARANTINE
from pipelines.interface.names import BUCKETS, PERSONAS, Environment
from pipelines.interface.paths import FORGETTINGS, RunFiles, labels_prefix

DATASETS_ONLY: dict[str, dict[str, Any]] = {
    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [dataset_pk("*")]},
    # ForAllValues is also true for a request without keys: this refuses such a request.
    "Null": {"dynamodb:LeadingKeys": "false"},
}


class Personas(Construct):
    """The ``roles`` engineer, approver, operator, auditor and consumer. The account decides who may assume which."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self._key_arn = key.key_arn
        statements = {
            "engineer": self._engineer(),
            "approver": [allow(["lambda:InvokeFunction"], environment.function_arn("approve_package"))],
            "operator": [*self._operator(), *self._forgetting(), *self._auditor()],
            "auditor": self._auditor(),
            "consumer": [
                allow(["sagemaker:InvokeEndpoint"], environment.arn("sagemaker", f"endpoint/{environment.id}-*"))
            ],
        }
        self.roles = {
            persona: iam.Role(
                self,
                persona.capitalize(),
                role_name=environment.persona_role(persona),
                description=f"Role of every {persona} of {environment.id}",
                assumed_by=iam.AccountPrincipal(environment.account),
                inline_policies={persona: iam.PolicyDocument(statements=statements[persona])},
            )
            for persona in PERSONAS
        }

    def _engineer(self) -> list[iam.PolicyStatement]:
        """Allow writing datasets, their heads and labels, and requesting a retraining."""
        environment = self._environment
        data = f"arn:aws:s3:::{environment.bucket('data')}"
        labels = f"arn:aws:s3:::{environment.bucket('capture')}/{labels_prefix('*')}*"
        requests_only = {
            "StringEquals": {"events:source": SOURCE, "events:detail-type": RetrainingRequested.DETAIL_TYPE}
        }
        return [
            allow(["s3:ListBucket", "s3:GetBucketLocation"], data),
            allow(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], f"{data}/datasets/*", f"{data}/{LANDING}*"),
            allow(["s3:GetObject"], f"{data}/{QUARANTINE}*"),
            allow(["s3:PutObject"], labels),
            allow(
                ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                environment.arn("dynamodb", f"table/{environment.ledger_table}"),
                conditions=DATASETS_ONLY,
            ),
            allow(["states:StartExecution"], environment.state_machine_arn("retraining")),
            allow(
                ["events:PutEvents"],
                environment.arn("events", f"event-bus/{environment.bus}"),
                conditions=requests_only,
            ),
            use_key(self._key_arn),
        ]

    def _operator(self) -> list[iam.PolicyStatement]:
        """Allow rolling back, requesting promotions, running a drift check, and stopping executions."""
        environment = self._environment
        return [
            allow(["states:StartExecution"], environment.state_machine_arn("release")),
            allow(
                ["lambda:InvokeFunction"],
                *(environment.function_arn(name) for name in ("drift_check", "request_promotion")),
            ),
            allow(["states:StopExecution"], *self._executions()),
            # The caller of StartExecution encrypts its input.
            use_key(self._key_arn),
        ]

    def _forgetting(self) -> list[iam.PolicyStatement]:
        """Allow forgetting data and restoring deleted data; no other persona may erase or rewrite datasets."""
        environment = self._environment
        artifacts, audit, data = (f"arn:aws:s3:::{environment.bucket(kind)}" for kind in ("artifacts", "audit", "data"))
        copies = [key + "*" * key.endswith("/") for key in RunFiles("*", "*").copies_of_rows]
        return [
            allow(["s3:PutObject"], f"{data}/datasets/*", f"{audit}/{FORGETTINGS}*"),
            allow(
                # S3 requires both for deleting many versions at once.
                ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                *(f"{data}/{prefix}*" for prefix in ("datasets/", LANDING, QUARANTINE)),
                *(f"{artifacts}/{copy}" for copy in copies),
            ),
            allow(
                ["dynamodb:PutItem", "dynamodb:DeleteItem"],
                environment.arn("dynamodb", f"table/{environment.ledger_table}"),
                conditions=DATASETS_ONLY,
            ),
        ]

    def _auditor(self) -> list[iam.PolicyStatement]:
        """Allow reading everything and changing nothing."""
        environment = self._environment
        buckets = [f"arn:aws:s3:::{environment.bucket(kind)}" for kind in BUCKETS]
        named = [f"{kind}/{environment.id}-*" for kind in ("endpoint", "model-package")]
        unnamed = [f"{kind}/*" for kind in ("endpoint-config", "model", "training-job", "processing-job")]
        return [
            allow(["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning"], *buckets),
            allow(["s3:GetObject", "s3:GetObjectVersion"], *(f"{bucket}/*" for bucket in buckets)),
            allow(
                ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"],
                environment.arn("dynamodb", f"table/{environment.ledger_table}"),
            ),
            allow(
                ["states:ListExecutions", "states:DescribeStateMachine"],
                *(environment.state_machine_arn(kind) for kind in ("retraining", "release", "checks", "promotion")),
            ),
            allow(
                ["states:DescribeExecution", "states:GetExecutionHistory", "states:ListMapRuns"], *self._executions()
            ),
            allow(["states:DescribeMapRun", "states:ListExecutions"], self._map_runs()),
            allow(
                [
                    "sagemaker:DescribeEndpoint",
                    "sagemaker:DescribeEndpointConfig",
                    "sagemaker:DescribeModel",
                    "sagemaker:DescribeModelPackage",
                    "sagemaker:DescribeTrainingJob",
                    "sagemaker:DescribeProcessingJob",
                ],
                *(environment.arn("sagemaker", resource) for resource in [*named, *unnamed]),
            ),
            allow(
                [
                    "sagemaker:ListEndpoints",
                    "sagemaker:ListModelPackages",
                    "sagemaker:ListProcessingJobs",
                    "sagemaker:ListTrainingJobs",
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:GetMetricData",
                    "cloudwatch:GetMetricStatistics",
                    "cloudwatch:ListMetrics",
                    "logs:DescribeLogGroups",
                ],
                "*",
            ),
            allow(
                ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
                environment.arn("logs", f"log-group:/aws/lambda/{environment.id}-*"),
                environment.arn("logs", f"log-group:/aws/vendedlogs/states/{environment.id}-*"),
                environment.arn("logs", "log-group:/aws/sagemaker/*"),
            ),
            allow(["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory"], self._parameters()),
            allow(
                ["cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:GetTemplate"],
                environment.arn("cloudformation", f"stack/{environment.id}-*/*"),
            ),
            allow(["kms:Decrypt"], self._key_arn),
        ]

    def _executions(self) -> list[str]:
        flows = [
            self._environment.arn("states", f"execution:{self._environment.state_machine(kind)}:*")
            for kind in ("retraining", "release", "promotion")
        ]
        return [*flows, *executions(self._environment, "checks")]

    def _map_runs(self) -> str:
        return self._environment.arn("states", f"mapRun:{self._environment.state_machine('checks')}/*")

    def _parameters(self) -> str:
        return self._environment.arn("ssm", f"parameter/mooring/{self._environment.id}/*")
