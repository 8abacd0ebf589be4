"""Retires a model of an environment: its endpoint, schedules, settings and stacks end; what it produced stays.

``plan_retirement`` reads, ``retire`` acts. Every step can be repeated: a retirement that was killed goes on with the
names that it recorded in the ledger before it deleted anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from mooring.environments.caller import caller_arn
from mooring.environments.endpoints import delete_serving, status_of
from mooring.environments.erasure import Belongings, erase_all, measure
from mooring.environments.registry_parts import parts_of, without
from mooring.environments.stacks import DeployedStack, Stacks
from mooring.environments.sweep import serving_leftovers
from mooring.errors import MooringError
from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.flows.release.serving import leftovers, read_chain
from pipelines.interface import keys
from pipelines.interface.names import Model
from pipelines.interface.records import Leftovers, ReleaseEnd, ReleaseOutcome, Retirement
from pipelines.interface.times import format_time, sortable_id

BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack")
"""Statuses in which SageMaker deletes no endpoint."""


@dataclass(frozen=True, kw_only=True)
class RetirementPlan:
    """Deployed parts of a model that will be deleted.

    ``parts`` are the names of the model's resources in ``registry``, a stack that it shares. ``champion`` is the
    package that serves. ``belongings`` are what the model has produced. ``begun`` is a retirement to be finished.
    """

    model: Model
    stacks: tuple[DeployedStack, ...]
    registry: str | None
    parts: tuple[str, ...]
    endpoint: str | None
    leftovers: Leftovers
    parameter: str | None
    champion: str | None
    belongings: Belongings
    begun: Retirement | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the model is deployed."""
        return not (self.stacks or self.parts or self.endpoint or self.parameter or self.begun or self.champion)


def plan_retirement(services: Services, model: Model) -> RetirementPlan:
    """Return what retiring ``model`` deletes.

    Raises
    ------
    MooringError
        A release or a retraining of the model is under way, or its endpoint is being changed.
    """
    _require_quiet(services, model)
    ledger, stacks = services.ledger, Stacks(services)
    listed = stacks.listed()
    registry = next((stack.name for stack in listed if stack.name == model.stack("registry") and not stack.model), None)
    parts = parts_of(stacks.template(registry), model) if registry else {}
    lock, champion = ledger.get(keys.release_lock(model.name)), ledger.get(keys.champion(model.name))
    begun = next((one for one in ledger.latest(keys.retirements(model.name), 1) if one.ended is None), None)
    found = [leftovers(read_chain(services, model))]
    found += [lock.predecessors, lock.orphans] if lock else []
    found += [begun.leftovers] if begun else []
    configs, models = serving_leftovers(services, model)
    found.append(Leftovers(configs=configs, models=models))
    return RetirementPlan(
        model=model,
        stacks=tuple(stack for stack in listed if stack.model == model.name),
        registry=registry if parts else None,
        parts=tuple(sorted(parts.values())),
        endpoint=model.endpoint if status_of(services, model.endpoint) else None,
        leftovers=Leftovers(
            configs=tuple(sorted({name for left in found for name in left.configs})),
            models=tuple(sorted({name for left in found for name in left.models})),
        ),
        parameter=model.release_parameter if _has_parameter(services, model) else None,
        champion=champion.package_arn if champion else None,
        belongings=measure(services, model),
        begun=begun,
    )


def retire(
    services: Services,
    plan: RetirementPlan,
    *,
    erased: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> Retirement:
    """Carry a plan out, and record it; return the record.

    The Serving stack goes first, so that nothing updates the endpoint any more; then the endpoint itself, which the
    stack retains. ``erased`` erases packages, files and records as well.
    """
    model, ledger, stacks = plan.model, services.ledger, Stacks(services)
    record = plan.begun or _begin(services, plan)
    record = replace(record, leftovers=plan.leftovers, erased=record.erased or erased)
    key = keys.retirements(model.name).key(record.retirement_id)
    ledger.record(key, record)
    for stack in sorted(plan.stacks, key=lambda stack: stack.name != model.stack("serving")):
        on_step(f"deleting stack {stack.name}")
        stacks.delete(stack.name)
    on_step(f"deleting endpoint {model.endpoint}")
    delete_serving(
        services, endpoints=[model.endpoint], configs=record.leftovers.configs, models=record.leftovers.models
    )
    _delete_parameter(services, model)
    if plan.registry:
        on_step(f"taking {model.name} out of {plan.registry}")
        _leave(stacks, plan.registry, model)
    _end_release(services, model)
    for place in (
        keys.champion(model.name),
        keys.lease(model.name),
        keys.release_lock(model.name),
        keys.status(model.name),
    ):
        ledger.client.delete_item(TableName=ledger.table, Key={"pk": {"S": place.pk}, "sk": {"S": place.sk}})
    if record.erased:
        on_step(f"erasing packages, files and records of {model.name}")
        erase_all(services, model)
    done = replace(record, ended=format_time(datetime.now(UTC)))
    ledger.record(key, done)
    return done


def _begin(services: Services, plan: RetirementPlan) -> Retirement:
    now, by = datetime.now(UTC), caller_arn(services)
    return Retirement(
        retirement_id=sortable_id(now, by),
        model=plan.model.name,
        by=by,
        begun=format_time(now),
        package_arn=plan.champion,
    )


def _require_quiet(services: Services, model: Model) -> None:
    lock, lease = services.ledger.get(keys.release_lock(model.name)), services.ledger.get(keys.lease(model.name))
    flows = {"release": lock.execution if lock else "", "retraining": (lease.holder or "") if lease else ""}
    for kind, execution in flows.items():
        if execution and _is_running(services, execution):
            raise MooringError(
                f"a {kind} of {model.id} is under way: {execution}",
                remedy="wait for its end, or stop it: aws stepfunctions stop-execution --execution-arn ARN",
            )
    status = status_of(services, model.endpoint)
    if status in BUSY:
        raise MooringError(
            f"endpoint {model.endpoint} is {status}, and SageMaker deletes it only after that",
            remedy="wait for its end, and repeat the command",
        )


def _is_running(services: Services, execution: str) -> bool:
    try:
        return bool(services.client("stepfunctions").describe_execution(executionArn=execution)["status"] == "RUNNING")
    except ClientError as error:
        # The state machine is gone, and its executions with it.
        if code_of(error) in ("ExecutionDoesNotExist", "StateMachineDoesNotExist"):
            return False
        raise


def _has_parameter(services: Services, model: Model) -> bool:
    try:
        services.parameter(model.release_parameter)
    except ClientError as error:
        if code_of(error) == "ParameterNotFound":
            return False
        raise
    return True


def _delete_parameter(services: Services, model: Model) -> None:
    try:
        services.client("ssm").delete_parameter(Name=model.release_parameter)
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise


def _leave(stacks: Stacks, registry: str, model: Model) -> None:
    template = without(stacks.template(registry), model)
    if template is None:
        stacks.delete(registry)
    else:
        stacks.update(registry, template)


def _end_release(services: Services, model: Model) -> None:
    """Record the end of a release whose flow died: it holds the lock, and nothing is left of what it released."""
    lock = services.ledger.get(keys.release_lock(model.name))
    if lock:
        end = ReleaseEnd(
            outcome=ReleaseOutcome.UNDONE,
            cause="its flow died, and the model was retired",
            ended=format_time(datetime.now(UTC)),
        )
        services.ledger.update(keys.release(model.name, lock.release_id), end)
