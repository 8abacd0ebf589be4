"""What becomes of a model's endpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.plan.deployed import parameters_of
from mooring.plan.differences import Compared
from mooring.plan.records import Action, EndpointChange
from pipelines.interface.release_state import EMPTY, FIELDS

ENDPOINT = "AWS::SageMaker::Endpoint"
SCALING = "AWS::ApplicationAutoScaling::"
PARAMETER = "ReleaseState"


def has_champion(deployed: Mapping[str, Any] | None, template: Mapping[str, Any] | None) -> bool:
    """Return whether a deployed Serving stack has an endpoint: its release state names a champion."""
    if deployed is None or template is None:
        return False
    state = parameters_of(deployed, template).get(PARAMETER)
    return isinstance(state, list) and len(state) == len(FIELDS) and state[FIELDS.index("champion")] != EMPTY


def endpoint_change(model: str, compared: Sequence[Compared], *, serves: bool) -> EndpointChange:
    """Return what a deployment does to the endpoint; ``compared`` are the changes of its Serving stack."""
    touched = [one.change for one in compared if one.change.touched]
    endpoint = next((change for change in touched if change.type == ENDPOINT), None)
    if endpoint is None:
        if any(change.type.startswith(SCALING) for change in touched):
            return EndpointChange(model=model, text="endpoint keeps its config, its scaling changes", untouched=False)
        text = "endpoint untouched" if serves else "no endpoint until its first release"
        return EndpointChange(model=model, text=text, untouched=True)
    if endpoint.action == Action.ADD:
        text = "endpoint created"
    elif endpoint.action == Action.REMOVE:
        text = "endpoint taken out of the stack" + (" and kept" if endpoint.kept else " and deleted")
    elif endpoint.effect == "replace":
        text = "endpoint replaced"
    elif any(one.path == "EndpointConfigName" for one in endpoint.properties):
        text = "endpoint updated blue/green: new instances take over without an interruption"
    else:
        text = "endpoint updated in place"
    return EndpointChange(model=model, text=text, untouched=False)
