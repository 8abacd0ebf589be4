"""The dashboard of an environment: its flows and functions, and all of its models and endpoints.

There is one, because each costs $3 a month. It finds the endpoints by searching for the words of their names, so a new
model changes nothing here. Alarms would cost $0.10 a month each: flows that end badly call the ``finish`` functions,
which alert, and what these and the other functions cannot do ends in the dead-letter queue, which has an alarm.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from pipelines.interface.metrics import DIMENSION, NAMESPACE, Metric
from pipelines.interface.names import Environment

PERIOD = Duration.minutes(5)


class OperationsWatch(Construct):
    """Graphs of findings, traffic, latency, flows and errors."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        machines: dict[str, sfn.StateMachine],
        functions: dict[str, lambda_.Function],
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        findings = [
            cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name=metric.value,
                dimensions_map={DIMENSION: environment.id},
                statistic="sum",
                period=PERIOD,
            )
            for metric in Metric
        ]
        begun = [machine.metric_started(period=PERIOD) for machine in machines.values()]
        failed = [machine.metric_failed(period=PERIOD) for machine in machines.values()]
        errors = [function.metric_errors(period=PERIOD) for function in functions.values()]
        graph = cloudwatch.GraphWidget
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=environment.id,
            widgets=[
                [
                    graph(title="Findings and files", left=findings, width=12),
                    graph(title="Errors of endpoints", left=[self._served("Invocation5XXErrors", "Sum")], width=12),
                ],
                [
                    graph(title="Requests", left=[self._served("Invocations", "Sum")], width=12),
                    graph(title="Latency, p99", left=[self._served("ModelLatency", "p99")], width=12),
                ],
                [
                    graph(title="Flows begun", left=begun, width=8),
                    graph(title="Flows failed", left=failed, width=8),
                    graph(title="Errors of functions", left=errors, width=8),
                ],
            ],
        )

    def _served(self, metric: str, statistic: str) -> cloudwatch.MathExpression:
        """Return the search for a metric of all endpoints of the environment.

        CloudWatch compares words, not prefixes: an endpoint's name has those of the team and of the stage.
        """
        words = " AND ".join(f"{self._environment.team}-{self._environment.stage}".split("-"))
        where = f'{{AWS/SageMaker,EndpointName,VariantName}} MetricName="{metric}" EndpointName=({words})'
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{where}', '{statistic}', {PERIOD.to_seconds():.0f})", label="", period=PERIOD
        )
