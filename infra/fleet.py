"""The typed spec of ``fleet.yaml``: which environments and models there are, and each model's settings in each stage.

One precedence, weakest first: built in, the fleet's ``defaults``, the stage's ``defaults``, the model itself, the
model's ``stages.<stage>``. ``load`` reports every error of the file at once, each with its path, the value, and what is
allowed. ``python -m infra.fleet`` prints the JSON Schema for editors.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError

from infra import images
from infra.fleet_spec import (
    ACCOUNT,
    BUILT_IN,
    METRICS,
    NAME,
    PRODUCTION,
    EnvironmentSpec,
    ModelSpec,
    Serving,
    Settings,
    Spec,
    StageSpec,
    TeamSpec,
)
from infra.fleet_yaml import Loader
from infra.instances import has_local_disk
from pipelines.contract import settings as contract
from pipelines.contract.names import Environment

LONGEST_VALUE = 80
"""Characters of a value that an error shows."""


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


@dataclass(frozen=True)
class Problem:
    """One error of the file: where it stands, what was given, what is allowed."""

    path: str
    value: Any
    allowed: str

    def __str__(self) -> str:
        value = repr(self.value)
        shown = value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"
        return f"{self.path}: {shown}; allowed: {self.allowed}"


class FleetError(ValueError):
    """The fleet's file is not a fleet; the message lists every problem."""

    def __init__(self, problems: list[Problem], source: str = "fleet") -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {problem}" for problem in problems)]))


def load(path: Path) -> Fleet:
    """Read and validate a fleet's file.

    Raises
    ------
    FleetError
        It cannot be read, is no YAML, or has problems; all of them are named.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError([Problem(str(path), str(error), "a readable UTF-8 file")], str(path)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        raise FleetError([Problem(where, error.problem, "YAML")], str(path)) from error
    except yaml.YAMLError as error:
        raise FleetError([Problem("the file", str(error), "YAML")], str(path)) from error
    return parse(document, source=str(path))


def parse(document: Any, *, source: str = "fleet") -> Fleet:
    """Validate a document that was read already.

    Raises
    ------
    FleetError
        It has problems; all of them are named.
    """
    problems: list[Problem] = []
    fleet: Fleet | None = None
    try:
        fleet = Fleet.model_validate(document)
    except ValidationError as invalid:
        problems = [_problem(dict(error)) for error in invalid.errors()]
        fleet = _without(document, [error["loc"] for error in invalid.errors()])
    if fleet is not None:
        # Where a value was wrong in itself, what is missing below it is no news.
        known = tuple(problem.path for problem in problems)
        problems += [problem for problem in _check(fleet) if not problem.path.startswith(known)]
    if problems or fleet is None:
        raise FleetError(problems, source)
    return fleet


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


def _path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.lstrip(".") or "the file"


_SHAPES = {
    "model_type": "a mapping: lines of key: value",
    "dict_type": "a mapping: lines of key: value",
    "list_type": "a list: each item behind a hyphen, or [a, b]",
}


def _problem(error: dict[str, Any]) -> Problem:
    location, value = error["loc"], error["input"]
    if error["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return Problem(_path(location), str(location[-1]), f"{hint}one of {', '.join(known)}")
    if error["type"] == "missing":
        return Problem(_path(location), None, "a value; it is required")
    if error["type"] in _SHAPES:
        return Problem(_path(location), value, _SHAPES[error["type"]])
    allowed = str(error["msg"]).removeprefix("Input should be ").removeprefix("String should ")
    if location[-1:] == ("account",) and isinstance(value, int):
        allowed += ": put quotes around it"
    return Problem(_path(location), value, allowed)


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys that are known where ``location`` points: into a model, a list's item or a mapping's value."""
    at: Any = Fleet
    for part in location:
        if isinstance(at, type) and issubclass(at, BaseModel):
            at = at.model_fields[str(part)].annotation
            at = get_args(at)[0] if get_origin(at) is UnionType else at
        else:
            at = get_args(at)[-1]
    return sorted(at.model_fields)


_STAND_INS = {
    "account": "0" * 12,
    "monthly_budget_usd": 1,
    "owners": ["nobody@example.com"],
    "target": "x",
    "time_column": "x",
}
"""For what is required and was wrong, but which nothing else depends on."""


def _without(document: Any, locations: list[tuple[int | str, ...]]) -> Fleet | None:
    """The fleet without what was wrong in itself, so that the checks across values run in the same go; None if the
    rest is no fleet."""
    pruned = copy.deepcopy(document)
    for found in locations:
        end = next((number for number, part in enumerate(found, 1) if part in _STAND_INS), len(found))
        location = found[:end]
        at = pruned
        try:
            for part in location[:-1]:
                at = at[part]
            if isinstance(at, dict):
                at.pop(location[-1], None)
                if location[-1] in _STAND_INS:
                    at[location[-1]] = _STAND_INS[str(location[-1])]
        except (KeyError, IndexError, TypeError):
            return None
    try:
        return Fleet.model_validate(pruned)
    except ValidationError:
        return None


def _check(fleet: Fleet) -> Iterator[Problem]:
    stages = [stage.name for stage in fleet.stages]
    yield from _names("stages", stages)
    yield from _names("teams", [team.name for team in fleet.teams])
    ids = Counter(environment.names.id for environment in fleet.environments())
    for number, team in enumerate(fleet.teams):
        at = f"teams[{number}]"
        yield from _names(f"{at}.models", [model.name for model in team.models])
        for place, spec in enumerate(team.environments):
            yield from _check_environment(f"{at}.environments[{place}]", team, spec, stages, ids)
        present = [spec.stage for spec in team.environments]
        for place, model in enumerate(team.models):
            yield from _check_model(f"{at}.models[{place}]", fleet, model, stages, present)


def _names(at: str, names: list[str]) -> Iterator[Problem]:
    counts = Counter(names)
    for number, name in enumerate(names):
        if not re.match(NAME, name):
            yield Problem(f"{at}[{number}].name", name, "small letters, digits and single hyphens, a letter first")
        if counts[name] > 1:
            yield Problem(f"{at}[{number}].name", name, "a name that stands once")


def _check_environment(
    at: str, team: TeamSpec, spec: EnvironmentSpec, stages: list[str], ids: Counter[str]
) -> Iterator[Problem]:
    if spec.stage not in stages:
        yield Problem(f"{at}.stage", spec.stage, f"one of the stages {', '.join(stages)}")
    if not re.match(ACCOUNT, spec.account):
        yield Problem(f"{at}.account", spec.account, "an account id: 12 digits, in quotes")
    if spec.region not in images.REGISTRIES:
        near = get_close_matches(spec.region, images.REGISTRIES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        yield Problem(f"{at}.region", spec.region, f"{hint}one of {', '.join(images.REGISTRIES)}")
    names = Environment(team=team.name, stage=spec.stage, account=spec.account, region=spec.region)
    if ids[names.id] > 1:
        yield Problem(at, names.id, "an environment (team, stage, region) that stands once")
    for what, name, longest in names.limits():
        if len(name) > longest:
            yield Problem(at, name, f"at most {longest} characters for the {what}'s name, not {len(name)}")
    for place, model in enumerate(team.models):
        for what, name, longest in names.model(model.name).limits():
            if len(name) > longest:
                where = f"{at.rpartition('.')[0]}.models[{place}].name"
                yield Problem(where, name, f"at most {longest} characters for the {what}'s name, not {len(name)}")


def _check_model(at: str, fleet: Fleet, model: ModelSpec, stages: list[str], present: list[str]) -> Iterator[Problem]:
    if not re.match(NAME, model.dataset):
        yield Problem(f"{at}.dataset", model.dataset, "small letters, digits and single hyphens, a letter first")
    for stage in model.stages:
        if stage not in stages:
            yield Problem(f"{at}.stages.{stage}", stage, f"one of the stages {', '.join(stages)}")
    seen: set[tuple[str, str]] = set()
    for stage in dict.fromkeys(present):
        for path, value, allowed in _check_settings(fleet.settings(model, stage), model, stage, stages, present):
            if (path, allowed) not in seen:
                seen.add((path, allowed))
                yield Problem(f"{at}.{path}", value, f"{allowed} (in stage {stage})")


def _check_settings(
    settings: Settings, model: ModelSpec, stage: str, stages: list[str], present: list[str]
) -> Iterator[tuple[str, Any, str]]:
    values = settings.model_dump()
    gate, serving, retraining = values["gate"], values["serving"], values["retraining"]
    if values["training_stage"] not in stages or values["training_stage"] not in present:
        where = [name for name in stages if name in present]
        yield "training_stage", values["training_stage"], f"one of the team's stages {', '.join(where)}"
    for job in ("training", "processing"):
        if has_local_disk(kind := values[job]["instance_type"]):
            yield f"{job}.instance_type", kind, "a type without disks of its own: those take no key of ours"
    if gate["metric"] not in METRICS[model.task]:
        yield "gate.metric", gate["metric"], f"for {model.task} one of {', '.join(METRICS[model.task])}"
    if gate["bound"] is None:
        yield "gate.bound", None, "a number: the worst value that may serve at all"
    triggers, schedule = retraining["triggers"], retraining["schedule"]
    if "schedule" in triggers and schedule is None:
        yield "retraining.schedule", None, "a rate(…) or cron(…), because retraining.triggers names schedule"
    if "schedule" not in triggers and schedule is not None:
        listed = ", ".join(triggers) or "empty"
        yield "retraining.schedule", schedule, f"null, or schedule among retraining.triggers, which are {listed}"
    if serving["mode"] == "serverless":
        allowed = "real-time: a serverless endpoint captures no traffic, and what is not watched is not served"
        yield "serving.mode", "serverless", allowed
    if serving["min_instances"] > serving["max_instances"]:
        yield "serving.min_instances", serving["min_instances"], f"at most max_instances, {serving['max_instances']}"
    if stage == PRODUCTION and serving["min_instances"] < 2:
        yield "serving.min_instances", serving["min_instances"], "at least 2 in prod"


if __name__ == "__main__":
    print(json.dumps(Fleet.model_json_schema(), indent=2, sort_keys=True))
