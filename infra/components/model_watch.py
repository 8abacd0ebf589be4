"""A model's alarms on the findings of the drift check, and its dashboard."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from pipelines.interface.metrics import NAMESPACE, Metric
from pipelines.interface.names import Model

PERIOD = Duration.minutes(5)
FINDINGS = {
    Metric.DRIFT: "traffic drifted from the training data",
    Metric.BROKEN_INPUT: "traffic breaks the data contract",
    Metric.QUALITY_LOST: "predictions are worse than at evaluation",
}
"""Metrics of the drift check that are 1 if it found this, else 0."""


class ModelWatch(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, model: Model, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        for metric, meaning in FINDINGS.items():
            _checked(model, metric).create_alarm(
                self,
                metric.value,
                alarm_name=model.alarm(metric.value.lower()),
                alarm_description=f"{model.id}: {meaning}",
                threshold=1,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
            ).add_alarm_action(actions.SnsAction(topic))
        traffic = [_served(model, name) for name in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=model.id,
            widgets=[
                [
                    cloudwatch.GraphWidget(
                        title="Findings", left=[_checked(model, metric) for metric in FINDINGS], width=8
                    ),
                    cloudwatch.GraphWidget(title="Traffic", left=traffic, width=8),
                    cloudwatch.GraphWidget(title="Latency", left=[_served(model, "ModelLatency", "p99")], width=8),
                ]
            ],
        )


def _checked(model: Model, metric: Metric) -> cloudwatch.Metric:
    dimensions = {"Environment": model.environment.id, "Model": model.name}
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=metric.value, dimensions_map=dimensions, statistic="max", period=PERIOD
    )


def _served(model: Model, name: str, statistic: str = "sum") -> cloudwatch.Metric:
    dimensions = {"EndpointName": model.endpoint, "VariantName": "primary"}
    return cloudwatch.Metric(
        namespace="AWS/SageMaker", metric_name=name, dimensions_map=dimensions, statistic=statistic, period=PERIOD
    )
