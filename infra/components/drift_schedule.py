"""The schedule of a model's drift checks."""

from constructs import Construct

from infra.components.schedule import Schedule
from pipelines.interface.names import Model


class DriftSchedule(Schedule):
    """Schedule that calls ``drift_check`` with the model and its scheduled time, which decides the window."""

    def __init__(self, scope: Construct, construct_id: str, *, model: Model, expression: str) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=model.environment,
            name=model.drift_schedule,
            description=f"Checks the traffic of {model.id} for drift",
            expression=expression,
            target_arn=model.environment.function_arn("drift_check"),
            request={"model": model.name, "scheduled_at": "<aws.scheduler.scheduled-time>"},
        )
