"""The monthly budget of the environment; it alerts the owners before it is spent."""

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from pipelines.interface.names import ENVIRONMENT_TAG, Environment

THRESHOLDS = (("ACTUAL", 80), ("FORECASTED", 100))
"""Kinds of notification, with the percentage of the budget at which AWS sends them."""


class Budget(Construct):
    """The budget of what carries the environment's tag, which must be active as a cost allocation tag."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, monthly_usd: int, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=monthly_usd, unit="USD"),
                # "user:" marks the tags that users define, as against those that AWS generates.
                cost_filters={"TagKeyValue": [f"user:{ENVIRONMENT_TAG}${environment.id}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN", notification_type=kind, threshold=percent
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in THRESHOLDS
            ],
        )
