"""The stack that registers the models of one slot of an environment, without their endpoints."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Stack
from constructs import Construct

from infra.components.registered_model import RegisteredModel
from infra.components.release_states import ReleaseStates
from infra.fleet import FleetEnvironment
from infra.fleet.spec import ModelSpec
from infra.stacks.properties import stack_properties


class RegistryStack(Stack):
    """Package groups, settings, schedules and release states of the models whose names fall into one slot.

    A stack per model would reach the account's quota of 2,000 stacks at a thousand models.
    """

    def __init__(
        self, scope: Construct, *, environment: FleetEnvironment, slot: int, models: Sequence[ModelSpec], root: Path
    ) -> None:
        names = environment.names
        super().__init__(
            scope,
            names.registry_stack(slot),
            **stack_properties(environment, "Package groups, settings, schedules and release states", stateful=True),
        )
        for model in models:
            RegisteredModel(self, model.name, environment=environment, model=model, root=root)
        ReleaseStates(self, "ReleaseStates", environment=names, models=sorted(model.name for model in models))
