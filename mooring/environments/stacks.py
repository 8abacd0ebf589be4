"""The stacks of an environment as they are deployed: found by their tags, deleted, updated, and given resources."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mooring.errors import MooringError
from pipelines.aws.clients import Services
from pipelines.interface.names import ENVIRONMENT_TAG

MODEL_TAG = "mooring:model"
POLL_S = 1.0
TIMEOUT_S = 3600.0
LARGEST_BODY = 51_200
"""Largest template in bytes that CloudFormation takes in a request; it reads a larger one from a bucket."""
NOTHING_TO_DO = "No updates are to be performed"
GONE = "DELETE_COMPLETE"
ROLLED_BACK = "ROLLBACK_COMPLETE"
NOT_THERE = (GONE, "REVIEW_IN_PROGRESS")

Template = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """A stack of the environment; ``model`` is set if it belongs to one model alone."""

    name: str
    status: str
    model: str | None
    protected: bool


@dataclass(frozen=True, kw_only=True)
class StackResource:
    """A resource that a stack holds. ``retained`` resources stay when the stack is deleted."""

    logical_id: str
    type: str
    physical_id: str
    retained: bool


@dataclass(frozen=True, kw_only=True)
class Import:
    """A resource that exists, and its place in a stack; ``identifier`` names it as CloudFormation wants it."""

    logical_id: str
    type: str
    identifier: Mapping[str, str]


class Stacks:
    """The stacks of one environment, through the caller's CloudFormation client."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._client = services.client("cloudformation")

    def listed(self) -> list[DeployedStack]:
        """Return the stacks with the environment's tag."""
        pages = self._client.get_paginator("describe_stacks").paginate()
        found = [_deployed(stack, self._services.environment.id) for page in pages for stack in page["Stacks"]]
        return [stack for stack in found if stack]

    def exists(self, name: str) -> bool:
        """Return whether a stack was created; one whose creation failed holds nothing and can only be deleted."""
        described = self._describe(name)
        return described is not None and described["StackStatus"] != ROLLED_BACK

    def template(self, name: str) -> Template:
        """Return the template that the stack was last deployed with."""
        body = self._client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else dict(body)

    def resources(self, name: str) -> Iterator[StackResource]:
        """Yield what the stack holds."""
        declared = self.template(name).get("Resources", {})
        for page in self._client.get_paginator("list_stack_resources").paginate(StackName=name):
            for found in page["StackResourceSummaries"]:
                if found["ResourceStatus"] == GONE or not found.get("PhysicalResourceId"):
                    continue
                policy = declared.get(found["LogicalResourceId"], {}).get("DeletionPolicy", "Delete")
                yield StackResource(
                    logical_id=found["LogicalResourceId"],
                    type=found["ResourceType"],
                    physical_id=found["PhysicalResourceId"],
                    retained=policy.startswith("Retain"),
                )

    def delete(self, name: str) -> None:
        """Delete a stack, termination protection or not, and wait for its end; do nothing if there is none.

        Raises
        ------
        MooringError
            A resource could not be deleted.
        """
        stack = self._describe(name)
        if stack is None:
            return
        if stack.get("EnableTerminationProtection"):
            self._client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
        self._client.delete_stack(StackName=name)
        # A deleted stack is found by its id only.
        ended = self._ended(stack["StackId"])
        if ended["StackStatus"] != GONE:
            raise MooringError(
                f"{name} is {ended['StackStatus']}: {ended.get('StackStatusReason', 'without a reason')}",
                remedy="repair what the reason names, and repeat the command: it continues where it ended",
            )

    def update(self, name: str, template: Template) -> None:
        """Give a stack another template with the parameters that it has, and wait for the end."""
        stack = self._describe(name)
        if stack is None:
            raise MooringError(f"there is no stack {name}", remedy="list the stacks: aws cloudformation list-stacks")
        try:
            self._client.update_stack(
                StackName=name,
                **self._body(name, template),
                Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in template.get("Parameters", {})],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        except ClientError as error:
            if NOTHING_TO_DO in str(error):
                return
            raise
        self._require(name, "UPDATE_COMPLETE")

    def adopt(self, name: str, template: Template, imports: list[Import]) -> None:
        """Import resources that exist into a stack, which is created if it is absent; wait for the end.

        CloudFormation changes none of them. ``template`` is the whole template after the import.
        """
        change_set = f"mooring-adopt-{time.time_ns()}"
        exists = self.exists(name)
        if not exists:
            self.delete(name)
        parameters = template.get("Parameters", {}) if exists else {}
        self._client.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType="IMPORT",
            ResourcesToImport=[
                {
                    "ResourceType": one.type,
                    "LogicalResourceId": one.logical_id,
                    "ResourceIdentifier": dict(one.identifier),
                }
                for one in imports
            ],
            **self._body(name, template),
            Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in parameters],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        self._await_change_set(name, change_set)
        self._client.execute_change_set(StackName=name, ChangeSetName=change_set)
        self._require(name, "IMPORT_COMPLETE", begins="IMPORT")

    def _await_change_set(self, name: str, change_set: str) -> None:
        while True:
            made = self._client.describe_change_set(StackName=name, ChangeSetName=change_set)
            if made["Status"] in ("CREATE_COMPLETE", "FAILED"):
                break
            time.sleep(POLL_S)
        if made["Status"] == "FAILED" or made["ExecutionStatus"] != "AVAILABLE":
            self._client.delete_change_set(StackName=name, ChangeSetName=change_set)
            raise MooringError(
                f"CloudFormation refuses the import into {name}: {made.get('StatusReason')}",
                remedy="see what exists: mooring adopt ENVIRONMENT --plan",
            )

    def _require(self, name: str, status: str, *, begins: str = "") -> None:
        ended = self._ended(name, begins=begins)
        if ended["StackStatus"] != status:
            raise MooringError(
                f"{name} is {ended['StackStatus']}, not {status}: {ended.get('StackStatusReason', '')}",
                remedy=f"read the stack's events: aws cloudformation describe-stack-events --stack-name {name}",
            )

    def _ended(self, name: str, *, begins: str = "") -> Mapping[str, Any]:
        """Return the stack when no operation is in progress and its status ``begins`` so: an import starts late."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            stack = self._found(name) or {"StackStatus": GONE}
            if not stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"].startswith(begins):
                return stack
            if time.monotonic() > end:
                raise MooringError(
                    f"{name} is still {stack['StackStatus']} after {TIMEOUT_S:.0f} s",
                    remedy="repeat the command: it continues where it ended",
                )
            time.sleep(POLL_S)

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        """Return the stack or None; CloudFormation also finds stacks that are deleted, or not made yet."""
        found = self._found(name)
        return None if found is None or found["StackStatus"] in NOT_THERE else found

    def _found(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found

    def _body(self, name: str, template: Template) -> dict[str, str]:
        """Return the template as an argument; a large one goes through the bootstrap's bucket, as in ``cdk deploy``."""
        body = json.dumps(template, separators=(",", ":"))
        if len(body.encode()) <= LARGEST_BODY:
            return {"TemplateBody": body}
        environment = self._services.environment
        bucket, key = environment.asset_bucket, f"templates/{name}.json"
        self._services.client("s3").put_object(
            Bucket=bucket, Key=key, Body=body.encode(), ExpectedBucketOwner=environment.account
        )
        return {"TemplateURL": f"https://{bucket}.s3.{environment.region}.amazonaws.com/{key}"}


def _deployed(stack: Mapping[str, Any], environment_id: str) -> DeployedStack | None:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    ours = tags.get(ENVIRONMENT_TAG) == environment_id
    if not ours or stack["StackStatus"] in NOT_THERE:
        return None
    return DeployedStack(
        name=stack["StackName"],
        status=stack["StackStatus"],
        model=tags.get(MODEL_TAG),
        protected=bool(stack.get("EnableTerminationProtection")),
    )
