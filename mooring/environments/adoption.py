"""Adopts resources that exist: CloudFormation imports them into the stacks that would create them, and changes none.

After ``mooring env down`` the buckets, the ledger, the key and the packages exist without a stack; a deployment would
fail on their names, or encrypt with a new key that cannot read the old data. CloudFormation finds resources by itself
(``cdk deploy --import-existing-resources``) only where a name in the template identifies them: not keys, which have no
name, and not package groups, which it identifies by their ARNs.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mooring.deployments import read_assembly
from mooring.environments.stacks import Import, Stacks, Template
from mooring.environments.sweep import archives
from mooring.errors import MooringError
from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.packages import ABSENT_CODES
from pipelines.flows.release.serving import is_absent, leads_to, read_chain
from pipelines.interface.names import Environment
from pipelines.interface.release_state import ReleaseState

ENDPOINT = "AWS::SageMaker::Endpoint"
SERVED = (ENDPOINT, "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Model")

Resource = Mapping[str, Any]
Identify = Callable[[Services, Resource], Mapping[str, str] | None]
"""Return a resource's identifier for CloudFormation, or None if it does not exist."""


@dataclass(frozen=True, kw_only=True)
class StackAdoption:
    """The imports into one stack; ``template`` is its template with them, and ``is_new`` whether it must be created."""

    stack: str
    imports: tuple[Import, ...]
    template: Template
    is_new: bool


def read_templates(assembly: Path, environment: Environment) -> dict[str, Template]:
    """Return the environment's synthesized templates by stack, in the order of their names."""
    paths = sorted(assembly.glob(f"{environment.id}-*.template.json"))
    return {path.name.removesuffix(".template.json"): json.loads(path.read_text()) for path in paths}


def read_tags(assembly: Path) -> dict[str, Mapping[str, str]]:
    """Return the tags of each synthesized stack."""
    return {stack.name: stack.tags for stack in read_assembly(assembly)}


def plan_adoption(
    services: Services, templates: Mapping[str, Template], tags: Mapping[str, Mapping[str, str]]
) -> list[StackAdoption]:
    """Return the imports of what exists and is in no stack yet.

    Raises
    ------
    MooringError
        The environment's key is to be deleted: a new one could not read the old data.
    """
    stacks, planned = Stacks(services), []
    for name, template in templates.items():
        deployed = stacks.template(name) if stacks.exists(name) else None
        found = list(_imports(services, template, deployed or {}))
        if found:
            after = _template_after(template, deployed, found, tags.get(name, {}))
            planned.append(
                StackAdoption(
                    stack=name,
                    imports=tuple(found),
                    template=after,
                    is_new=deployed is None,
                )
            )
    return planned


def adopt(services: Services, planned: list[StackAdoption], on_step: Callable[[str], None] = lambda _: None) -> None:
    """Carry the plan out, stack by stack."""
    for adoption in planned:
        on_step(f"importing {len(adoption.imports)} resources into {adoption.stack}")
        Stacks(services).adopt(adoption.stack, adoption.template, list(adoption.imports))


def _imports(services: Services, template: Template, deployed: Template) -> Iterator[Import]:
    serving = {} if deployed else _serving(services, template)
    for logical_id, resource in template.get("Resources", {}).items():
        if logical_id in deployed.get("Resources", {}):
            continue
        identify = _IDENTIFY.get(resource["Type"])
        found = identify(services, resource.get("Properties", {})) if identify else serving.get(resource["Type"])
        if found:
            yield Import(logical_id=logical_id, type=resource["Type"], identifier=found)


def _template_after(
    template: Template, deployed: Template | None, imports: list[Import], tags: Mapping[str, str]
) -> Template:
    """Return the deployed template, if there is one, with the imported resources.

    An import may not bring the stack's ``tags``. Endpoint, config and model have them as properties: without them the
    next deployment, which brings the stack's, would replace config and model.

    An import creates nothing, so what refers to a resource that is still to be created is left to the deployment that
    follows: the encryption of a bucket that is older than the environment's key, for instance.
    """
    after = copy.deepcopy(deployed or {"Resources": {}})
    if deployed is None and any(one.type == ENDPOINT for one in imports):
        # Its config and model have the release state in properties that only a replacement could change later.
        after |= {name: copy.deepcopy(template[name]) for name in ("Parameters", "Conditions") if name in template}
    for one in imports:
        resource = copy.deepcopy(template["Resources"][one.logical_id])
        # An order among resources that exist means nothing; the deployment that follows brings it.
        resource.pop("DependsOn", None)
        after["Resources"][one.logical_id] = resource
    for one in imports:
        resource = after["Resources"][one.logical_id]
        known = {*after["Resources"], *after.get("Parameters", {})}
        properties = resource.get("Properties", {}).items()
        resource["Properties"] = {name: value for name, value in properties if known.issuperset(_references(value))}
        if one.type in SERVED:
            resource["Properties"]["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return after


def _serving(services: Services, template: Template) -> dict[str, Mapping[str, str]]:
    """Return the identifiers of an endpoint that serves without its stack, of its config and its model, by their types.

    Raises
    ------
    MooringError
        It does not serve the package that the release state names: the next deployment would replace it.
    """
    endpoints = [found for found in template.get("Resources", {}).values() if found["Type"] == ENDPOINT]
    environment = services.environment
    if not endpoints:
        return {}
    model = environment.model(endpoints[0]["Properties"]["EndpointName"].removeprefix(f"{environment.id}-"))
    chain = read_chain(services, model)
    if chain is None:
        return {}
    champion = ReleaseState.from_value(services.parameter(model.release_parameter)).champion
    if not leads_to(chain, champion):
        raise MooringError(
            f"endpoint {model.endpoint} is {chain.status} and serves {', '.join(chain.packages) or 'no package'}; the "
            f"release state {model.release_parameter} names {champion}",
            remedy=f"delete the endpoint: mooring retire {environment.id} {model.name}; then release a version again",
        )
    arns = {"Endpoint": model.endpoint, "EndpointConfig": chain.config, "Model": chain.models[0]}
    kinds = {"Endpoint": "endpoint", "EndpointConfig": "endpoint-config", "Model": "model"}
    return {
        f"AWS::SageMaker::{noun}": {f"{noun}Arn": environment.arn("sagemaker", f"{kinds[noun]}/{name}")}
        for noun, name in arns.items()
    }


def _references(value: object) -> Iterator[str]:
    """Yield the logical ids that a template's value refers to."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        if isinstance(value.get("Ref"), str) and not value["Ref"].startswith("AWS::"):
            yield value["Ref"]
        if isinstance(target := value.get("Fn::GetAtt"), list):
            yield target[0]
        for item in value.values():
            yield from _references(item)


def _bucket(services: Services, properties: Resource) -> Mapping[str, str] | None:
    name, owner = properties["BucketName"], services.environment.account
    try:
        services.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=owner)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket"):
            return None
        raise
    return {"BucketName": name}


def _table(services: Services, properties: Resource) -> Mapping[str, str] | None:
    name = properties["TableName"]
    try:
        services.client("dynamodb").describe_table(TableName=name)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    return {"TableName": name}


def _key(services: Services, _properties: Resource) -> Mapping[str, str] | None:
    """Return the key that the artifacts are encrypted with: it has no name, and its alias went with its stack."""
    try:
        answer = services.client("s3").get_bucket_encryption(Bucket=services.environment.bucket("artifacts"))
    except ClientError as error:
        if code_of(error) in ("NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError"):
            return None
        raise
    rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    if "KMSMasterKeyID" not in rule:
        return None
    key = services.client("kms").describe_key(KeyId=rule["KMSMasterKeyID"])["KeyMetadata"]
    if key["KeyState"] != "Enabled":
        raise MooringError(
            f"key {key['KeyId']} of {services.environment.id} is {key['KeyState']}",
            remedy=f"aws kms cancel-key-deletion --key-id {key['KeyId']}, then aws kms enable-key --key-id …",
        )
    return {"KeyId": key["KeyId"]}


def _package_group(services: Services, properties: Resource) -> Mapping[str, str] | None:
    try:
        found = services.client("sagemaker").describe_model_package_group(
            ModelPackageGroupName=properties["ModelPackageGroupName"]
        )
    except ClientError as error:
        if code_of(error) in ABSENT_CODES or is_absent(error):
            return None
        raise
    return {"ModelPackageGroupArn": found["ModelPackageGroupArn"]}


def _log_group(services: Services, properties: Resource) -> Mapping[str, str] | None:
    """Return the log group: a function or an endpoint that writes late makes it again after its stack is gone."""
    name = properties.get("LogGroupName")
    if not isinstance(name, str):
        return None
    found = services.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return {"LogGroupName": name} if any(group["logGroupName"] == name for group in found) else None


def _archive(services: Services, properties: Resource) -> Mapping[str, str] | None:
    """Return the environment's archive of the same bus, by its description: its name is CloudFormation's."""
    found = (name for name, bus in archives(services) if bus == properties["SourceArn"])
    return next(({"ArchiveName": name} for name in found), None)


_IDENTIFY: Mapping[str, Identify] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::DynamoDB::Table": _table,
    "AWS::KMS::Key": _key,
    "AWS::SageMaker::ModelPackageGroup": _package_group,
    "AWS::Events::Archive": _archive,
    "AWS::Logs::LogGroup": _log_group,
}
