"""One schedule of EventBridge Scheduler."""

import json
import re
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from pipelines.interface.names import Environment

RETRY_ATTEMPTS = 10
MAX_AGE_S = 3600
SPREAD_MINUTES = 15
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


def spread_minutes(expression: str) -> int:
    """Return the minutes over which EventBridge Scheduler may spread a schedule's calls: a quarter of its interval.

    A deployment creates a thousand schedules at once, and all are due at the same minute ever after. The scheduled
    time that a call carries stays the same, so its window does, too.

    Examples
    --------
    >>> [spread_minutes(text) for text in ("rate(1 hour)", "rate(20 minutes)", "rate(1 minute)", "cron(0 3 * * ? *)")]
    [15, 5, 0, 15]
    """
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    interval = int(found[1]) * MINUTES[found[2]] if found else 24 * 60
    return min(SPREAD_MINUTES, interval // 4)


class Schedule(Construct):
    """Schedule that calls ``target_arn`` with ``request`` under the scheduler's role.

    Undelivered requests go to the dead-letter queue. The calls of a model's schedule are spread, those of one that
    all models share are not.
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
        is_shared: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        spread = 0 if is_shared else spread_minutes(expression)
        window = scheduler.CfnSchedule.FlexibleTimeWindowProperty
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=name,
            description=description,
            schedule_expression=expression,
            flexible_time_window=window(mode="FLEXIBLE", maximum_window_in_minutes=spread)
            if spread
            else window(mode="OFF"),
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
