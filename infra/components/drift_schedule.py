"""The schedule of a model's drift checks."""

from constructs import Construct

from infra.components.schedule import Schedule
from pipelines.interface.names import Model


class DriftSchedule(Schedule):
    """Calls ``drift_check`` with the model and the moment that the schedule meant, which fixes the window."""

    def __init__(self, scope: Construct, construct_id: str, *, model: Model, expression: str) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=model.environment,
            name=model.drift_schedule,
            description=f"Is the traffic of {model.id} still like its training data?",
            expression=expression,
            target_arn=model.environment.function_arn("drift_check"),
            request={"model": model.name, "scheduled_at": "<aws.scheduler.scheduled-time>"},
        )
