"""Sweeps every service for what is there of an environment: what is kept, and what is left behind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mooring.environments.stacks import MODEL_TAG, Stacks
from pipelines.aws.clients import Services
from pipelines.interface.names import BUCKETS, ENVIRONMENT_TAG, Environment, Model

KEPT = (
    "S3 bucket",
    "DynamoDB table",
    "KMS key",
    "event archive",
    "model package group",
    "parameter",
    "log group",
)
"""Kinds that stay when an environment is taken down; of these only those that ``is_kept`` admits."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One resource of the environment; ``name`` is what its service deletes it by."""

    kind: str
    name: str


def sweep(services: Services, on_step: Callable[[str], None] = lambda _: None) -> list[Found]:
    """Return everything that is there of the environment, by service."""
    found = []
    for kind, names in _KINDS.items():
        on_step(kind)
        found += [Found(kind=kind, name=name) for name in names(services)]
    return found


def is_kept(environment: Environment, found: Found) -> bool:
    """Return whether a resource stays when the environment is taken down."""
    if found.kind == "parameter":
        return found.name.endswith("/release")
    if found.kind == "log group":
        return found.name.startswith("/aws/sagemaker/")
    if found.kind == "S3 bucket":
        return found.name in [environment.bucket(kind) for kind in BUCKETS]
    return found.kind in KEPT


def serving_leftovers(services: Services, model: Model) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the endpoint configs and the SageMaker models with the model's tag."""
    tags = {ENVIRONMENT_TAG: services.environment.id, MODEL_TAG: model.name}
    return tuple(_tagged(services, "endpoint-config", tags)), tuple(_tagged(services, "model", tags))


def _tagged(services: Services, kind: str, tags: dict[str, str] | None = None, service: str = "sagemaker") -> list[str]:
    """Return the names of resources with the environment's tag; CloudFormation made up the names of these."""
    wanted = tags or {ENVIRONMENT_TAG: services.environment.id}
    filters = [{"Key": key, "Values": [value]} for key, value in wanted.items()]
    pages = services.client("resourcegroupstaggingapi").get_paginator("get_resources")
    found = [
        mapping["ResourceARN"]
        for page in pages.paginate(TagFilters=filters, ResourceTypeFilters=[f"{service}:{kind}"])
        for mapping in page["ResourceTagMappingList"]
    ]
    return sorted(arn.rpartition("/")[2] for arn in found)


def _pages(services: Services, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    client = services.client(service)
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, [])
        return
    token: dict[str, str] = {}
    while True:
        answer = getattr(client, operation)(**arguments, **token)
        yield from answer.get(key, [])
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _named(service: str, operation: str, key: str, field: str, **fixed: Any) -> Callable[[Services], Iterator[str]]:
    """Return a lister of resources whose names begin with the environment's id."""

    def names(services: Services) -> Iterator[str]:
        for entry in _pages(services, service, operation, key, **fixed):
            name = entry[field] if field else entry
            if _is_of(services.environment, name.rpartition(":")[2] if name.startswith("arn:") else name):
                yield name

    return names


def _is_of(environment: Environment, name: str) -> bool:
    return name == environment.id or name.startswith(f"{environment.id}-")


def _stacks(services: Services) -> Iterator[str]:
    yield from (stack.name for stack in Stacks(services).listed())


def _keys(services: Services) -> Iterator[str]:
    for name in _tagged(services, "key", service="kms"):
        state = services.client("kms").describe_key(KeyId=name)["KeyMetadata"]["KeyState"]
        if state != "PendingDeletion":
            yield name


def _policies(services: Services) -> Iterator[str]:
    """Yield the policies of the environment but those of the bootstrap, which serve its next deployment."""
    environment = services.environment
    bootstrap = (environment.boundary, environment.deployer)
    for name in _named("iam", "list_policies", "Policies", "PolicyName", Scope="Local")(services):
        if name not in bootstrap:
            yield name


def _aliases(services: Services) -> Iterator[str]:
    listed = _pages(services, "kms", "list_aliases", "Aliases")
    yield from (entry["AliasName"] for entry in listed if entry["AliasName"] == services.environment.key_alias)


def _parameters(services: Services) -> Iterator[str]:
    path = f"/mooring/{services.environment.id}/"
    listed = _pages(services, "ssm", "get_parameters_by_path", "Parameters", Path=path, Recursive=True)
    yield from (entry["Name"] for entry in listed)


def _log_groups(services: Services) -> Iterator[str]:
    for folder in ("lambda", "vendedlogs/states", "sagemaker/Endpoints"):
        prefix = f"/aws/{folder}/{services.environment.id}-"
        listed = _pages(services, "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
        yield from (entry["logGroupName"] for entry in listed)


def _buckets(services: Services) -> Iterator[str]:
    """Yield the buckets with the environment's name, and those that it has adopted."""
    environment = services.environment
    named = [environment.bucket(kind) for kind in BUCKETS]
    for entry in _pages(services, "s3", "list_buckets", "Buckets"):
        if entry["Name"] in named or _is_of(environment, entry["Name"]):
            yield entry["Name"]


def _rules(services: Services) -> Iterator[str]:
    prefix = f"{services.environment.id}-"
    yield from (entry["Name"] for entry in _pages(services, "events", "list_rules", "Rules", NamePrefix=prefix))


def archives(services: Services) -> Iterator[tuple[str, str]]:
    """Yield the name and the bus's ARN of each archive whose description names the environment: it has no tags."""
    events = services.client("events")
    for entry in _pages(services, "events", "list_archives", "Archives"):
        description = events.describe_archive(ArchiveName=entry["ArchiveName"]).get("Description", "")
        if services.environment.id in description.split():
            yield entry["ArchiveName"], entry["EventSourceArn"]


def _event_sources(services: Services) -> Iterator[str]:
    prefix = services.environment.arn("lambda", f"function:{services.environment.id}-")
    listed = _pages(services, "lambda", "list_event_source_mappings", "EventSourceMappings")
    yield from (entry["UUID"] for entry in listed if entry["FunctionArn"].startswith(prefix))


def _scaling_targets(services: Services) -> Iterator[str]:
    listed = _pages(
        services,
        "application-autoscaling",
        "describe_scalable_targets",
        "ScalableTargets",
        ServiceNamespace="sagemaker",
    )
    prefix = f"endpoint/{services.environment.id}-"
    yield from (entry["ResourceId"] for entry in listed if entry["ResourceId"].startswith(prefix))


_KINDS: dict[str, Callable[[Services], Iterator[str]]] = {
    "stack": _stacks,
    "endpoint": _named("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "endpoint config": lambda services: iter(_tagged(services, "endpoint-config")),
    "SageMaker model": lambda services: iter(_tagged(services, "model")),
    "scaling target": _scaling_targets,
    "function": _named("lambda", "list_functions", "Functions", "FunctionName"),
    "layer": _named("lambda", "list_layers", "Layers", "LayerName"),
    "event source mapping": _event_sources,
    "state machine": _named("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "schedule": _named("scheduler", "list_schedules", "Schedules", "Name"),
    "rule of the default bus": _rules,
    "event bus": _named("events", "list_event_buses", "EventBuses", "Name"),
    "queue": lambda services: (
        url
        for url in _pages(services, "sqs", "list_queues", "QueueUrls", QueueNamePrefix=f"{services.environment.id}-")
    ),
    "topic": _named("sns", "list_topics", "Topics", "TopicArn"),
    "alarm": _named("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "dashboard": _named("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "role": _named("iam", "list_roles", "Roles", "RoleName"),
    "policy": _policies,
    "key alias": _aliases,
    "log group": _log_groups,
    "parameter": _parameters,
    "model package group": _named(
        "sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"
    ),
    "S3 bucket": _buckets,
    "DynamoDB table": _named("dynamodb", "list_tables", "TableNames", ""),
    "event archive": lambda services: (name for name, _ in archives(services)),
    "KMS key": _keys,
}
