"""Fake of CloudFormation: stacks in memory, whose operations end at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from pipelines.interface.names import Environment, Model


@dataclass
class FakeStack:
    """A stack with its template; each resource's physical id is ``<logical id>-physical``."""

    template: dict[str, Any]
    tags: dict[str, str]
    status: str = "CREATE_COMPLETE"
    protected: bool = False


@dataclass
class FakeCloudFormation:
    """The stacks by name; ``calls`` are the operations that changed one. ``failing`` stacks refuse their deletion."""

    stacks: dict[str, FakeStack] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)

    def add(
        self,
        name: str,
        template: dict[str, Any],
        environment: Environment,
        *,
        model: Model | None = None,
        protected: bool = False,
    ) -> None:
        tags = {"mooring:environment": environment.id} | ({"mooring:model": model.name} if model else {})
        self.stacks[name] = FakeStack(template=template, tags=tags, protected=protected)

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(self, operation)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"Stacks": [self._described(self._name(StackName))]}

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        assert TemplateStage == "Original"
        return {"TemplateBody": json.dumps(self.stacks[StackName].template)}

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> None:  # noqa: N803
        self.stacks[StackName].protected = EnableTerminationProtection

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        stack = self.stacks[StackName]
        if stack.protected:
            raise _error(f"Stack [{StackName}] cannot be deleted while TerminationProtection is enabled")
        self.calls.append(("delete", StackName))
        stack.status = "DELETE_FAILED" if StackName in self.failing else "DELETE_COMPLETE"

    def update_stack(self, StackName: str, TemplateBody: str, **_: Any) -> None:  # noqa: N803
        self.calls.append(("update", StackName))
        stack = self.stacks[StackName]
        stack.template, stack.status = json.loads(TemplateBody), "UPDATE_COMPLETE"

    def left(self) -> list[str]:
        """Return the names of the stacks that are not deleted."""
        return sorted(name for name, stack in self.stacks.items() if stack.status != "DELETE_COMPLETE")

    def _name(self, name_or_id: str) -> str:
        name = name_or_id.removeprefix("id:")
        found = self.stacks.get(name)
        # CloudFormation finds a deleted stack by its id only.
        if found is None or (found.status == "DELETE_COMPLETE" and name == name_or_id):
            raise _error(f"Stack with id {name_or_id} does not exist")
        return name

    def _described(self, name: str) -> dict[str, Any]:
        stack = self.stacks[name]
        return {
            "StackName": name,
            "StackId": f"id:{name}",
            "StackStatus": stack.status,
            "StackStatusReason": "the fake refuses",
            "EnableTerminationProtection": stack.protected,
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        }


@dataclass
class _Pages:
    cloud: FakeCloudFormation
    operation: str

    def paginate(self, StackName: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        if self.operation == "describe_stacks":
            for name in self.cloud.left():
                yield {"Stacks": [self.cloud._described(name)]}
        else:
            assert self.operation == "list_stack_resources"
            resources = self.cloud.stacks[StackName].template["Resources"]
            yield {
                "StackResourceSummaries": [
                    {
                        "LogicalResourceId": logical_id,
                        "ResourceType": resource["Type"],
                        "PhysicalResourceId": f"{logical_id}-physical",
                        "ResourceStatus": "CREATE_COMPLETE",
                    }
                    for logical_id, resource in resources.items()
                ]
            }


def _error(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "CloudFormation")
