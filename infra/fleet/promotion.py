"""The environments between which an environment's models move: what of the fleet the templates need for promotion."""

from dataclasses import dataclass

from pipelines.interface.names import Environment


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One environment's place in the promotion of its team's models.

    ``tooling`` holds the team's pipelines. ``trainers`` may train the models that are imported here, ``source`` is the
    one whose bucket they are copied from, None in the first stage. ``following`` copy from here, ``later`` verify what
    is signed here. ``stages`` are the team's, in order.
    """

    tooling: Environment
    trainers: tuple[Environment, ...]
    source: Environment | None
    following: tuple[Environment, ...]
    later: tuple[Environment, ...]
    stages: tuple[str, ...]

    @property
    def later_stages(self) -> list[str]:
        """The stages after the environment's own, in order."""
        found = {environment.stage for environment in self.later}
        return [stage for stage in self.stages if stage in found]
