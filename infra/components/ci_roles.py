"""The roles that a CI system's jobs assume by OpenID Connect: one deploys, one only reads, for plans."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.components.policies import allow
from infra.fleet.ci import Trust
from pipelines.interface.names import CDK_ROLES, Environment


class CiRoles(Construct):
    """A role for each task of ``trusts``, which names the issuer, the audience and the exact subjects of its tokens.

    The account's provider of the issuer is made by ``mooring bootstrap``
    (docs/decisions/0023-ci-roles.md).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, trusts: Mapping[str, Trust]
    ) -> None:
        super().__init__(scope, construct_id)
        stacks = environment.arn("cloudformation", f"stack/{environment.id}-*/*")
        statements = {
            "deploy": [allow(["sts:AssumeRole"], *(environment.cdk_role_arn(kind) for kind in CDK_ROLES))],
            "plan": [
                # CloudFormation demands both for its list of all stacks.
                allow(["cloudformation:DescribeStacks", "cloudformation:ListStacks"], "*"),
                allow(["cloudformation:GetTemplate"], stacks),
            ],
        }
        self.roles = {
            task: iam.Role(
                self,
                task.capitalize(),
                role_name=environment.ci_role(task),
                description=f"Role of the CI jobs that {task} {environment.id}",
                assumed_by=_principal(environment, trust),
                inline_policies={task: iam.PolicyDocument(statements=statements[task])},
            )
            for task, trust in trusts.items()
        }


def _principal(environment: Environment, trust: Trust) -> iam.WebIdentityPrincipal:
    provider = f"arn:aws:iam::{environment.account}:oidc-provider/{trust.issuer}"
    subjects = trust.subjects[0] if len(trust.subjects) == 1 else list(trust.subjects)
    demanded = {"aud": trust.audience, "sub": subjects, **trust.claims}
    conditions = {f"{trust.issuer}:{claim}": value for claim, value in demanded.items()}
    return iam.WebIdentityPrincipal(provider, {"StringEquals": conditions})
