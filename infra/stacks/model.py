"""The stack of one model in one environment, without its endpoint."""

from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.components.boundary import boundary_arn
from infra.components.drift_schedule import DriftSchedule
from infra.components.job_roles import JobRoles
from infra.components.model_watch import ModelWatch
from infra.components.package_group import PackageGroup
from infra.components.retraining_schedule import RetrainingSchedule
from infra.components.source_bundle import SourceBundle
from infra.fleet import FleetEnvironment
from infra.fleet.spec import ModelSpec
from infra.stacks.properties import stack_properties
from infra.stacks.shared import alert_topic, environment_key


class ModelStack(Stack):
    """Package group, settings, job roles, schedules and alarms of one model."""

    def __init__(self, scope: Construct, *, environment: FleetEnvironment, model: ModelSpec, root: Path) -> None:
        names = environment.names.model(model.name)
        super().__init__(
            scope,
            names.stack("model"),
            **stack_properties(
                environment, "Registry, settings, roles and drift schedule", stateful=True, model=model.name
            ),
        )
        PackageGroup(self, "Packages", model=names)
        source = SourceBundle(self, "Source", root=root, program=model.program_folder)
        ssm.StringParameter(
            self,
            "Settings",
            parameter_name=names.settings_parameter,
            description=f"Settings of {names.id}",
            string_value=environment.model_settings(model, code_uri=source.uri).to_json(),
        )
        JobRoles(self, "Roles", model=names, dataset=model.dataset, key=environment_key(self, environment.names))
        DriftSchedule(self, "Drift", model=names, expression=environment.drift_schedule(model))
        if expression := environment.retraining_schedule(model):
            RetrainingSchedule(self, "Retraining", model=names, expression=expression)
        ModelWatch(self, "Watch", model=names, topic=alert_topic(self, environment.names))
        boundary = iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", boundary_arn(environment.names))
        iam.PermissionsBoundary.of(self).apply(boundary)
