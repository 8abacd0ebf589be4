"""Sums what a fleet needs of AWS's quotas in each account and region, and finds what exceeds a default.

The defaults are those of "AWS service quotas" in AWS's general reference (2026). A quota without a code here is listed
by its service with ``aws service-quotas list-service-quotas --service-code <service>``.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.fleet.fleet import Fleet, FleetEnvironment
from pipelines.interface.names import STACK_KINDS
from pipelines.interface.quotas import request_increase

ROLES = 32
"""Roles of an environment of the first stage, whatever the number of its models, without promotion."""
DEFAULT_BUS_RULES = 5


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One quota. ``needed`` returns what one environment needs; an account's sum is compared with ``default``."""

    service: str
    code: str | None
    name: str
    default: int
    needed: Callable[[FleetEnvironment], int]
    is_global: bool = False


@dataclass(frozen=True, kw_only=True)
class Need:
    """The part of a quota that a fleet needs in one account and region."""

    quota: Quota
    account: str
    region: str
    needed: int

    @property
    def exceeds(self) -> bool:
        return self.needed > self.quota.default

    def __str__(self) -> str:
        quota = self.quota
        where = f"account {self.account}" + ("" if quota.is_global else f" in {self.region}")
        code = quota.code or f"<code of {quota.name!r}: aws service-quotas list-service-quotas>"
        return (
            f"{where} needs {self.needed:,} of {quota.service} {quota.name!r}"
            f" ({quota.code or 'no code known'}), whose default is {quota.default:,}; ask for it with:"
            f" {request_increase(quota.service, code, self.needed, region=self.region)}"
        )


def _scaled(environment: FleetEnvironment) -> int:
    serving = map(environment.serving, environment.team.models)
    return sum(one.min_instances < one.max_instances for one in serving)


def _schedules(environment: FleetEnvironment) -> int:
    models = environment.team.models
    return 1 + len(models) + sum(environment.retraining_schedule(model) is not None for model in models)


def _roles(environment: FleetEnvironment) -> int:
    promotion = environment.promotion()
    # The machine, the promoter and the smoke test; what requests promotions; what imports them.
    promoted = 3 + bool(promotion.following) + 3 * bool(promotion.source) if promotion else 0
    return ROLES + bool(environment.trainers()) + promoted


def _stacks(environment: FleetEnvironment) -> int:
    return len(STACK_KINDS) + len(environment.registry()) + len(environment.team.models)


QUOTAS = (
    Quota(service="cloudformation", code="L-0485CB21", name="Stack count", default=2000, needed=_stacks),
    Quota(
        service="iam",
        code="L-FE177D64",
        name="Roles per account",
        default=1000,
        needed=_roles,
        is_global=True,
    ),
    Quota(
        service="application-autoscaling",
        code="L-1AAF0700",
        name="Scalable targets for SageMaker",
        default=500,
        needed=_scaled,
    ),
    Quota(
        service="ssm",
        code=None,
        name="Standard parameters",
        default=10_000,
        needed=lambda environment: 1 + 2 * len(environment.team.models),
    ),
    Quota(
        service="events",
        code="L-244521F2",
        name="Number of rules",
        default=300,
        needed=lambda _: DEFAULT_BUS_RULES,
    ),
    Quota(service="scheduler", code=None, name="Number of schedules", default=1_000_000, needed=_schedules),
    Quota(
        service="monitoring",
        code=None,
        name="Number of alarms",
        default=5000,
        needed=lambda environment: 1 + len(environment.team.models),
    ),
)


def needs(fleet: Fleet) -> Iterator[Need]:
    """Yield what the fleet needs of each quota in each account and region, by account."""
    environments = list(fleet.environments())
    for quota in QUOTAS:
        sums: Counter[tuple[str, str]] = Counter()
        for environment in environments:
            names = environment.names
            # IAM's quotas are asked for in us-east-1.
            sums[names.account, "us-east-1" if quota.is_global else names.region] += quota.needed(environment)
        for (account, region), needed in sorted(sums.items()):
            yield Need(quota=quota, account=account, region=region, needed=needed)


def exceeded(fleet: Fleet) -> list[Need]:
    """Return the needs that exceed a default."""
    return [need for need in needs(fleet) if need.exceeds]
