"""The schedule of a model's drift checks."""

import json

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from pipelines.contract.names import Model

RETRY_ATTEMPTS = 10
MAX_AGE_S = 3600


class DriftSchedule(Construct):
    """Calls ``drift_check`` with the model and the moment that the schedule meant, which fixes the window."""

    def __init__(self, scope: Construct, construct_id: str, *, model: Model, expression: str) -> None:
        super().__init__(scope, construct_id)
        environment = model.environment
        request = {"model": model.name, "scheduled_at": "<aws.scheduler.scheduled-time>"}
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=model.drift_schedule,
            description=f"Is the traffic of {model.id} still like its training data?",
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=environment.function_arn("drift_check"),
                role_arn=environment.role_arn(environment.scheduler_role),
                input=json.dumps(request),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=RETRY_ATTEMPTS, maximum_event_age_in_seconds=MAX_AGE_S
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=environment.arn("sqs", environment.dead_letter_queue)
                ),
            ),
        )
