"""The stack of a team's pipelines, in the fleet's tooling account."""

from pathlib import Path

from aws_cdk import Stack
from constructs import Construct

from infra import layer
from infra.components.alerts import Alerts
from infra.components.boundary import apply_boundary
from infra.components.builds import Builds
from infra.components.code_pipeline import CodePipeline
from infra.components.environment_key import EnvironmentKey
from infra.components.function import Function
from infra.components.function_layer import function_layer
from infra.components.models_pipeline import ModelsPipeline
from infra.components.pipeline_triggers import PipelineTriggers
from infra.components.promotion_bus import PromotionBus
from infra.components.promotion_personas import PromotionPersonas
from infra.components.stage_flow import StagePlan, stage_flow
from infra.components.state_machine import StateMachine
from infra.components.tooling_buckets import ToolingBuckets
from infra.fleet import FleetEnvironment
from infra.fleet.promotion import Promotion
from infra.functions import DRIVE_PROMOTION
from infra.grants import Grants
from infra.stacks.properties import stack_properties
from pipelines.interface.env import FunctionEnv


class PromotionStack(Stack):
    """Pipelines of a team's code and models, with the machine and the function that act in the environments."""

    def __init__(self, scope: Construct, *, environment: FleetEnvironment, root: Path) -> None:
        names, team, retention = environment.names, environment.team, environment.retention
        tooling = environment.fleet.tooling
        assert tooling, "only a fleet with a tooling account has this stack"
        super().__init__(
            scope,
            names.stack("promotion"),
            **stack_properties(environment, "Pipelines of code and models", stateful=True),
        )
        stages = stage_plans(environment)
        every = [each for stage in stages for each in stage.environments]
        requesters = [each for stage in stages[:-1] for each in stage.environments]
        key = EnvironmentKey(self, "Key", environment=names).key
        alerts = Alerts(self, "Alerts", environment=names, key=key, owners=team.owners)
        buckets = ToolingBuckets(
            self,
            "Buckets",
            environment=names,
            key=key,
            retention=retention,
            requesters=requesters,
            has_source=tooling.source is None,
        )
        promotion = Promotion(
            tooling=names,
            trainers=(),
            source=None,
            following=(),
            later=tuple(every),
            stages=tuple(stage.name for stage in stages),
        )
        sdk = function_layer(self, "Sdk", environment=names, description="boto3 for all functions", wheels=layer.SDK)
        Function(
            self,
            "DrivePromotion",
            spec=DRIVE_PROMOTION,
            statements=DRIVE_PROMOTION.may(Grants(names, promotion)),
            env=FunctionEnv(
                team=names.team,
                stage=names.stage,
                account=names.account,
                region=names.region,
                data_bucket=names.bucket("data"),
            ),
            root=root,
            key=key,
            dead_letters=alerts.dead_letters,
            layers=[sdk],
            log_days=retention.logs,
        )
        StateMachine(
            self,
            "Promotion",
            environment=names,
            kind="promotion",
            definition=stage_flow(names, stages),
            key=key,
            log_days=retention.logs,
        )
        builds = Builds(
            self,
            "Builds",
            environment=names,
            deployed=every,
            artifacts=buckets.pipeline,
            key=key,
            log_days=retention.logs,
        )
        code = CodePipeline(
            self,
            "Code",
            environment=names,
            tooling=tooling,
            stages=stages,
            builds=builds,
            buckets=buckets,
            topic=alerts.topic,
            key=key,
        ).pipeline
        triggers = PipelineTriggers(self, "Triggers", environment=names, dead_letters=alerts.dead_letters)
        if buckets.source:
            triggers.on_push(code)
        bus = PromotionBus(self, "Events", environment=names, requesters=requesters).bus
        if stages[1:]:
            models = ModelsPipeline(
                self,
                "Models",
                environment=names,
                stages=stages[1:],
                records=buckets.records,
                artifacts=buckets.pipeline,
                topic=alerts.topic,
                key=key,
            ).pipeline
            triggers.on_request(models, bus)
        PromotionPersonas(self, "Personas", environment=names, stages=stages, key=key)
        apply_boundary(self, names)


def stage_plans(environment: FleetEnvironment) -> list[StagePlan]:
    """Return the team's stages, in promotion order, as its pipelines need them."""
    return [
        StagePlan(
            name=spec.name,
            environments=tuple(each.names for each in environments),
            ordered=spec.promotion.regions == "ordered",
            approval=spec.promotion.approval == "manual",
        )
        for spec, environments in environment.fleet.promotion_stages(environment.team)
    ]
