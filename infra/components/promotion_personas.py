"""The three roles that people assume in the tooling account, and their permissions."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.pipeline import APPROVAL
from infra.components.policies import allow
from infra.components.stage_flow import StagePlan
from infra.components.state_machine import executions
from pipelines.interface.names import TOOLING_PERSONAS, Environment
from pipelines.interface.paths import carried_record_key


class PromotionPersonas(Construct):
    """The ``roles`` approver, operator and auditor of a tooling environment. The account decides who may assume which.

    ``stages`` are the team's, in order. The accounts of the first ones request promotions: an operator there looks for
    one that is under way, so they may assume the auditor's role, which only reads.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        stages: Sequence[StagePlan],
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment, self._key_arn = environment, key.key_arn
        self._pipelines = [environment.pipeline_arn("code"), *([environment.pipeline_arn("models")] * bool(stages[1:]))]
        statements = {
            "approver": [*self._approver(stages), *self._auditor()],
            "operator": [*self._operator(), *self._auditor()],
            "auditor": self._auditor(),
        }
        requesters = {each.account for stage in stages[:-1] for each in stage.environments}
        accounts = {"auditor": sorted(requesters - {environment.account})}
        self.roles = {
            persona: iam.Role(
                self,
                persona.capitalize(),
                role_name=environment.persona_role(persona),
                description=f"Role of every {persona} of {environment.id}",
                assumed_by=iam.CompositePrincipal(
                    *(iam.AccountPrincipal(each) for each in (environment.account, *accounts.get(persona, [])))
                ),
                inline_policies={persona: iam.PolicyDocument(statements=statements[persona])},
            )
            for persona in TOOLING_PERSONAS
        }

    def _approver(self, stages: Sequence[StagePlan]) -> list[iam.PolicyStatement]:
        """Allow answering the approval actions, and nothing else of the pipelines."""
        asked = {"code": stages, "models": stages[1:]}
        actions = [
            f"{self._environment.pipeline_arn(kind)}/{stage.name}/{APPROVAL}"
            for kind, listed in asked.items()
            for stage in listed
            if stage.approval
        ]
        return [allow(["codepipeline:PutApprovalResult"], *actions)] if actions else []

    def _operator(self) -> list[iam.PolicyStatement]:
        """Allow starting and stopping executions, and retrying their stages."""
        return [
            allow(["codepipeline:StartPipelineExecution", "codepipeline:StopPipelineExecution"], *self._pipelines),
            allow(["codepipeline:RetryStageExecution"], *(f"{pipeline}/*" for pipeline in self._pipelines)),
        ]

    def _auditor(self) -> list[iam.PolicyStatement]:
        """Allow reading the pipelines, the executions of the machine, the release records and the logs."""
        environment = self._environment
        records = f"arn:aws:s3:::{environment.bucket('records')}"
        return [
            allow(
                [
                    "codepipeline:GetPipeline",
                    "codepipeline:GetPipelineExecution",
                    "codepipeline:GetPipelineState",
                    "codepipeline:ListActionExecutions",
                    "codepipeline:ListPipelineExecutions",
                    "codepipeline:ListRuleExecutions",
                ],
                *self._pipelines,
            ),
            allow(["states:ListExecutions", "states:DescribeStateMachine"], environment.state_machine_arn("promotion")),
            allow(["states:DescribeExecution", "states:GetExecutionHistory"], executions(environment, "promotion")[0]),
            allow(["s3:ListBucket"], records),
            allow(["s3:GetObject", "s3:GetObjectVersion"], f"{records}/{carried_record_key('*')}"),
            allow(["logs:DescribeLogGroups"], "*"),
            allow(
                ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
                *(
                    environment.arn("logs", f"log-group:{prefix}/{environment.id}-*")
                    for prefix in ("/aws/lambda", "/aws/codebuild", "/aws/vendedlogs/states")
                ),
            ),
            allow(["kms:Decrypt"], self._key_arn),
        ]
