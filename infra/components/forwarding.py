"""The rules that send what checks find to the environments that train the models."""

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.policies import allow, service
from pipelines.interface.events import FINDINGS, SOURCE
from pipelines.interface.names import Environment


class Forwarding(Construct):
    """One rule for each of ``trainers``: a finding about a model that it trains goes to its bus.

    The event keeps its content. The receiving bus admits this environment's role only (``EventBus``).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        trainers: Sequence[Environment],
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        if not trainers:
            return
        buses = [trainer.arn("events", f"event-bus/{trainer.bus}") for trainer in trainers]
        role = iam.Role(
            self,
            "Role",
            role_name=environment.forwarder_role,
            assumed_by=service("events", environment.account),
            inline_policies={"send": iam.PolicyDocument(statements=[allow(["events:PutEvents"], *buses)])},
        ).without_policy_updates()
        own = events.EventBus.from_event_bus_name(self, "Bus", environment.bus)
        for number, (trainer, arn) in enumerate(zip(trainers, buses, strict=True), 1):
            events.Rule(
                self,
                trainer.stage.capitalize(),
                rule_name=environment.rule(f"forward-{number}"),
                description=f"Findings about models that {trainer.id} trains",
                event_bus=own,
                event_pattern=events.EventPattern(
                    source=[SOURCE], detail_type=list(FINDINGS), detail={"training_stage": [trainer.stage]}
                ),
                targets=[
                    targets.EventBus(
                        events.EventBus.from_event_bus_arn(self, f"To{trainer.stage.capitalize()}", arn),
                        role=role,
                        dead_letter_queue=dead_letters,
                    )
                ],
            )
