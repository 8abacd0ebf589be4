"""The pipeline that takes one release record through the later stages; many records at a time."""

from collections.abc import Sequence

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.components.pipeline import (
    EXECUTION_ID,
    SOURCE,
    Action,
    Pipeline,
    Stage,
    Variable,
    action,
    approve,
    run_machine,
)
from infra.components.pipeline_grants import promote_and_ask, read_source
from infra.components.stage_flow import StagePlan
from pipelines.interface.names import Environment
from pipelines.interface.paths import carried_record_key
from pipelines.interface.requests import Step

RECORD, STAGES = "Record", "stages"
"""The source's artifact, and the variable with the stages to enter."""
NO_RECORD = carried_record_key("none")
"""Key of no object: each execution names its own. The one that CodePipeline starts with the pipeline fails on it."""


class ModelsPipeline(Construct):
    """The ``pipeline``: import, approval where a stage wants it, release. It skips stages that are not asked for."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        stages: Sequence[StagePlan],
        records: s3.IBucket,
        artifacts: s3.IBucket,
        topic: sns.ITopic,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._machine = environment.state_machine_arn("promotion")
        source = action(
            SOURCE,
            "Source",
            "S3",
            {
                "S3Bucket": records.bucket_name,
                "S3ObjectKey": NO_RECORD,
                "AllowOverrideForS3ObjectKey": "true",
                "PollForSourceChanges": "false",
            },
            gives=[RECORD],
            namespace=SOURCE,
        )
        self.pipeline = Pipeline(
            self,
            "Models",
            environment=environment,
            kind="models",
            mode="PARALLEL",
            stages=[Stage(name=SOURCE, actions=[source]), *(self._stage(stage, topic) for stage in stages)],
            variables=[Variable(name=STAGES, default_value=",", description="Stages to enter, each between commas")],
            artifacts=artifacts,
            key=key,
            statements=[
                *read_source(records, carried_record_key("*")),
                *promote_and_ask(environment, topic),
            ],
        ).pipeline

    def _stage(self, stage: StagePlan, topic: sns.ITopic) -> Stage:
        actions = [self._step(Step.IMPORT, stage, 1)]
        if stage.approval:
            actions.append(approve(f"Release #{{{SOURCE}.ObjectKey}} in {stage.name}?", topic, order=2))
        return Stage(
            name=stage.name,
            before_entry=_enter_if_asked(stage.name),
            actions=[*actions, self._step(Step.RELEASE, stage, len(actions) + 1)],
        )

    def _step(self, step: Step, stage: StagePlan, order: int) -> Action:
        request = {
            "step": str(step),
            "stage": stage.name,
            "execution": EXECUTION_ID,
            "record_key": f"#{{{SOURCE}.ObjectKey}}",
            "environment": "",
        }
        return run_machine(step.capitalize(), self._machine, request, order=order)


def _enter_if_asked(stage: str) -> codepipeline.CfnPipeline.BeforeEntryConditionsProperty:
    rule = codepipeline.CfnPipeline.RuleDeclarationProperty(
        name="IsAskedFor",
        rule_type_id=codepipeline.CfnPipeline.RuleTypeIdProperty(
            category="Rule", owner="AWS", provider="VariableCheck", version="1"
        ),
        configuration={"Variable": f"#{{variables.{STAGES}}}", "Value": f",{stage},", "Operator": "CONTAINS"},
    )
    condition = codepipeline.CfnPipeline.ConditionProperty(result="SKIP", rules=[rule])
    return codepipeline.CfnPipeline.BeforeEntryConditionsProperty(conditions=[condition])
