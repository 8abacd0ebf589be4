"""The environment's event bus, and archives of it and of the default bus."""

from collections.abc import Sequence
from typing import Any, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from pipelines.interface.events import FINDINGS, SOURCE
from pipelines.interface.names import Environment

Pattern = dict[str, Any]


def flow_events(environment: Environment) -> Pattern:
    """Return the pattern of the default bus's events that start or end this environment's flows.

    Other environments of the account archive theirs. S3's events are not archived: landing lists the files anyway, and
    an archive would keep names of files that nobody could delete.
    """
    machines = [environment.state_machine_arn(kind) for kind in ("retraining", "release", "checks")]
    return {
        "$or": [
            {"source": ["aws.sagemaker"], "detail": {"ModelPackageGroupName": [{"prefix": f"{environment.id}-"}]}},
            {"source": ["aws.states"], "detail": {"stateMachineArn": machines}},
        ]
    }


def _admit(senders: Sequence[Environment], bus_arn: str) -> iam.PolicyDocument:
    """Return the bus's policy: only the forwarding roles of ``senders`` put events, and only findings.

    The principal is the sender's account and the condition names the role: AWS refuses a policy that names a role which
    does not exist yet, and later stages are deployed later.
    """
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="".join(filter(str.isalnum, sender.id.title())),
                principals=[iam.AccountPrincipal(sender.account)],
                actions=["events:PutEvents"],
                resources=[bus_arn],
                conditions={
                    "ArnEquals": {"aws:PrincipalArn": sender.role_arn(sender.forwarder_role)},
                    "StringEquals": {"events:source": SOURCE, "events:detail-type": list(FINDINGS)},
                },
            )
            for sender in senders
        ]
    )


class EventBus(Construct):
    """The ``bus`` and two archives from which lost events can be replayed for ``days``.

    The bus takes findings of ``senders``, the environments of later stages.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        senders: Sequence[Environment],
        days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=environment.bus, description=f"Events of {environment.id}"
        )
        # The bus's name in full instead of a reference: an archive that outlives its stack can then be imported again.
        own = environment.arn("events", f"event-bus/{environment.bus}")
        if senders:
            # The property of the bus: AWS::Events::EventBusPolicy would be one more resource for each sender.
            cast(events.CfnEventBus, self.bus.node.default_child).policy = _admit(senders, own).to_json()
        archive = self._archive("Archive", own, {"account": [environment.account]}, days)
        archive.node.add_dependency(self.bus)
        default = environment.arn("events", "event-bus/default")
        self._archive("DefaultArchive", default, flow_events(environment), days)

    def _archive(self, construct_id: str, source_arn: str, pattern: Pattern, days: int) -> events.CfnArchive:
        archive = events.CfnArchive(
            self,
            construct_id,
            # An archive has no tags: this tells whose it is, when its stack is gone.
            description=f"Events of {self._environment.id} for replays",
            source_arn=source_arn,
            event_pattern=pattern,
            retention_days=days,
        )
        archive.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        return archive
