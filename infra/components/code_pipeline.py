"""The pipeline that takes the team's code through all stages: one build, and that assembly everywhere."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.components.builds import Builds
from infra.components.code_source import CODE, code_source
from infra.components.pipeline import (
    EXECUTION_ID,
    SOURCE,
    Action,
    Pipeline,
    Stage,
    action,
    approve,
    run_machine,
)
from infra.components.pipeline_grants import promote_and_ask
from infra.components.policies import allow
from infra.components.stage_flow import StagePlan
from infra.components.tooling_buckets import ToolingBuckets
from infra.fleet.spec import ToolingSpec
from pipelines.interface.names import Environment
from pipelines.interface.requests import Step

ASSEMBLY = "Assembly"
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
        self._machine, self._deploys, self._topic = environment.state_machine_arn("promotion"), builds.deploys, topic
        source, reads = code_source(tooling, buckets.source)
        projects = sorted({project.project_arn for project in (builds.build, builds.update, *builds.deploys.values())})
        self.pipeline = Pipeline(
            self,
            "Code",
            environment=environment,
            kind="code",
            mode=MODES[tooling.pushes],
            stages=[
                Stage(name=SOURCE, actions=[source]),
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
                *promote_and_ask(environment, topic),
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
