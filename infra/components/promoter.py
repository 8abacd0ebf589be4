"""The role by which the team's pipelines act in an environment: they start one machine, and read its executions."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.policies import allow, is_role, use_key
from pipelines.interface.names import Environment

DRIVER = "drive_promotion"


class Promoter(Construct):
    """The role that the tooling environment's function ``drive_promotion`` alone assumes."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, tooling: Environment, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        machine = environment.state_machine("promotion")
        iam.Role(
            self,
            "Role",
            role_name=environment.promoter_role,
            description=f"Role of the pipelines of {tooling.id} in {environment.id}",
            assumed_by=iam.AccountPrincipal(tooling.account).with_conditions(
                is_role(tooling.role_arn(tooling.function(DRIVER)))
            ),
            inline_policies={
                "promote": iam.PolicyDocument(
                    statements=[
                        allow(["states:StartExecution"], environment.state_machine_arn("promotion")),
                        allow(["states:DescribeExecution"], environment.arn("states", f"execution:{machine}:*")),
                        # The caller of StartExecution encrypts its input.
                        use_key(key.key_arn),
                    ]
                )
            },
        )
