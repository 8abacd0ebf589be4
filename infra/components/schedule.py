"""One schedule of EventBridge Scheduler."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from pipelines.interface.names import Environment

RETRY_ATTEMPTS = 10
MAX_AGE_S = 3600


class Schedule(Construct):
    """Schedule that calls ``target_arn`` with ``request`` under the scheduler's role.

    Undelivered requests go to the dead-letter queue.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        name: str,
        description: str,
        expression: str,
        target_arn: str,
        request: Mapping[str, Any],
    ) -> None:
        super().__init__(scope, construct_id)
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=name,
            description=description,
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target_arn,
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
