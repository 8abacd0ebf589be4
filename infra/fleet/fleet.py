"""The fleet and its environments: each model's settings in each stage.

One precedence, weakest first: built in, the fleet's ``defaults``, the stage's ``defaults``, the model itself, the
model's ``stages.<stage>``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any

from pydantic import Field

from infra import images
from infra.fleet.problems import FleetError, Problem
from infra.fleet.spec import BUILT_IN, PRODUCTION, ModelSpec, Serving, Settings, Spec, StageSpec, TeamSpec
from pipelines.interface import settings as contract
from pipelines.interface.names import Environment


class Fleet(Spec):
    defaults: Settings = Settings()
    stages: Annotated[list[StageSpec], Field(min_length=1)]
    teams: Annotated[list[TeamSpec], Field(min_length=1)]

    def environments(self) -> "Iterator[FleetEnvironment]":
        """Every environment, by team and then in the file's order."""
        for team in self.teams:
            for spec in team.environments:
                names = Environment(team=team.name, stage=spec.stage, account=spec.account, region=spec.region)
                yield FleetEnvironment(fleet=self, team=team, names=names)

    def environment(self, environment_id: str) -> "FleetEnvironment":
        """The environment of that id.

        Raises
        ------
        FleetError
            There is none; the message lists those that there are.
        """
        found = {environment.names.id: environment for environment in self.environments()}
        if environment_id not in found:
            raise FleetError([Problem("environment", environment_id, f"one of {', '.join(found)}")])
        return found[environment_id]

    def settings(self, model: ModelSpec, stage: str) -> Settings:
        """A model's settings in one stage: nothing is absent, except what the model had to say and did not."""
        own = Settings.model_validate(model.model_dump(include=set(Settings.model_fields), exclude_unset=True))
        layers = (
            BUILT_IN,
            self.defaults,
            *(spec.defaults for spec in self.stages if spec.name == stage),
            own,
            model.stages.get(stage, Settings()),
        )
        return Settings.model_validate(reduce(_over, map(_stated, layers)))


@dataclass(frozen=True, kw_only=True)
class FleetEnvironment:
    """One environment of the fleet, with its team's models as they are in its stage."""

    fleet: Fleet
    team: TeamSpec
    names: Environment

    @property
    def is_production(self) -> bool:
        return self.names.stage == PRODUCTION

    def settings(self, model: ModelSpec) -> Settings:
        return self.fleet.settings(model, self.names.stage)

    def serving(self, model: ModelSpec) -> Serving:
        values = self.settings(model).model_dump()["serving"]
        return Serving(**{name: value for name, value in values.items() if name != "mode"})

    def drift_schedule(self, model: ModelSpec) -> str:
        return str(self.settings(model).model_dump()["drift"]["schedule"])

    def retraining_schedule(self, model: ModelSpec) -> str | None:
        """None where the model is not trained, or not by a schedule."""
        values = self.settings(model).model_dump()
        schedule: str | None = values["retraining"]["schedule"]
        return schedule if values["training_stage"] == self.names.stage else None

    def model_settings(self, model: ModelSpec, *, code_uri: str) -> contract.ModelSettings:
        """The document that the state machines' functions read."""
        values = self.settings(model).model_dump()
        drift = {name: value for name, value in values["drift"].items() if name != "schedule"}
        retraining = {name: value for name, value in values["retraining"].items() if name != "schedule"}
        retraining["triggers"] = tuple(retraining["triggers"])
        if values["training_stage"] != self.names.stage:
            # Only a person retrains here; later stages get the artifact by promotion.
            retraining["triggers"] = ()
        return contract.ModelSettings(
            model=model.name,
            dataset=model.dataset,
            task=model.task,
            target=model.target,
            time_column=model.time_column,
            window_months=values["window_months"],
            holdout_months=values["holdout_months"],
            image=images.scikit_learn(self.names.region),
            code_uri=code_uri,
            training=contract.Job(**values["training"]),
            processing=contract.Job(**values["processing"]),
            gate=contract.Gate(**values["gate"]),
            drift=contract.Drift(**drift),
            quality=contract.Quality(**values["quality"]),
            retraining=contract.Retraining(**retraining),
            approval=values["approval"],
            two_people=values["two_people"],
            hyperparameters=values["hyperparameters"],
        )


def _stated(settings: Settings) -> dict[str, Any]:
    """What one place says."""
    said = settings.model_dump(exclude_none=True)
    if settings.retraining and "schedule" in settings.retraining.model_fields_set:
        said["retraining"]["schedule"] = settings.retraining.schedule
    return said


def _over(weaker: dict[str, Any], stronger: dict[str, Any]) -> dict[str, Any]:
    merged = dict(weaker)
    for name, value in stronger.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
