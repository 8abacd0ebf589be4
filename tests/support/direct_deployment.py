"""Deploys assemblies with the CloudFormation API alone, and says what happened to which resource."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mooring.deployments import AssembledStack

Happened = dict[tuple[str, str], str]
"""What became of resources, by their stacks and logical ids: add, remove, replace or update."""
LARGEST_ASSET = 4_000_000
"""Size in bytes above which an asset is uploaded empty: only the wheels of layers are larger, and no test imports them
from there."""


@dataclass
class Deployer:
    """Creates and updates stacks as an account's root; ``client`` makes clients. ``uploaded`` are keys of assets."""

    client: Callable[[str], Any]
    bucket: str
    uploaded: set[str] = field(default_factory=set)

    def deploy(self, folder: Path, stacks: Iterable[AssembledStack]) -> Happened:
        """Deploy stacks of an assembly; return what happened to their resources."""
        self._upload(folder)
        happened: Happened = {}
        for stack in stacks:
            happened |= self._deploy(stack)
        return happened

    def update(self, name: str) -> None:
        """Update a stack with the template and the parameters that it has."""
        cloudformation = self.client("cloudformation")
        parameters = cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Parameters", [])
        cloudformation.update_stack(
            StackName=name,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in parameters],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        self._settled(name)

    def _deploy(self, stack: AssembledStack) -> Happened:
        cloudformation = self.client("cloudformation")
        exists = self._exists(stack.name)
        before, seen = self._resources(stack.name) if exists else {}, self._events(stack.name) if exists else {}
        body = stack.template.read_bytes()
        self.client("s3").put_object(Bucket=self.bucket, Key=f"{stack.name}.json", Body=body)
        request = {
            "StackName": stack.name,
            "TemplateURL": f"https://s3.{stack.region}.amazonaws.com/{self.bucket}/{stack.name}.json",
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        }
        if exists:
            known = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0].get("Parameters", [])
            declared = json.loads(body).get("Parameters", {})
            request["Parameters"] = [
                {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
                for each in known
                if each["ParameterKey"] in declared
            ]
            cloudformation.update_stack(**request)
        else:
            cloudformation.create_stack(**request)
        self._settled(stack.name)
        after = self._resources(stack.name)
        events = [event for key, event in self._events(stack.name).items() if key not in seen]
        updated = {
            event["LogicalResourceId"]
            for event in events
            if event["ResourceStatus"] == "UPDATE_COMPLETE" and event["LogicalResourceId"] != stack.name
        }
        found: Happened = {}
        for logical_id in {*before, *after, *updated}:
            if logical_id not in before:
                found[stack.name, logical_id] = "add"
            elif logical_id not in after:
                found[stack.name, logical_id] = "remove"
            elif before[logical_id] != after[logical_id]:
                found[stack.name, logical_id] = "replace"
            elif logical_id in updated:
                found[stack.name, logical_id] = "update"
        return found

    def _upload(self, folder: Path) -> None:
        s3 = self.client("s3")
        for path in sorted(folder.glob("*.assets.json")):
            for asset in json.loads(path.read_text())["files"].values():
                (destination,) = asset["destinations"].values()
                key, source = destination["objectKey"], folder / asset["source"]["path"]
                if key in self.uploaded or path.name.endswith(".template.json"):
                    continue
                self.uploaded.add(key)
                body = _zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
                s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def _exists(self, name: str) -> bool:
        return any(
            stack["StackName"] == name
            for page in self.client("cloudformation").get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
        )

    def _settled(self, name: str) -> None:
        cloudformation = self.client("cloudformation")
        while True:
            stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            status = stack["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(0.05)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            reasons = [event.get("ResourceStatusReason", "") for event in self._events(name).values()]
            raise AssertionError(f"{name} is {status}: {[reason for reason in reasons if reason][:5]}")

    def _resources(self, name: str) -> dict[str, str]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
        }

    def _events(self, name: str) -> dict[str, dict[str, Any]]:
        pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
        return {event["EventId"]: event for page in pages for event in page["StackEvents"]}


def _zipped(folder: Path) -> bytes:
    sink = io.BytesIO()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()] if folder.is_dir() else [folder]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        if sum(path.stat().st_size for path in files) <= LARGEST_ASSET:
            for path in files:
                archive.write(path, path.relative_to(folder).as_posix())
        else:
            archive.writestr("empty", "")
    return sink.getvalue()
