"""The parts of a model beside its endpoint: package group, settings and schedules."""

from pathlib import Path

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.components.drift_schedule import DriftSchedule
from infra.components.package_group import PackageGroup
from infra.components.retraining_schedule import RetrainingSchedule
from infra.components.source_bundle import SourceBundle
from infra.fleet import FleetEnvironment
from infra.fleet.spec import ModelSpec


class RegisteredModel(Construct):
    """Package group, settings and schedules of one model: three or four resources, which cost nothing until used."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: FleetEnvironment, model: ModelSpec, root: Path
    ) -> None:
        super().__init__(scope, construct_id)
        names = environment.names.model(model.name)
        PackageGroup(self, "Packages", model=names)
        source = SourceBundle(self, "Source", root=root, program=model.program_folder)
        ssm.CfnParameter(
            self,
            "Settings",
            type="String",
            name=names.settings_parameter,
            description=f"Settings of {names.id}",
            value=environment.model_settings(model, code_uri=source.uri).to_json(),
        )
        DriftSchedule(self, "Drift", model=names, expression=environment.drift_schedule(model))
        if expression := environment.retraining_schedule(model):
            RetrainingSchedule(self, "Retraining", model=names, expression=expression)
