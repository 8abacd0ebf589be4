"""The schedule of a model's retraining."""

from constructs import Construct

from infra.components.schedule import Schedule
from pipelines.interface.names import Model


class RetrainingSchedule(Schedule):
    """Schedule that starts the shared retraining state machine; the lease decides whether a run begins."""

    def __init__(self, scope: Construct, construct_id: str, *, model: Model, expression: str) -> None:
        trigger = {
            "kind": "schedule",
            "id": "<aws.scheduler.scheduled-time>",
            "by": "schedule",
            "reason": f"{expression}, due <aws.scheduler.scheduled-time>",
        }
        super().__init__(
            scope,
            construct_id,
            environment=model.environment,
            name=model.retraining_schedule,
            description=f"Retrains {model.id}",
            expression=expression,
            target_arn=model.environment.state_machine_arn("retraining"),
            request={"model": model.name, "trigger": trigger},
        )
