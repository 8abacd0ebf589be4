"""The asymmetric key that signs the environment's release records."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.policies import is_role
from pipelines.interface.names import Environment

IMPORTER = "import_release"


class SigningKey(Construct):
    """The ``key`` and its alias; the functions that import releases in ``later`` environments verify with it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, later: Sequence[Environment]
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            alias=environment.signing_key_alias,
            description=f"Signs the release records of {environment.id}",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        for account in sorted({each.account for each in later}):
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    actions=["kms:Verify"],
                    principals=[iam.AccountPrincipal(account)],
                    resources=["*"],
                    conditions=is_role(
                        *(each.role_arn(each.function(IMPORTER)) for each in later if each.account == account)
                    ),
                )
            )
