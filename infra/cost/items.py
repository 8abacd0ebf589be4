"""The billed items of synthesized templates: what stands, and what one retraining of a model adds."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from infra.cost.assembly import Stack
from infra.cost.retraining import job_units, release_units
from infra.cost.schedules import HOURS, runs_per_month
from infra.cost.usage import CALLS, ENDPOINT_VOLUME_GB, POLLS_PER_MONTH, RELEASE_SECONDS
from infra.instances import has_local_disk

Properties = Mapping[str, Any]

ENDPOINT_CONFIG = "AWS::SageMaker::EndpointConfig"
SETTINGS = "/settings"
"""End of the name of a model's settings parameter."""
WITHOUT_CHARGE = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::Budgets::Budget",
        "AWS::CDK::Metadata",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::Model",
        "AWS::SageMaker::ModelPackageGroup",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SSM::Parameter",
    }
)
"""Types that AWS charges nothing for; a budget without an action is one, and so is a standard parameter."""
CHARGED_BY_USE = frozenset(
    {
        "AWS::CodeBuild::Project",
        "AWS::CodePipeline::Pipeline",
        "AWS::DynamoDB::Table",
        "AWS::Events::Archive",
        "AWS::Events::EventBus",
        "AWS::Events::Rule",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::StepFunctions::StateMachine",
    }
)
"""Types that cost nothing while nobody uses them. Schedules and pollers use them: those are items of their own."""


class Part(StrEnum):
    """The part of the bill that an item belongs to."""

    ENVIRONMENT = "environment"
    MODEL = "model"
    ENDPOINT = "endpoint"
    RETRAINING = "retraining"


@dataclass(frozen=True, kw_only=True)
class Item:
    """A quantity of something that AWS charges for, per month or per retraining.

    ``unit`` is a unit of the price table. ``estimated`` says that seconds, requests or sizes in it are estimates.
    """

    environment: str
    region: str
    part: Part
    what: str
    unit: str
    quantity: float
    model: str = ""
    estimated: bool = False


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The items of some stacks.

    ``standing`` are charged every month, ``retraining`` for each retraining of a model. ``scheduled`` is the number of
    retrainings a month that schedules start, by (environment, model). ``unknown`` are types of resources that no rule
    prices.
    """

    standing: tuple[Item, ...]
    retraining: tuple[Item, ...]
    scheduled: Mapping[tuple[str, str], float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def costs_of(stacks: Iterable[Stack]) -> Costs:
    """Return the items of the stacks of whole environments."""
    by_environment: dict[str, list[Stack]] = {}
    for stack in stacks:
        by_environment.setdefault(stack.environment, []).append(stack)
    readers = [_Environment(name, found) for name, found in sorted(by_environment.items())]
    for reader in readers:
        reader.read()
    return Costs(
        standing=tuple(item for reader in readers for item in sorted(reader.standing, key=_order)),
        retraining=tuple(item for reader in readers for item in sorted(reader.retraining, key=_order)),
        scheduled={key: runs for reader in readers for key, runs in reader.scheduled.items()},
        unknown=tuple(sorted({kind for reader in readers for kind in reader.unknown})),
    )


def _order(item: Item) -> tuple[int, str]:
    return list(Part).index(item.part), item.model


class _Environment:
    """The reader of one environment's templates."""

    def __init__(self, name: str, stacks: list[Stack]) -> None:
        self.standing: list[Item] = []
        self.retraining: list[Item] = []
        self.scheduled: dict[tuple[str, str], float] = {}
        self.unknown: set[str] = set()
        self._name = name
        self._stacks = stacks
        self._region = stacks[0].region
        self._memory = {
            properties["FunctionName"].removeprefix(f"{name}-"): properties.get("MemorySize", 128)
            for stack in stacks
            for kind, properties in _resources(stack)
            if kind == "AWS::Lambda::Function" and "FunctionName" in properties
        }

    def read(self) -> None:
        rules: dict[str, Callable[[Stack, Part, Properties], None]] = {
            "AWS::KMS::Key": self._key,
            "AWS::CloudWatch::Dashboard": self._dashboard,
            "AWS::CloudWatch::Alarm": self._alarm,
            "AWS::ApplicationAutoScaling::ScalingPolicy": self._scaling,
            "AWS::Lambda::EventSourceMapping": self._poller,
            "AWS::Scheduler::Schedule": self._schedule,
            "AWS::SSM::Parameter": self._settings,
            ENDPOINT_CONFIG: self._endpoint,
        }
        for stack in self._stacks:
            part = _part(stack)
            for kind, properties in _resources(stack):
                if rule := rules.get(kind):
                    rule(stack, part, properties)
                elif kind not in WITHOUT_CHARGE | CHARGED_BY_USE and not kind.startswith("Custom::"):
                    self.unknown.add(kind)

    def _key(self, stack: Stack, part: Part, properties: Properties) -> None:  # noqa: ARG002
        self._add(part, "KMS key", "key", 1, model=stack.model)

    def _dashboard(self, stack: Stack, part: Part, properties: Properties) -> None:  # noqa: ARG002
        self._add(part, "dashboard", "dashboard", 1, model=stack.model)

    def _alarm(self, stack: Stack, part: Part, properties: Properties) -> None:
        metrics = [metric for metric in properties.get("Metrics", ()) if "MetricStat" in metric]
        self._add(part, "alarm", "alarm", len(metrics) or 1, model=stack.model)

    def _scaling(self, stack: Stack, part: Part, properties: Properties) -> None:
        if "TargetTrackingScalingPolicyConfiguration" in properties:
            # Application Auto Scaling makes one to scale out and one to scale in.
            self._add(part, "alarms of target tracking", "alarm", 2, model=stack.model)

    def _poller(self, stack: Stack, part: Part, properties: Properties) -> None:  # noqa: ARG002
        self._add(part, "polls of the empty landing queue", "queue_request", POLLS_PER_MONTH, estimated=True)

    def _schedule(self, stack: Stack, part: Part, properties: Properties) -> None:  # noqa: ARG002
        target, runs = properties["Target"], runs_per_month(properties["ScheduleExpression"])
        model = json.loads(target["Input"]).get("model", "")
        owner = Part.MODEL if model else Part.ENVIRONMENT
        self._add(owner, "schedule", "schedule_call", runs, model=model)
        arn = _arn(stack, target["Arn"])
        name = arn.rpartition(":")[2].removeprefix(f"{self._name}-")
        if ":stateMachine:" in arn:
            self.scheduled[self._name, model] = runs
        elif name in CALLS:
            for unit, used in CALLS[name].units(self._memory[name]).items():
                self._add(owner, f"{name}, idle", unit, runs * used, model=model, estimated=True)
        else:
            self.unknown.add(f"schedule of {name}")

    def _settings(self, stack: Stack, part: Part, properties: Properties) -> None:  # noqa: ARG002
        name = properties.get("Name", "")
        if not name.endswith(SETTINGS):
            return
        settings = json.loads(_joined(properties["Value"]))
        units = [*job_units(settings), *release_units(self._memory)]
        for what, unit, quantity in units:
            self._add(Part.RETRAINING, what, unit, quantity, model=settings["model"], estimated=True)

    def _endpoint(self, stack: Stack, part: Part, properties: Properties) -> None:
        for variant in properties["ProductionVariants"]:
            kind, count = variant["InstanceType"], variant["InitialInstanceCount"]
            self._add(part, f"{count} {kind}{_most(stack, count)}", kind, count * HOURS, model=stack.model)
            twice = count * RELEASE_SECONDS / 3600
            self._add(Part.RETRAINING, f"update, {kind}", kind, twice, model=stack.model, estimated=True)
            stated = variant.get("VolumeSizeInGB")
            if stated or not has_local_disk(kind):
                size = count * (stated or ENDPOINT_VOLUME_GB)
                self._add(part, "volume", "volume_gb", size, model=stack.model, estimated=not stated)

    def _add(
        self, part: Part, what: str, unit: str, quantity: float, *, model: str = "", estimated: bool = False
    ) -> None:
        if quantity:
            items = self.retraining if part == Part.RETRAINING else self.standing
            items.append(
                Item(
                    environment=self._name,
                    region=self._region,
                    part=part,
                    what=what,
                    unit=unit,
                    quantity=quantity,
                    model=model,
                    estimated=estimated,
                )
            )


def _resources(stack: Stack) -> Iterator[tuple[str, Properties]]:
    for resource in stack.template.get("Resources", {}).values():
        yield resource["Type"], resource.get("Properties", {})


def _part(stack: Stack) -> Part:
    if any(kind == ENDPOINT_CONFIG for kind, _ in _resources(stack)):
        return Part.ENDPOINT
    return Part.MODEL if stack.model else Part.ENVIRONMENT


def _most(stack: Stack, count: int) -> str:
    """Return how far scaling may raise the number of instances, in words."""
    highest = max(
        (properties["MaxCapacity"] for _, properties in _resources(stack) if "MaxCapacity" in properties), default=count
    )
    return f" (up to {highest} under load)" if highest > count else ""


def _arn(stack: Stack, value: Any) -> str:
    """Return an ARN of a template; of a function in the same stack only its name."""
    if isinstance(value, str):
        return value
    return str(stack.template["Resources"][value["Fn::GetAtt"][0]]["Properties"]["FunctionName"])


def _joined(value: Any) -> str:
    """Return a string of a template; what only CloudFormation knows is left out."""
    if isinstance(value, str):
        return value
    return "".join(part for part in value["Fn::Join"][1] if isinstance(part, str))
