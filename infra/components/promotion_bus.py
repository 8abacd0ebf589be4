"""The bus of a tooling environment: it takes requests for promotions."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.components.policies import is_role
from infra.components.tooling_buckets import REQUESTER
from pipelines.interface.events import SOURCE, PromotionRequested
from pipelines.interface.names import Environment


class PromotionBus(Construct):
    """The ``bus``, to which the functions of ``requesters`` send, and only requests for promotions."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, requesters: Sequence[Environment]
    ) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=environment.bus, description=f"Events of {environment.id}"
        )
        if requesters:
            policy = _admit(requesters, environment.arn("events", f"event-bus/{environment.bus}"))
            cast(events.CfnEventBus, self.bus.node.default_child).policy = policy.to_json()


def _admit(requesters: Sequence[Environment], bus_arn: str) -> iam.PolicyDocument:
    named = {"events:source": SOURCE, "events:detail-type": PromotionRequested.DETAIL_TYPE}
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="".join(filter(str.isalnum, requester.id.title())),
                principals=[iam.AccountPrincipal(requester.account)],
                actions=["events:PutEvents"],
                resources=[bus_arn],
                conditions={**is_role(requester.role_arn(requester.function(REQUESTER))), "StringEquals": named},
            )
            for requester in requesters
        ]
    )
