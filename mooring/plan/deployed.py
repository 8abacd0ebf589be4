"""Reads the deployed stacks of a plan's places, under the role with which the CDK deploys there."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mooring import deployments
from mooring.deployments import AssembledStack

GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
"""States of stacks that hold nothing: ``cdk deploy`` creates them anew."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The reads of CloudFormation that a plan needs, in the account and region of a stack."""

    list_stacks: Callable[[AssembledStack], Iterator[Any]] = deployments.list_deployed
    client: Callable[[AssembledStack], Any] = deployments.new_client

    def template(self, place: AssembledStack, name: str) -> dict[str, Any]:
        """Return the template with which a stack was deployed."""
        body = self.client(place).get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        return dict(body) if isinstance(body, Mapping) else dict(json.loads(body))


def tags_of(deployed: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in deployed.get("Tags", ())}


def parameters_of(deployed: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a deployed stack's parameters as its template uses them; those of list types are lists."""
    declared = template.get("Parameters", {})
    found: dict[str, Any] = {}
    for parameter in deployed.get("Parameters", ()):
        name = parameter["ParameterKey"]
        value = parameter.get("ResolvedValue", parameter.get("ParameterValue", ""))
        is_list = "List<" in declared.get(name, {}).get("Type", "")
        found[name] = value.split(",") if is_list else value
    return found
