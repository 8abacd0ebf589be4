"""The environment's event bus, and archives of it and of the default bus."""

from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from constructs import Construct

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


class EventBus(Construct):
    """The ``bus`` and two archives from which lost events can be replayed for ``days``."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, days: int) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=environment.bus, description=f"Events of {environment.id}"
        )
        # The bus's name in full instead of a reference: an archive that outlives its stack can then be imported again.
        own = environment.arn("events", f"event-bus/{environment.bus}")
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
