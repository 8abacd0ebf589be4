"""The stack of one model's endpoint in one environment; it is empty until a release names a champion."""

from aws_cdk import Stack
from constructs import Construct

from infra.components.model_endpoint import ModelEndpoint
from infra.fleet import FleetEnvironment
from infra.fleet.spec import ModelSpec
from infra.stacks.properties import stack_properties


class ServingStack(Stack):
    """Endpoint, scaling and alarm of one model.

    Its one parameter is the release state: a release and a deployment give the same resources.
    """

    def __init__(self, scope: Construct, *, environment: FleetEnvironment, model: ModelSpec) -> None:
        names = environment.names.model(model.name)
        super().__init__(
            scope,
            names.stack("serving"),
            **stack_properties(environment, "Endpoint, scaling and alarm", stateful=True, model=model.name),
        )
        ModelEndpoint(self, "Serving", model=names, serving=environment.serving(model))
