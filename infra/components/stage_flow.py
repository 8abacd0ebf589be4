"""The definition of a team's promotion state machine: one step in all environments of a stage.

A pipeline starts it with a ``StageStep``. It starts the machine of each environment and polls it, because AWS's own
``startExecution.sync`` does not reach another account. See docs/reference/promotion.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.components.asl import State, catch, choose, fail
from infra.components.promotion_flow import RESTORE_S
from infra.components.stage_map import count_failures, gather_causes, stage_map
from pipelines.interface.codec import to_json
from pipelines.interface.names import Environment
from pipelines.interface.release_state import LONGEST_RELEASE_S
from pipelines.interface.requests import Step

LONGEST_STEP_S = LONGEST_RELEASE_S + 2 * RESTORE_S
"""Seconds after which an environment's machine times out."""
SPARE_S = 900
"""Seconds for starting and polling the last environment."""
CAUSES = "States.JsonToString($.answers[*].cause)"


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """One stage as the machine needs it: its environments in order, and how they are promoted."""

    name: str
    environments: tuple[Environment, ...]
    ordered: bool
    approval: bool

    @property
    def turns(self) -> int:
        """The number of environments that go one after the other."""
        return len(self.environments) if self.ordered else 1


def stage_flow(tooling: Environment, stages: Sequence[StagePlan]) -> State:
    """Return the definition for a team's stages.

    Environments go in order, each after the success of the one before, or all at once. A release that fails in one of
    them is returned in all.
    """
    timeout_s = (max(stage.turns for stage in stages) + 1) * LONGEST_STEP_S + SPARE_S
    every = [each for stage in stages for each in stage.environments]
    chosen: dict[str | bool, str] = {"": "In order?", **{each.id: f"Only {each.id}" for each in every}}
    return {
        "Comment": f"Takes one step of a promotion in the environments of a stage, for the pipelines of {tooling.id}",
        "StartAt": "Which stage?",
        "TimeoutSeconds": timeout_s,
        "States": {
            "Which stage?": choose("$.stage", {each.name: f"Stage {each.name}" for each in stages}, otherwise="Refuse"),
            **{
                f"Stage {stage.name}": _place(stage, stage.environments, then="Which environments?") for stage in stages
            },
            "Which environments?": choose("$.environment", chosen, otherwise="Refuse"),
            **{
                f"Only {each.id}": _place(stage, (each,), then="In order?")
                for stage in stages
                for each in stage.environments
            },
            "Refuse": {
                "Type": "Fail",
                "Error": "UnknownPlaceError",
                "Cause": f"the team has no such stage or environment: deploy {tooling.stack('promotion')} again",
            },
            "In order?": choose("$.place.ordered", {True: "One after the other"}, otherwise="All at once"),
            "One after the other": {
                **stage_map(tooling, "In turn", step="$.step", in_order=True),
                "Catch": [catch("Return?")],
                "Next": "Done",
            },
            "All at once": {
                **stage_map(tooling, "At once", step="$.step", in_order=False),
                "Catch": [catch("Return?")],
                "Next": "Count failures",
            },
            "Count failures": count_failures(then="Any failure?"),
            "Any failure?": choose("$.count.any", {True: "Gather causes"}, otherwise="Done"),
            "Gather causes": gather_causes("PromotionFailedError", CAUSES, then="Return?"),
            "Done": {"Type": "Succeed"},
            "Return?": choose("$.step", {str(Step.RELEASE): "Return all"}, otherwise="Failed"),
            # Also in those that were not reached: returning what was not released changes nothing.
            "Return all": {
                **stage_map(tooling, "Return", step=str(Step.RETURN), in_order=False),
                "Catch": [catch("Failed")],
                "Next": "Count failed returns",
            },
            "Count failed returns": count_failures(then="Any failed return?"),
            "Any failed return?": choose("$.count.any", {True: "Gather causes of both"}, otherwise="Failed"),
            "Gather causes of both": gather_causes(
                "ReturnFailedError",
                f"States.Format('{{}}; not returned everywhere: {{}}', $.failure.Cause, {CAUSES})",
                then="Failed",
            ),
            "Failed": fail(),
        },
    }


def _place(stage: StagePlan, environments: Sequence[Environment], *, then: str) -> State:
    place = {
        "environments": [to_json(environment) for environment in environments],
        "ordered": stage.ordered,
        "approval": stage.approval,
    }
    return {"Type": "Pass", "Result": place, "ResultPath": "$.place", "Next": then}
