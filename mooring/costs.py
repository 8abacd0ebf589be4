"""Costs of a fleet: its synthesized templates, priced, with what the ledger and CloudWatch say of its use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from infra.cost import Bill, Costs, Part, Prices, bill_of
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from mooring.failures import explain
from pipelines.interface import keys
from pipelines.interface.names import Environment
from pipelines.interface.times import parse_time

COUNTED = timedelta(days=30)
"""Time in which retrainings and checks are counted."""
MOST_COUNTED = 1000
"""Largest number of a model's newest runs or checks that are read."""
IDLE_AFTER = timedelta(hours=24)

Place = tuple[str, str]
"""An environment's id and a model's name."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """Use of deployed environments in the last 30 days.

    ``retrainings`` and ``checks`` are counts, ``absent`` are models without an endpoint, ``idle`` those whose endpoint
    got no request for a day. ``unread`` gives the reason for each environment that was not read.
    """

    retrainings: Mapping[Place, int] = field(default_factory=dict)
    checks: Mapping[Place, int] = field(default_factory=dict)
    absent: frozenset[Place] = frozenset()
    idle: frozenset[Place] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)


def read_use(models: Mapping[Environment, Sequence[str]], *, now: datetime) -> Use:
    """Read the use of the models of some environments; an environment that cannot be read is ``unread``."""
    retrainings: dict[Place, int] = {}
    checks: dict[Place, int] = {}
    absent: set[Place] = set()
    idle: set[Place] = set()
    unread: dict[str, str] = {}
    for environment, names in models.items():
        try:
            found = DeployedUse(DeployedEnvironment(environment), now)
            created = {name: found.endpoint_created(name) for name in names}
            counted = {name: (found.count_retrainings(name), found.count_checks(name)) for name in names}
            requests = found.requests([name for name, moment in created.items() if moment])
        except (MooringError, ClientError, BotoCoreError) as error:
            explained = explain(error)
            unread[environment.id] = (explained.message if explained else str(error)).partition("\n")[0]
            continue
        for name, moment in created.items():
            place = (environment.id, name)
            retrainings[place], checks[place] = counted[name]
            if moment is None:
                absent.add(place)
            elif moment <= now - IDLE_AFTER and not requests.get(name):
                idle.add(place)
    return Use(retrainings=retrainings, checks=checks, absent=frozenset(absent), idle=frozenset(idle), unread=unread)


class DeployedUse:
    """The reader of one deployed environment, as its auditor."""

    def __init__(self, deployed: DeployedEnvironment, now: datetime) -> None:
        self._deployed = deployed
        self._now = now

    def count_retrainings(self, model: str) -> int:
        runs = self._deployed.ledger.latest(keys.runs(model), MOST_COUNTED)
        return sum(parse_time(run.started) >= self._now - COUNTED for run in runs)

    def count_checks(self, model: str) -> int:
        checks = self._deployed.ledger.latest(keys.checks(model), MOST_COUNTED)
        return sum(parse_time(check.end) >= self._now - COUNTED for check in checks)

    def endpoint_created(self, model: str) -> datetime | None:
        """Return when the model's endpoint was created; None if there is none."""
        name = self._deployed.environment.model(model).endpoint
        try:
            answer = self._deployed.client("sagemaker", "auditor").describe_endpoint(EndpointName=name)
        except ClientError as error:
            if "Could not find" in str(error):
                return None
            raise
        created: datetime = answer["CreationTime"]
        return created.astimezone(UTC)

    def requests(self, models: Sequence[str]) -> dict[str, float]:
        """Return the number of requests that each model's endpoint got in the last day."""
        client = self._deployed.client("cloudwatch", "auditor")
        found: dict[str, float] = {}
        # GetMetricData takes at most 500 queries.
        for start in range(0, len(models), 500):
            some = models[start : start + 500]
            answer = client.get_metric_data(
                MetricDataQueries=[self._query(number, model) for number, model in enumerate(some)],
                StartTime=self._now - IDLE_AFTER,
                EndTime=self._now,
            )
            for result in answer["MetricDataResults"]:
                model = some[int(result["Id"].removeprefix("q"))]
                found[model] = found.get(model, 0) + sum(result["Values"])
        return found

    def _query(self, number: int, model: str) -> dict[str, object]:
        dimensions = {"EndpointName": self._deployed.environment.model(model).endpoint, "VariantName": "primary"}
        metric = {
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocations",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }
        return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}


def bill_with(costs: Costs, use: Use, prices: Prices) -> Bill:
    """Return the month's bill: retrainings as counted, else as scheduled; without the endpoints that are absent."""
    standing = tuple(
        item
        for item in costs.standing
        if item.part != Part.ENDPOINT or (item.environment, item.model) not in use.absent
    )
    return bill_of(replace(costs, standing=standing), prices, {**costs.scheduled, **use.retrainings})
