"""Finds a change that SageMaker refuses: another instance type for an endpoint that is scaled.

CloudFormation updates the endpoint while its scalable target is still registered: a target that the new template lacks
is deleted only after the update. So the change needs two deployments.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mooring.errors import MooringError

Template = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TypeChange:
    """The instance type that a template would change."""

    before: str
    after: str


def changed_instance_type(deployed: Template, new: Template) -> TypeChange | None:
    """Return the change of a scaled endpoint's instance type that deploying ``new`` would try, or None.

    ``deployed`` and ``new`` are the templates of one Serving stack.
    """
    if not any(_of_type(deployed, "AWS::ApplicationAutoScaling::ScalableTarget")):
        return None
    before, after = _instance_types(deployed), _instance_types(new)
    for variant in sorted(before.keys() & after.keys()):
        if before[variant] != after[variant]:
            return TypeChange(before=before[variant], after=after[variant])
    return None


def refuse_changed_type(stack: str, deployed: Template, new: Template) -> None:
    """Raise ``MooringError`` if deploying ``new`` would change the instance type of a scaled endpoint."""
    if change := changed_instance_type(deployed, new):
        raise MooringError(
            f"{stack} would change serving.instance_type from {change.before} to {change.after} while its endpoint is "
            "scaled: SageMaker refuses that, and CloudFormation would roll back",
            remedy=f"deploy twice: first with {change.before} and serving.min_instances equal to max_instances, which "
            f"ends the scaling; then with {change.after} and the instances that you want",
        )


def _instance_types(template: Template) -> dict[str, str]:
    """Return the instance types by the names of the variants."""
    return {
        str(variant["VariantName"]): str(variant["InstanceType"])
        for config in _of_type(template, "AWS::SageMaker::EndpointConfig")
        for variant in config["Properties"]["ProductionVariants"]
    }


def _of_type(template: Template, kind: str) -> Iterator[Mapping[str, Any]]:
    return (found for found in template.get("Resources", {}).values() if found["Type"] == kind)
