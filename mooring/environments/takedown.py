"""Takes an environment down: all stacks and endpoints go, data and ledger stay; a later deployment takes them up again.

Every step can be repeated: a repetition finds by names and tags what is left.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import ClientError

from mooring.environments.endpoints import delete_serving
from mooring.environments.kept import ORDER, Kept, erase_kept, measure_kept
from mooring.environments.stacks import DeployedStack, Stacks
from mooring.environments.sweep import Found, is_kept, sweep
from mooring.errors import MooringError
from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.interface.names import Environment

AT_ONCE = 8
"""Stacks that are deleted at the same time."""
FLOWS = ("retraining", "release", "checks")
SERVING = ("endpoint", "endpoint config", "SageMaker model")
"""Kinds that no stack deletes: CloudFormation retains them."""


@dataclass(frozen=True, kw_only=True)
class TakedownPlan:
    """Resources to delete, in order, and those that stay.

    The stacks of endpoints go first, then ``serving``, the endpoints that these retain; then the other stacks. Those of
    one group are deleted at the same time.
    """

    endpoint_stacks: tuple[DeployedStack, ...]
    serving: tuple[Found, ...]
    groups: tuple[tuple[DeployedStack, ...], ...]
    kept: tuple[Kept, ...]

    @property
    def stacks(self) -> tuple[DeployedStack, ...]:
        return (*self.endpoint_stacks, *(stack for group in self.groups for stack in group))

    @property
    def is_empty(self) -> bool:
        return not (self.stacks or self.serving)

    @property
    def monthly_usd(self) -> float:
        return sum(kept.monthly_usd for kept in self.kept)


def plan_takedown(services: Services, on_step: Callable[[str], None] = lambda _: None) -> TakedownPlan:
    """Return what taking the environment down deletes.

    Raises
    ------
    MooringError
        A flow is running.
    """
    environment = services.environment
    _require_quiet(services)
    found = sweep(services, on_step)
    on_step("sizes of what stays")
    stacks = Stacks(services).listed()
    endpoint_stacks = tuple(stack for stack in stacks if stack.name.endswith("-serving"))
    return TakedownPlan(
        endpoint_stacks=endpoint_stacks,
        serving=tuple(one for kind in SERVING for one in found if one.kind == kind),
        groups=tuple(_ordered(environment, [stack for stack in stacks if stack not in endpoint_stacks])),
        kept=tuple(measure_kept(services, one) for one in found if is_kept(environment, one)),
    )


def take_down(services: Services, plan: TakedownPlan, on_step: Callable[[str], None] = lambda _: None) -> list[Found]:
    """Carry a plan out; return what a sweep of all services then finds, besides what stays."""
    environment = services.environment
    _delete_stacks(services, plan.endpoint_stacks, on_step)
    on_step("deleting endpoints")
    endpoints, configs, models = ([one.name for one in plan.serving if one.kind == kind] for kind in SERVING)
    delete_serving(services, endpoints=endpoints, configs=configs, models=models)
    for group in plan.groups:
        _delete_stacks(services, group, on_step)
    return [one for one in sweep(services, on_step) if not is_kept(environment, one)]


def erase_all_kept(services: Services, on_step: Callable[[str], None] = lambda _: None) -> list[Found]:
    """Erase what stays, but no adopted bucket: it was there before. Return what a sweep of all services then finds."""
    environment = services.environment
    found = [one for one in sweep(services, on_step) if is_kept(environment, one)]
    found = [one for one in found if one.name != environment.data_bucket]
    for one in sorted(found, key=lambda one: ORDER.index(one.kind)):
        on_step(f"erasing {one.kind} {one.name}")
        erase_kept(services, one)
    return [one for one in sweep(services, on_step) if one.name != environment.data_bucket]


def _ordered(environment: Environment, stacks: list[DeployedStack]) -> Iterator[tuple[DeployedStack, ...]]:
    """Yield the stacks in groups: those of models, then Operations, then Foundation.

    A Registry stack's custom resource calls a function of Operations when the stack is deleted; Operations' roles have
    the boundary of Foundation.
    """
    last = [environment.stack("operations"), environment.stack("foundation")]
    groups = [[stack for stack in stacks if stack.name not in last]]
    groups += [[stack for stack in stacks if stack.name == name] for name in last]
    yield from (tuple(group) for group in groups if group)


def _delete_stacks(services: Services, group: tuple[DeployedStack, ...], on_step: Callable[[str], None]) -> None:
    stacks = Stacks(services)
    on_step(", ".join(f"deleting stack {stack.name}" for stack in group[:3]))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda stack: stacks.delete(stack.name), group))


def _require_quiet(services: Services) -> None:
    states = services.client("stepfunctions")
    for kind in FLOWS:
        arn = services.environment.state_machine_arn(kind)
        try:
            running = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
        except ClientError as error:
            if code_of(error) == "StateMachineDoesNotExist":
                continue
            raise
        if running:
            raise MooringError(
                f"an execution of {services.environment.state_machine(kind)} is running: {running[0]['executionArn']}",
                remedy="wait for its end, or stop it: aws stepfunctions stop-execution --execution-arn ARN",
            )
