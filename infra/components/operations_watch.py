"""The alarms of an environment's flows and functions, and their dashboard."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from pipelines.interface.names import Environment

PERIOD = Duration.minutes(5)


class OperationsWatch(Construct):
    """An alarm for each flow, for the drift check and for landing; a dashboard of all functions and flows."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        machines: dict[str, sfn.StateMachine],
        functions: dict[str, lambda_.Function],
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        failures = {kind: machine.metric_failed(period=PERIOD) for kind, machine in machines.items()}
        errors = {name: function.metric_errors(period=PERIOD) for name, function in functions.items()}
        watched = [(kind.capitalize(), metric) for kind, metric in failures.items()]
        watched += [("DriftCheck", errors["drift_check"]), ("Landing", errors["land_files"])]
        ended = [(f"{name}Failed", f"{name} failed", metric) for name, metric in watched]
        # CloudWatch counts time-outs apart from failures. In the other flows a function records and alerts them.
        ended.append(("ChecksTimedOut", "Checks timed out", machines["checks"].metric_timed_out(period=PERIOD)))
        for construct, what, metric in ended:
            metric.create_alarm(
                self,
                construct,
                alarm_description=f"{environment.id}: {what}",
                threshold=1,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            ).add_alarm_action(actions.SnsAction(topic))
        begun = [machine.metric_started(period=PERIOD) for machine in machines.values()]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"{environment.id}-operations",
            widgets=[
                [
                    cloudwatch.GraphWidget(title="Flows begun", left=begun, width=12),
                    cloudwatch.GraphWidget(title="Flows failed", left=list(failures.values()), width=12),
                ],
                [cloudwatch.GraphWidget(title="Errors of functions", left=list(errors.values()), width=24)],
            ],
        )
