"""Checks of quotas: what the fleet needs of an account and region, against the limit and what others use today."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.fleet import FleetEnvironment
from infra.fleet.quotas import QUOTAS
from infra.fleet.spec import ModelSpec
from mooring.preflight.findings import Finding, blocks, warns
from mooring.preflight.target import Target
from pipelines.interface.quotas import SERVICE_CODE, quota_name, request_increase


@dataclass(frozen=True, kw_only=True)
class Quota:
    name: str
    code: str
    value: float


@dataclass(frozen=True, kw_only=True)
class InstanceNeed:
    """Instances of one type that the fleet needs in an account and region.

    With fewer than ``least`` something fails; with fewer than ``most`` it may wait, or fail at times.
    """

    least: int
    most: int


def endpoint_instances(target: Target) -> Iterator[Finding]:
    """The quotas hold the endpoints' instances, twice during an update, besides those of other endpoints."""
    types = {serving.instance_type for _, serving in _serving(target)}
    needs = {}
    for kind in types:
        sizes = [(s.min_instances, s.max_instances) for _, s in _serving(target) if s.instance_type == kind]
        # An update is blue/green: it starts the new instances before it ends the old ones.
        least = sum(low for low, _ in sizes) + max(low for low, _ in sizes)
        needs[kind] = InstanceNeed(least=least, most=2 * sum(high for _, high in sizes))
    yield from _compare(target, "serving", needs, _foreign_endpoints(target) if needs else {})


def training_instances(target: Target) -> Iterator[Finding]:
    """The quotas hold the training jobs of the fleet's models, besides the jobs that run now."""
    needs = _job_needs(target, "training")
    yield from _compare(target, "training", needs, _running(target, "training") if needs else {})


def processing_instances(target: Target) -> Iterator[Finding]:
    """The quotas hold the processing jobs of the fleet's models, besides the jobs that run now."""
    needs = _job_needs(target, "processing")
    yield from _compare(target, "processing", needs, _running(target, "processing") if needs else {})


def _compare(target: Target, use: str, needs: Mapping[str, InstanceNeed], used: Mapping[str, int]) -> Iterator[Finding]:
    quotas = instance_quotas(target) if needs else {}
    for kind, need in sorted(needs.items()):
        name, others = quota_name(kind, use), used.get(kind, 0)
        quota = quotas.get(name)
        if quota is None:
            yield blocks(
                f"{target.names.region} has no quota '{name}'",
                why=f"SageMaker does not offer {kind} for {use} there",
                remedy="name another instance type in the fleet's file",
            )
            continue
        free = int(quota.value) - others
        if free >= need.most:
            continue
        report, needed = (blocks, need.least) if free < need.least else (warns, need.most)
        yield report(
            f"the quota '{name}' is {quota.value:.0f}, {others} of it in use by others; the fleet needs {needed}",
            why=_consequence(use, free, need),
            remedy=raise_quota(SERVICE_CODE, quota.code, others + need.most),
        )


def _consequence(use: str, free: int, need: InstanceNeed) -> str:
    if use != "serving":
        return "every job is refused" if free < need.least else "jobs wait for each other when all models retrain"
    if free < need.least:
        return "a release is refused: its update needs the endpoint's instances twice"
    return "scaled endpoints cannot all be updated at once: an update needs their instances twice"


def instance_quotas(target: Target) -> Mapping[str, Quota]:
    """Return SageMaker's quotas in the region by name; an applied value replaces the default."""

    def read() -> dict[str, Quota]:
        return {
            item["QuotaName"]: Quota(name=item["QuotaName"], code=item["QuotaCode"], value=item["Value"])
            for operation in ("list_aws_default_service_quotas", "list_service_quotas")
            for item in target.pages("service-quotas", operation, "Quotas", ServiceCode=SERVICE_CODE)
        }

    return target.once("quotas of sagemaker", read)


def raise_quota(service: str, code: str, value: int) -> str:
    return f"{request_increase(service, code, value)}; AWS answers in minutes to days"


def _together(target: Target) -> list[FleetEnvironment]:
    """Return the fleet's environments in the target's account and region, which share its quotas."""
    names = target.names
    return [
        other
        for other in target.environment.fleet.environments()
        if (other.names.account, other.names.region) == (names.account, names.region)
    ]


def _models(target: Target) -> Iterator[tuple[FleetEnvironment, ModelSpec]]:
    for environment in _together(target):
        for model in environment.team.models:
            yield environment, model


def _serving(target: Target) -> list[tuple[str, Any]]:
    return [(env.names.model(model.name).endpoint, env.serving(model)) for env, model in _models(target)]


def _job_needs(target: Target, use: str) -> dict[str, InstanceNeed]:
    """Return the needs of the models that are trained here: one job each."""
    kinds: Counter[str] = Counter()
    for environment, model in _models(target):
        settings = environment.settings(model).model_dump()
        if settings["training_stage"] == environment.names.stage:
            kinds[settings[use]["instance_type"]] += 1
    return {kind: InstanceNeed(least=1, most=count) for kind, count in kinds.items()}


def _foreign_endpoints(target: Target) -> Counter[str]:
    """Count the instances of endpoints that are not the fleet's, by instance type."""
    ours = {name for name, _ in _serving(target)}
    client, used = target.client("sagemaker"), Counter[str]()
    for endpoint in target.pages("sagemaker", "list_endpoints", "Endpoints"):
        if endpoint["EndpointName"] in ours:
            continue
        described = client.describe_endpoint(EndpointName=endpoint["EndpointName"])
        config = client.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        counts = {v["VariantName"]: v.get("CurrentInstanceCount", 0) for v in described.get("ProductionVariants", [])}
        for variant in config["ProductionVariants"]:
            if "InstanceType" in variant:
                used[variant["InstanceType"]] += counts.get(variant["VariantName"], 0)
    return used


def _running(target: Target, use: str) -> Counter[str]:
    """Count the instances of the jobs that run now, by instance type."""
    client, used = target.client("sagemaker"), Counter[str]()
    if use == "training":
        for job in target.pages("sagemaker", "list_training_jobs", "TrainingJobSummaries", StatusEquals="InProgress"):
            resources = client.describe_training_job(TrainingJobName=job["TrainingJobName"])["ResourceConfig"]
            used[resources["InstanceType"]] += resources["InstanceCount"]
        return used
    for job in target.pages("sagemaker", "list_processing_jobs", "ProcessingJobSummaries", StatusEquals="InProgress"):
        described = client.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
        cluster = described["ProcessingResources"]["ClusterConfig"]
        used[cluster["InstanceType"]] += cluster["InstanceCount"]
    return used


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A quota on the number of resources: how to read its value, and how many there are now.

    ``kinds`` are the CloudFormation types that count against it; none: stacks.
    """

    what: str
    kinds: tuple[str, ...]
    value: Callable[[Target], int]
    used: Callable[[Target], int]
    remedy: Callable[[int], str]


CODES = {quota.service: quota.code for quota in QUOTAS if quota.code}
"""Code of the quota of a service on which the number of resources depends."""


def _raise(service: str, value: int) -> str:
    return raise_quota(service, CODES[service], value)


def _service_quota(service: str) -> Callable[[Target], int]:
    def value(target: Target) -> int:
        quotas = target.client("service-quotas")
        answer = quotas.get_service_quota(ServiceCode=service, QuotaCode=CODES[service])
        return int(answer["Quota"]["Value"])

    return value


def _account_summary(key: str) -> Callable[[Target], int]:
    return lambda target: int(target.client("iam").get_account_summary()["SummaryMap"][key])


def _count(service: str, operation: str, key: str, **request: Any) -> Callable[[Target], int]:
    return lambda target: sum(1 for _ in target.pages(service, operation, key, **request))


LIMITS = {
    "stacks": Limit(
        what="stacks",
        kinds=(),
        value=_service_quota("cloudformation"),
        used=lambda target: len(target.stacks),
        remedy=lambda value: _raise("cloudformation", value),
    ),
    "roles": Limit(
        what="IAM roles",
        kinds=("AWS::IAM::Role",),
        value=_account_summary("RolesQuota"),
        used=_account_summary("Roles"),
        remedy=lambda value: _raise("iam", value) + " (IAM's quotas are asked for in us-east-1)",
    ),
    "rules": Limit(
        what="rules on the default event bus",
        kinds=("AWS::Events::Rule",),
        value=_service_quota("events"),
        used=_count("events", "list_rules", "Rules"),
        remedy=lambda value: _raise("events", value),
    ),
    "parameters": Limit(
        what="standard parameters",
        kinds=("AWS::SSM::Parameter",),
        value=lambda _: 10_000,
        used=_count("ssm", "describe_parameters", "Parameters"),
        remedy=lambda _: "delete parameters that nobody reads; AWS does not raise the number of standard parameters",
    ),
    "scaling targets": Limit(
        what="scaling targets of SageMaker",
        kinds=("AWS::ApplicationAutoScaling::ScalableTarget",),
        value=_service_quota("application-autoscaling"),
        used=_count(
            "application-autoscaling", "describe_scalable_targets", "ScalableTargets", ServiceNamespace="sagemaker"
        ),
        remedy=lambda value: _raise("application-autoscaling", value),
    ),
}


def resource_limit(name: str) -> Callable[[Target], Iterator[Finding]]:
    """Return the check that the stacks which are not deployed yet fit into a limit."""
    limit = LIMITS[name]

    def check(target: Target) -> Iterator[Finding]:
        used, value = limit.used(target), limit.value(target)
        new = [template for stack, template in target.assembly.templates.items() if not target.is_deployed(stack)]
        resources = [resource for template in new for resource in template["Resources"].values()]
        more = sum(resource["Type"] in limit.kinds for resource in resources) if limit.kinds else len(new)
        if used + more > value:
            yield blocks(
                f"{used} {limit.what} of {value} are in use, and {target.names.id} needs {more} more",
                why="the deployment fails at the first resource beyond the quota",
                remedy=limit.remedy(used + more),
            )

    check.__doc__ = f"The account has room for the environment's {limit.what}."
    return check
