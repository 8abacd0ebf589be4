"""The pipeline that takes the team's code through all stages: one build, and that assembly everywhere."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.components.builds import Builds
from infra.components.pipeline import (
    EXECUTION_ID,
    SOURCE,
    Action,
    Pipeline,
    Stage,
    action,
    approve,
    read_source,
    run_machine,
)
from infra.components.policies import allow
from infra.components.stage_flow import StagePlan
from infra.components.state_machine import executions
from infra.components.tooling_buckets import ToolingBuckets
from infra.fleet.spec import ToolingSpec
from pipelines.interface.names import Environment
from pipelines.interface.requests import Step

CODE, ASSEMBLY = "Code", "Assembly"
SOURCE_KEY = "source.zip"
"""Key in the source bucket of the checkout that starts the pipeline."""
MODES = {"supersede": "SUPERSEDED", "queue": "QUEUED"}


class CodePipeline(Construct):
    """The ``pipeline``: build, update of the pipelines themselves, then stage by stage deploy and smoke test."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        tooling: ToolingSpec,
        stages: Sequence[StagePlan],
        builds: Builds,
        buckets: ToolingBuckets,
        topic: sns.ITopic,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._machine, self._deploys, self._topic = (
            environment.state_machine_arn("promotion"),
            builds.deploys,
            topic,
        )
        reads = read_source(buckets.source, SOURCE_KEY) if buckets.source else []
        if tooling.source:
            prefix = tooling.source.connection.split(":")[2]
            reads = [allow([f"{prefix}:UseConnection"], tooling.source.connection)]
        projects = sorted({project.project_arn for project in (builds.build, builds.update, *builds.deploys.values())})
        self.pipeline = Pipeline(
            self,
            "Code",
            environment=environment,
            kind="code",
            mode=MODES[tooling.pushes],
            stages=[
                Stage(name=SOURCE, actions=[_source(tooling, buckets.source)]),
                Stage(name="Build", actions=[_run("Build", builds.build, {}, order=1, takes=CODE, gives=[ASSEMBLY])]),
                Stage(
                    name="Update",
                    actions=[_run("UpdatePipelines", builds.update, {"ENVIRONMENT": environment.id}, order=1)],
                ),
                *(Stage(name=stage.name, actions=self._actions(stage)) for stage in stages),
            ],
            artifacts=buckets.pipeline,
            key=key,
            statements=[
                *reads,
                allow(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], *projects),
                allow(["states:StartExecution", "states:DescribeStateMachine"], self._machine),
                allow(["states:DescribeExecution"], executions(environment, "promotion")[0]),
                allow(["sns:Publish"], topic.topic_arn),
            ],
        ).pipeline
        # What the push changed in the pipeline itself holds for that push.
        self.pipeline.restart_execution_on_update = True

    def _actions(self, stage: StagePlan) -> list[Action]:
        actions = [approve(f"Deploy to {stage.name}?", self._topic, order=1)] if stage.approval else []
        for number, environment in enumerate(stage.environments):
            order = 2 + (2 * number if stage.ordered else 0)
            project, region = self._deploys[environment.id], environment.region
            actions.append(_run(f"Deploy-{region}", project, {"ENVIRONMENT": environment.id}, order=order))
            request = {
                "step": str(Step.SMOKE),
                "stage": stage.name,
                "execution": EXECUTION_ID,
                "record_key": "",
                "environment": environment.id,
            }
            actions.append(run_machine(f"Smoke-{region}", self._machine, request, order=order + 1))
        return actions


def _source(tooling: ToolingSpec, bucket: s3.IBucket | None) -> Action:
    if tooling.source:
        spec = tooling.source
        configuration = {
            "ConnectionArn": spec.connection,
            "FullRepositoryId": spec.repository,
            "BranchName": spec.branch,
            "OutputArtifactFormat": "CODE_ZIP",
            "DetectChanges": "true",
        }
        return action(SOURCE, "Source", "CodeStarSourceConnection", configuration, gives=[CODE], namespace=SOURCE)
    assert bucket, "without a repository there is a bucket"
    configuration = {"S3Bucket": bucket.bucket_name, "S3ObjectKey": SOURCE_KEY, "PollForSourceChanges": "false"}
    return action(SOURCE, "Source", "S3", configuration, gives=[CODE], namespace=SOURCE)


def _run(
    name: str,
    project: codebuild.IProject,
    variables: Mapping[str, str],
    *,
    order: int,
    takes: str = ASSEMBLY,
    gives: Sequence[str] = (),
) -> Action:
    listed = [{"name": each, "value": value, "type": "PLAINTEXT"} for each, value in variables.items()]
    configuration = {
        "ProjectName": project.project_name,
        **({"EnvironmentVariables": json.dumps(listed)} if listed else {}),
    }
    return action(name, "Build", "CodeBuild", configuration, order=order, takes=[takes], gives=gives)
