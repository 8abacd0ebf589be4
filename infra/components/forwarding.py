"""The rules that send what checks find to the environments that train the models."""

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.policies import allow, service
from infra.components.triggers import MAX_AGE, RETRY_ATTEMPTS
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
        )
        for number, (trainer, bus) in enumerate(zip(trainers, buses, strict=True), 1):
            events.CfnRule(
                self,
                trainer.stage.capitalize(),
                name=environment.rule(f"forward-{number}"),
                description=f"Findings about models that {trainer.id} trains",
                event_bus_name=environment.bus,
                event_pattern={
                    "source": [SOURCE],
                    "detail-type": list(FINDINGS),
                    "detail": {"training_stage": [trainer.stage]},
                },
                # The CDK's own target of this kind takes no retry policy.
                targets=[
                    events.CfnRule.TargetProperty(
                        id="TrainersBus",
                        arn=bus,
                        role_arn=role.role_arn,
                        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
                        retry_policy=events.CfnRule.RetryPolicyProperty(
                            maximum_retry_attempts=RETRY_ATTEMPTS,
                            maximum_event_age_in_seconds=int(MAX_AGE.to_seconds()),
                        ),
                    )
                ],
            )
