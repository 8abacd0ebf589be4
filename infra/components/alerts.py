"""The alert topic, and the dead-letter queue of events that could not be delivered."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.policies import publisher, service
from pipelines.interface.names import Environment


class Alerts(Construct):
    """The encrypted ``topic`` that mails the owners, and the queue ``dead_letters`` with an alarm on it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey, owners: list[str]
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", topic_name=environment.topic, master_key=key, enforce_ssl=True)
        for owner in owners:
            self.topic.add_subscription(subscriptions.EmailSubscription(owner))
        for name in ("cloudwatch", "events", "budgets"):
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"Publish{name.capitalize()}",
                    actions=["sns:Publish"],
                    principals=[publisher(name, environment.account)],
                    resources=[self.topic.topic_arn],
                )
            )
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=environment.dead_letter_queue,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                sid="UndeliveredEvents",
                actions=["sqs:SendMessage"],
                principals=[service("events", environment.account)],
                resources=[self.dead_letters.queue_arn],
            )
        )
        self.dead_letters.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(5), statistic="max"
        ).create_alarm(
            self,
            "Undelivered",
            alarm_description=f"{environment.id}: an event or a schedule could not be delivered",
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        ).add_alarm_action(actions.SnsAction(self.topic))
