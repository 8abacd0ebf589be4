"""The fleet and its environments, with each model's settings in each stage.

A setting comes from the strongest layer that sets it. The layers, weakest first: built in, the fleet's ``defaults``,
the stage's ``defaults``, the model itself, the model's ``stages.<stage>``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any

from pydantic import Field

from infra import images
from infra.fleet.problems import FleetError, Problem
from infra.fleet.promotion import Promotion
from infra.fleet.spec import (
    BUILT_IN,
    BUILT_IN_RETENTION,
    PRODUCTION,
    CiSpec,
    ModelSpec,
    Retention,
    RetentionSpec,
    Serving,
    Settings,
    Spec,
    StageSpec,
    TeamSpec,
    ToolingSpec,
)
from pipelines.interface import settings as contract
from pipelines.interface.names import MODEL_STACK_KINDS, STACK_KINDS, TOOLING, Environment


class Fleet(Spec):
    defaults: Settings = Settings()
    retention: RetentionSpec = RetentionSpec()
    tooling: ToolingSpec | None = None
    ci: CiSpec | None = None
    stages: Annotated[list[StageSpec], Field(min_length=1)]
    teams: Annotated[list[TeamSpec], Field(min_length=1)]

    def environments(self) -> "Iterator[FleetEnvironment]":
        """Yield every environment, by team and then in the file's order."""
        for team in self.teams:
            for spec in team.environments:
                names = Environment(
                    team=team.name,
                    stage=spec.stage,
                    account=spec.account,
                    region=spec.region,
                    data_bucket=spec.adopt.data_bucket or "",
                )
                yield FleetEnvironment(fleet=self, team=team, names=names)

    def environment(self, environment_id: str) -> "FleetEnvironment":
        """Return the environment with that id.

        Raises
        ------
        FleetError
            There is none; the message lists the fleet's environments.
        """
        found = {environment.names.id: environment for environment in self.environments()}
        if environment_id not in found:
            raise FleetError([Problem("environment", environment_id, f"one of {', '.join(found)}")])
        return found[environment_id]

    def deployable(self) -> "dict[str, FleetEnvironment]":
        """Return by id all that can be deployed: every environment, then the tooling environment of each team."""
        tooling = ((team, self.tooling_environment(team)) for team in self.teams)
        pipelines = [FleetEnvironment(fleet=self, team=team, names=names) for team, names in tooling if names]
        return {each.names.id: each for each in (*self.environments(), *pipelines)}

    def tooling_environment(self, team: TeamSpec) -> Environment | None:
        """Return the names of what promotes a team's code and models; None if the fleet has no tooling account."""
        if self.tooling is None:
            return None
        return Environment(team=team.name, stage=TOOLING, account=self.tooling.account, region=self.tooling.region)

    def promotion_stages(self, team: TeamSpec) -> "list[tuple[StageSpec, list[FleetEnvironment]]]":
        """Return the team's stages in promotion order, each with its environments in the file's order."""
        listed = [each for each in self.environments() if each.team is team]
        found = ((stage, [each for each in listed if each.names.stage == stage.name]) for stage in self.stages)
        return [(stage, environments) for stage, environments in found if environments]

    def settings(self, model: ModelSpec, stage: str) -> Settings:
        """Return a model's settings in one stage; only those that a model must set itself can be None."""
        layers = (
            BUILT_IN,
            self.defaults,
            *(spec.defaults for spec in self.stages if spec.name == stage),
            model,
            model.stages.get(stage, Settings()),
        )
        return Settings.model_validate(reduce(_over, map(_stated, layers)))


@dataclass(frozen=True, kw_only=True)
class FleetEnvironment:
    """One environment of the fleet, with the settings of its team's models in its stage."""

    fleet: Fleet
    team: TeamSpec
    names: Environment

    @property
    def is_production(self) -> bool:
        return self.names.stage == PRODUCTION

    @property
    def stage(self) -> StageSpec:
        return next(spec for spec in self.fleet.stages if spec.name == self.names.stage)

    @property
    def is_tooling(self) -> bool:
        """Whether this is the place of the team's pipelines, which has no stage and no models."""
        return self.names.stage == TOOLING

    def senders(self) -> list[Environment]:
        """Return the team's environments in later stages: what they find may start a retraining here."""
        return [names for stage, names in self._team() if stage > self._stage]

    def trainers(self) -> list[Environment]:
        """Return the first of the team's environments in each earlier stage: a model's training stage names one."""
        first: dict[int, Environment] = {}
        for stage, names in self._team():
            if stage < self._stage:
                first.setdefault(stage, names)
        return [first[stage] for stage in sorted(first)]

    def promotion(self) -> Promotion | None:
        """Return the environment's place in the promotion of models; None if the fleet has no tooling account."""
        tooling = self.fleet.tooling_environment(self.team)
        if tooling is None:
            return None
        previous = self._beside(-1)
        present = {names.stage for _, names in self._team()}
        return Promotion(
            tooling=tooling,
            trainers=tuple(self.trainers()),
            source=previous[0] if previous else None,
            following=tuple(self._beside(1)),
            later=tuple(self.senders()),
            stages=tuple(stage.name for stage in self.fleet.stages if stage.name in present),
        )

    def _beside(self, step: int) -> list[Environment]:
        """Return the team's environments in the stage after this one's, or with -1 in the one before it."""
        listed = list(self._team())
        stages = sorted({stage for stage, _ in listed})
        place = stages.index(self._stage) + step
        return [names for stage, names in listed if 0 <= place < len(stages) and stage == stages[place]]

    def _team(self) -> Iterator[tuple[int, Environment]]:
        """Yield the team's environments in the file's order, each with the position of its stage."""
        order = [stage.name for stage in self.fleet.stages]
        for other in self.fleet.environments():
            if other.team.name == self.team.name:
                yield order.index(other.names.stage), other.names

    @property
    def _stage(self) -> int:
        return [stage.name for stage in self.fleet.stages].index(self.names.stage)

    @property
    def retention(self) -> Retention:
        """The days for which the environment keeps things: the stage's, over the fleet's, over the built-in ones."""
        of_stage = (spec.retention for spec in self.fleet.stages if spec.name == self.names.stage)
        layers = (BUILT_IN_RETENTION, self.fleet.retention, *of_stage)
        return Retention(**reduce(_over, (layer.model_dump(exclude_none=True) for layer in layers)))

    def registry(self) -> dict[int, list[ModelSpec]]:
        """Return the team's models by the slots of their Registry stacks, both in order."""
        slots: dict[int, list[ModelSpec]] = {}
        for model in sorted(self.team.models, key=lambda model: model.name):
            slots.setdefault(self.names.model(model.name).registry_slot, []).append(model)
        return dict(sorted(slots.items()))

    def stacks(self) -> list[str]:
        """Return the names of the environment's stacks, those first that others need."""
        if self.is_tooling:
            return [self.names.stack("promotion")]
        shared = [self.names.stack(kind) for kind in STACK_KINDS]
        models = [self.names.model(model.name) for model in self.team.models]
        return [*shared, *dict.fromkeys(model.stack(kind) for kind in MODEL_STACK_KINDS for model in models)]

    def narrowed(self, models: Sequence[ModelSpec]) -> "FleetEnvironment":
        """Return the environment with these of its models; of the team's others the places are left."""
        stage = self.names.stage
        own = [
            model.model_copy(update={"stages": {name: of for name, of in model.stages.items() if name == stage}})
            for model in models
        ]
        team = self.team.model_copy(update={"models": own})
        own_stage = self.stage if self.fleet.ci else _without_promotion(self.stage)
        stages = [own_stage if spec.name == stage else StageSpec(name=spec.name) for spec in self.fleet.stages]
        changes: dict[str, Any] = {"stages": stages, "teams": [team]}
        if tooling := self.fleet.tooling:
            changes["tooling"] = ToolingSpec(account=tooling.account, region=tooling.region)
        fleet = self.fleet.model_copy(update=changes)
        return FleetEnvironment(fleet=fleet, team=team, names=self.names)

    def of_pipelines(self) -> "FleetEnvironment":
        """Return a tooling environment with all that its stack reads: no models, and stages without their settings."""
        team = self.team.model_copy(update={"models": []})
        stages = [StageSpec(name=spec.name, promotion=spec.promotion) for spec in self.fleet.stages]
        fleet = self.fleet.model_copy(update={"defaults": Settings(), "stages": stages, "teams": [team]})
        return FleetEnvironment(fleet=fleet, team=team, names=self.names)

    def settings(self, model: ModelSpec) -> Settings:
        return self.fleet.settings(model, self.names.stage)

    def serving(self, model: ModelSpec) -> Serving:
        values = self.settings(model).model_dump()["serving"]
        return Serving(**{name: value for name, value in values.items() if name != "mode"})

    def drift_schedule(self, model: ModelSpec) -> str:
        return str(self.settings(model).model_dump()["drift"]["schedule"])

    def retraining_schedule(self, model: ModelSpec) -> str | None:
        """Return the schedule of the model's retraining; None where another stage trains it, or no schedule does."""
        values = self.settings(model).model_dump()
        schedule: str | None = values["retraining"]["schedule"]
        return schedule if values["training_stage"] == self.names.stage else None

    def model_settings(self, model: ModelSpec, *, code_uri: str) -> contract.ModelSettings:
        """Return the settings that the state machines' functions read."""
        values = self.settings(model).model_dump()
        drift = {name: value for name, value in values["drift"].items() if name != "schedule"}
        retraining = {name: value for name, value in values["retraining"].items() if name != "schedule"}
        retraining["triggers"] = tuple(retraining["triggers"])
        if values["training_stage"] != self.names.stage:
            # Later stages get the artifact by promotion, so only a person retrains here.
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
            training_stage=values["training_stage"],
        )


def _without_promotion(stage: StageSpec) -> StageSpec:
    """Return a stage without the settings that only pipelines and the trust of CI roles read."""
    stated = {name: getattr(stage, name) for name in stage.model_fields_set - {"promotion"}}
    return StageSpec(**stated)


_SETTINGS = set(Settings.model_fields)


def _stated(settings: Settings) -> dict[str, Any]:
    """Return the values that one layer sets; only ``retraining.schedule`` may be set to None."""
    stated = settings.model_dump(include=_SETTINGS, exclude_none=True)
    if settings.retraining and "schedule" in settings.retraining.model_fields_set:
        stated["retraining"]["schedule"] = settings.retraining.schedule
    return stated


def _over(weaker: dict[str, Any], stronger: dict[str, Any]) -> dict[str, Any]:
    merged = dict(weaker)
    for name, value in stronger.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
