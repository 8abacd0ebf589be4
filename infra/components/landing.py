"""The queue of S3's events and the schedule that call the function which lands files."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.schedule import Schedule
from infra.components.triggers import MAX_AGE, RETRY_ATTEMPTS
from pipelines.interface.landing import EVERY, LONGEST_S, PREFIX, WINDOW_S
from pipelines.interface.names import Environment

BATCH_SIZE = 1000
RECEIVED_AT_MOST = 3
LEAST_CONCURRENCY = 2
"""Smallest limit that Lambda accepts; a second run finds the dataset's lock taken and exits."""


class Landing(Construct):
    """One queue and one schedule for all models and datasets of an environment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        function: lambda_.Function,
        key: kms.IKey,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        queue = sqs.Queue(
            self,
            "Wakes",
            queue_name=environment.landing_queue,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            # Lambda requires at least the function's time-out.
            visibility_timeout=Duration.seconds(LONGEST_S + WINDOW_S),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=RECEIVED_AT_MOST),
        )
        target = targets.SqsQueue(
            queue,
            # The message only says that a file came: names of files stay out of queues.
            message=events.RuleTargetInput.from_object({"wake": "landing"}),
            dead_letter_queue=dead_letters,
            retry_attempts=RETRY_ATTEMPTS,
            max_event_age=MAX_AGE,
        )
        pattern = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={"bucket": {"name": [environment.bucket("data")]}, "object": {"key": [{"prefix": PREFIX}]}},
        )
        events.Rule(
            self, "FileLanded", rule_name=environment.rule("file-landed"), event_pattern=pattern, targets=[target]
        )
        lambda_.EventSourceMapping(
            self,
            "Wake",
            target=function,
            event_source_arn=queue.queue_arn,
            batch_size=BATCH_SIZE,
            max_batching_window=Duration.seconds(WINDOW_S),
            max_concurrency=LEAST_CONCURRENCY,
        )
        Schedule(
            self,
            "Look",
            environment=environment,
            name=environment.landing_schedule,
            description=f"Lands files of {environment.id} whose event was lost",
            expression=EVERY,
            target_arn=function.function_arn,
            request={"wake": "landing"},
            is_shared=True,
        )
