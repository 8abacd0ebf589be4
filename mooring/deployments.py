"""Finds the stacks whose templates differ from the deployed ones, and deploys those with the CDK's own CLI.

A template has an output with its digest (``infra/assembly.py``), and CloudFormation lists outputs in pages. It keeps
the outputs of the last template that was deployed completely, whoever deployed it; a release changes no template. So
there is no record of our own that could be wrong after a killed deployment or one by hand.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mooring import cdk
from mooring.errors import MooringError
from mooring.instance_types import refuse_changed_type
from mooring.persona_session import persona_session
from pipelines.interface.names import ENVIRONMENT_TAG

NEW, TEMPLATE = "new", "template"
SERVING = "-serving"
"""End of the names of the stacks with an endpoint."""
DIGEST = "TemplateDigest"
"""Name of the output with a template's digest."""
ENDED = (
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
)
"""States of a stack whose resources are those of its template. After a rolled back update that is the one before."""
LISTED = "aws:cloudformation:stack"
DEPLOYED = "✅"
"""Mark of the line that the CDK CLI prints for a deployed stack."""


@dataclass(frozen=True, kw_only=True)
class AssembledStack:
    """A stack of a cloud assembly; ``role`` is the ARN under which the CDK deploys it, ``template`` its file."""

    name: str
    template: Path
    account: str
    region: str
    role: str
    digest: str
    tags: Mapping[str, str]
    protected: bool


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A stack that is to be deployed, and why."""

    stack: str
    reason: str


def read_assembly(folder: Path) -> list[AssembledStack]:
    """Return the stacks of a cloud assembly, those first that others need."""
    artifacts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    return [_stack(folder, name, artifact) for name, artifact in artifacts.items() if artifact["type"] == LISTED]


def of_environments(stacks: Sequence[AssembledStack], environment_ids: Sequence[str]) -> list[AssembledStack]:
    """Return the stacks of these environments.

    Raises
    ------
    MooringError
        The assembly has no stack of one of them: it was made of another fleet, or for other environments.
    """
    found = {stack.tags.get(ENVIRONMENT_TAG) for stack in stacks}
    if absent := [name for name in environment_ids if name not in found]:
        raise MooringError(
            f"the cloud assembly has no stack of {', '.join(absent)}", remedy="build it for these environments as well"
        )
    return [stack for stack in stacks if stack.tags.get(ENVIRONMENT_TAG) in environment_ids]


def _stack(folder: Path, name: str, artifact: Mapping[str, Any]) -> AssembledStack:
    properties = artifact["properties"]
    account, region = artifact["environment"].removeprefix("aws://").split("/")
    path = folder / properties["templateFile"]
    template = json.loads(path.read_text(encoding="utf-8"))
    return AssembledStack(
        name=properties.get("stackName", name),
        template=path,
        account=account,
        region=region,
        role=properties["assumeRoleArn"].replace("${AWS::Partition}", "aws"),
        digest=template["Outputs"][DIGEST]["Value"],
        tags=properties.get("tags", {}),
        protected=properties.get("terminationProtection", False),
    )


def compare(wanted: AssembledStack, deployed: Mapping[str, Any] | None) -> Difference | None:
    """Compare a stack with its entry in DescribeStacks, which is None if there is none; None means no difference."""
    if deployed is None or deployed["StackStatus"] == "REVIEW_IN_PROGRESS":
        return Difference(stack=wanted.name, reason=NEW)
    if deployed["StackStatus"] not in ENDED:
        return Difference(stack=wanted.name, reason=deployed["StackStatus"])
    outputs = {output["OutputKey"]: output["OutputValue"] for output in deployed.get("Outputs", ())}
    if outputs.get(DIGEST) != wanted.digest:
        return Difference(stack=wanted.name, reason=TEMPLATE)
    if {tag["Key"]: tag["Value"] for tag in deployed.get("Tags", ())} != wanted.tags:
        return Difference(stack=wanted.name, reason="tags")
    if deployed.get("EnableTerminationProtection", False) != wanted.protected:
        return Difference(stack=wanted.name, reason="termination protection")
    return None


def differences(stacks: Sequence[AssembledStack], list_stacks: Callable[..., Iterator[Any]]) -> list[Difference]:
    """Return the stacks to deploy, in the assembly's order; ``list_stacks`` yields what a place has."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for stack in stacks:
        place = (stack.account, stack.region)
        if place not in found:
            found[place] = {each["StackName"]: each for each in list_stacks(stack)}
    compared = (compare(stack, found[stack.account, stack.region].get(stack.name)) for stack in stacks)
    return [difference for difference in compared if difference]


def list_deployed(place: AssembledStack) -> Iterator[Any]:
    """Yield all stacks of an account and region; raise ``MooringError`` as ``new_client`` does."""
    for page in new_client(place).get_paginator("describe_stacks").paginate():
        yield from page["Stacks"]


def refuse_changed_types(
    stacks: Sequence[AssembledStack], found: Sequence[Difference], client: Callable[[AssembledStack], Any]
) -> None:
    """Raise ``MooringError`` if a difference would change the instance type of a scaled endpoint.

    ``client`` returns a CloudFormation client for a stack's account and region.
    """
    changed = {difference.stack for difference in found if difference.reason == TEMPLATE}
    for stack in stacks:
        if stack.name in changed and stack.name.endswith(SERVING):
            deployed = client(stack).get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
            wanted = json.loads(stack.template.read_text(encoding="utf-8"))
            refuse_changed_type(stack.name, deployed if isinstance(deployed, dict) else json.loads(deployed), wanted)


@cache
def _client(role: str, account: str, region: str) -> Any:
    sts = boto3.client("sts", region_name=region)
    try:
        session = persona_session(sts, role, name="mooring-deploy", region=region)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        raise MooringError(
            f"cannot assume {role}: {error}",
            remedy=f"use credentials of account {account} that may assume it, or run mooring bootstrap first",
        ) from error
    return session.client("cloudformation")


def new_client(place: AssembledStack) -> Any:
    """Return a CloudFormation client for a stack's account and region, as the role under which the CDK deploys there.

    Raises
    ------
    MooringError
        The credentials may not assume that role.
    """
    return _client(place.role, place.account, place.region)


def deploy(
    assembly: Path,
    stacks: Sequence[str],
    *,
    concurrency: int,
    variables: Mapping[str, str],
    log: Path,
    on_deployed: Callable[[str], None] = lambda _: None,
) -> None:
    """Deploy stacks of an assembly in the order of their dependencies, up to ``concurrency`` at a time.

    Raises
    ------
    MooringError
        A stack failed. What was deployed by then is no difference any more: the next call continues.
    """

    def read_line(line: str) -> None:
        if DEPLOYED in line:
            on_deployed(line.partition(DEPLOYED)[2].split()[0])

    options = ["--concurrency", str(concurrency), "--require-approval", "never"]
    cdk.run(
        ["deploy", "--app", str(assembly), "--exclusively", *stacks, *options],
        variables=variables,
        log=log,
        on_line=read_line,
    )
