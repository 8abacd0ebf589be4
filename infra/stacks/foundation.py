"""The stack of an environment's stateful resources and of the roles of people."""

from aws_cdk import Stack
from constructs import Construct

from infra.components.alerts import Alerts
from infra.components.boundary import apply_boundary
from infra.components.bucket_set import BucketSet
from infra.components.budget import Budget
from infra.components.environment_key import EnvironmentKey
from infra.components.event_bus import EventBus
from infra.components.ledger import Ledger
from infra.components.personas import Personas
from infra.components.signing_key import SigningKey
from infra.fleet import FleetEnvironment
from infra.stacks.properties import stack_properties


class FoundationStack(Stack):
    """Key, buckets, ledger, bus, alerts, budget and persona roles of an environment.

    The environment's other stacks can be deleted and deployed again without losing data.
    """

    def __init__(self, scope: Construct, *, environment: FleetEnvironment) -> None:
        names, team, retention = environment.names, environment.team, environment.retention
        super().__init__(
            scope,
            names.stack("foundation"),
            **stack_properties(environment, "Keys, buckets, ledger, bus, alerts and roles", stateful=True),
        )
        promotion = environment.promotion()
        following = promotion.following if promotion else ()
        key = EnvironmentKey(self, "Key", environment=names, following=following).key
        BucketSet(self, "Buckets", environment=names, key=key, retention=retention, following=following)
        if promotion and promotion.following:
            SigningKey(self, "SigningKey", environment=names, later=promotion.later)
        Ledger(self, "Ledger", environment=names, key=key, protected=environment.is_production)
        EventBus(self, "Events", environment=names, senders=environment.senders(), days=retention.events)
        alerts = Alerts(self, "Alerts", environment=names, key=key, owners=team.owners)
        Personas(self, "Personas", environment=names, key=key)
        budget = Budget(self, "Budget", environment=names, monthly_usd=team.monthly_budget_usd, topic=alerts.topic)
        # AWS refuses a budget whose topic does not yet let it publish.
        budget.node.add_dependency(alerts.topic)
        apply_boundary(self, names)
