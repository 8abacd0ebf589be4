"""The parts of one model in a Registry stack, which it shares with other models: found by their names, and taken out.

A stack's template without the model's parts is what ``cdk deploy`` makes once the model has left ``fleet.yaml``.
"""

import copy
from typing import Any

from mooring.environments.stacks import Template
from pipelines.interface.names import Model

NAME_PROPERTIES = ("ModelPackageGroupName", "Name")
RELEASE_STATES = "Custom::ReleaseStates"
OF_NO_MODEL = (RELEASE_STATES, "AWS::CDK::Metadata")
"""Types of resources that are of no use without a model."""


def parts_of(template: Template, model: Model) -> dict[str, str]:
    """Return the model's resources in a template: the name of each by its logical id."""
    names = {model.package_group, model.settings_parameter, model.drift_schedule, model.retraining_schedule}
    found = {logical_id: _name(resource) for logical_id, resource in template.get("Resources", {}).items()}
    return {logical_id: name for logical_id, name in found.items() if name in names}


def without(template: Template, model: Model) -> Template | None:
    """Return the template without the model's parts; None if no other model's are left."""
    left = copy.deepcopy(template)
    for logical_id in parts_of(template, model):
        del left["Resources"][logical_id]
    for resource in left["Resources"].values():
        if resource["Type"] == RELEASE_STATES:
            properties = resource["Properties"]
            # The state must be created again if the model comes back, and only a changed list calls the function.
            properties["Models"] = [name for name in properties["Models"] if name != model.name]
    used = any(resource["Type"] not in OF_NO_MODEL for resource in left["Resources"].values())
    return left if used else None


def _name(resource: dict[str, Any]) -> str:
    properties = resource.get("Properties", {})
    return next((str(properties[key]) for key in NAME_PROPERTIES if isinstance(properties.get(key), str)), "")
