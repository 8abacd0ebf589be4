"""The environment's KMS key: one for all of its data."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.components.policies import is_role, publisher, service
from infra.components.signing_key import IMPORTER
from pipelines.interface.names import Environment

PUBLISHERS = ("cloudwatch", "events", "budgets", "scheduler")
"""Services that send to the encrypted topic or queue themselves; without the key their messages are lost."""


class EnvironmentKey(Construct):
    """The ``key``, its alias, and the parameter in which the other stacks find its ARN.

    The functions that import releases in ``following`` environments decrypt files of the artifacts bucket with it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, following: Sequence[Environment] = ()
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            alias=environment.key_alias,
            description=f"Encrypts all data of {environment.id}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        account = environment.account
        for name in PUBLISHERS:
            self._admit(publisher(name, account), "kms:Decrypt", "kms:GenerateDataKey*")
        logs = iam.ServicePrincipal(
            f"logs.{environment.region}.amazonaws.com",
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": environment.arn("logs", "*")}},
        )
        self._admit(logs, "kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
        # Step Functions encrypts an execution's history; this service decrypts it to write it into the log group.
        self._admit(service("delivery.logs", account), "kms:Decrypt*")
        for other in following:
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    actions=["kms:Decrypt"],
                    principals=[iam.AccountPrincipal(other.account)],
                    resources=["*"],
                    conditions={
                        **is_role(other.role_arn(other.function(IMPORTER))),
                        "StringEquals": {"kms:ViaService": f"s3.{environment.region}.amazonaws.com"},
                    },
                )
            )
        ssm.StringParameter(self, "Parameter", parameter_name=environment.key_parameter, string_value=self.key.key_arn)

    def _admit(self, principal: iam.ServicePrincipal, *actions: str) -> None:
        # A key policy's resource can only be the key itself.
        self.key.add_to_resource_policy(
            iam.PolicyStatement(actions=list(actions), principals=[principal], resources=["*"])
        )
