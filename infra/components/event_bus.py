"""The environment's event bus, and archives of it and of the default bus."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from constructs import Construct

from pipelines.interface.names import Environment

ARCHIVE_DAYS = 365
SERVICES = ["aws.sagemaker", "aws.states"]
"""Sources of the default bus whose events start or end a flow. S3's events are not archived: landing lists the files
anyway, and an archive would keep names of files that nobody could delete."""


class EventBus(Construct):
    """The ``bus`` and two archives from which lost events can be replayed."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=environment.bus, description=f"Events of {environment.id}"
        )
        self._archive("Archive", self.bus.event_bus_arn, {"account": [environment.account]})
        self._archive("DefaultArchive", environment.arn("events", "event-bus/default"), {"source": SERVICES})

    def _archive(self, construct_id: str, source_arn: str, pattern: dict[str, list[str]]) -> None:
        archive = events.CfnArchive(
            self, construct_id, source_arn=source_arn, event_pattern=pattern, retention_days=ARCHIVE_DAYS
        )
        archive.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
