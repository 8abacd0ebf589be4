"""Checks across the values of a fleet: names, limits, and settings that contradict each other."""

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from infra import images
from infra.fleet.fleet import Fleet, FleetEnvironment
from infra.fleet.problems import Problem
from infra.fleet.spec import ACCOUNT, METRICS, NAME, PRODUCTION, EnvironmentSpec, ModelSpec, Settings, TeamSpec
from infra.instances import has_arm_processor, has_local_disk, is_burstable, types
from pipelines.interface.names import TOOLING, Environment

MAX_SETTINGS = 4096
"""Parameter Store's limit for the value of a standard parameter, in characters."""
MAX_IN_SLOT = 100
"""Largest number of models in one Registry stack. Each has at most four resources, and a stack at most 500."""
OWN_STAGES, MAX_STAGES, MAX_ACTIONS = 3, 50, 1000
"""Stages of a code pipeline before the team's, one action each; CodePipeline's quotas of stages and of actions."""
LONGEST_URI = "s3://" + "x" * 140
"""Placeholder of a code bundle's URI: a bucket's name of at most 63 characters, and a digest."""


def check(fleet: Fleet) -> Iterator[Problem]:
    stages = [stage.name for stage in fleet.stages]
    yield from _names("stages", stages)
    yield from _names("teams", [team.name for team in fleet.teams])
    ids = Counter(environment.names.id for environment in fleet.environments())
    yield from _check_adopted(fleet)
    yield from _check_tooling(fleet, stages)
    for number, team in enumerate(fleet.teams):
        at = f"teams[{number}]"
        yield from _names(f"{at}.models", [model.name for model in team.models])
        for place, spec in enumerate(team.environments):
            yield from _check_environment(f"{at}.environments[{place}]", team, spec, stages, ids)
        present = [spec.stage for spec in team.environments]
        for place, model in enumerate(team.models):
            yield from _check_model(f"{at}.models[{place}]", fleet, model, stages, present)
        yield from _check_approvals(fleet, number, team, stages)
        yield from _check_pipelines(fleet, number, team)
    for environment in fleet.environments():
        yield from _check_sizes(environment, fleet.teams.index(environment.team))
        yield from _check_slots(environment, fleet.teams.index(environment.team))


def _check_tooling(fleet: Fleet, stages: list[str]) -> Iterator[Problem]:
    if TOOLING in stages:
        yield Problem(
            f"stages[{stages.index(TOOLING)}].name", TOOLING, "a name other than that of the pipelines' place"
        )
    if fleet.tooling is None:
        return
    if not re.match(ACCOUNT, fleet.tooling.account):
        yield Problem("tooling.account", fleet.tooling.account, "an account id: 12 digits, in quotes")
    if fleet.tooling.region not in images.REGISTRIES:
        yield Problem("tooling.region", fleet.tooling.region, f"one of {', '.join(images.REGISTRIES)}")
    for number, team in enumerate(fleet.teams):
        names = fleet.tooling_environment(team)
        for what, name, longest in names.limits() if names else ():
            if len(name) > longest:
                allowed = f"at most {longest} characters for the {what}'s name, not {len(name)}"
                yield Problem(f"teams[{number}].name", name, allowed)


def _check_approvals(fleet: Fleet, number: int, team: TeamSpec, stages: list[str]) -> Iterator[Problem]:
    """Refuse two people for a model that the pipeline would release in a stage without asking a person."""
    if fleet.tooling is None or not stages:
        return
    for place, model in enumerate(team.models):
        trained = fleet.settings(model, stages[0]).training_stage
        entered = stages[stages.index(trained) + 1 :] if trained in stages else []
        for stage in entered:
            spec = fleet.stages[stages.index(stage)]
            present = any(environment.stage == stage for environment in team.environments)
            if present and fleet.settings(model, stage).two_people and spec.promotion.approval == "automatic":
                allowed = f"manual, because teams[{number}].models[{place}] needs two people in stage {stage}"
                yield Problem(f"stages[{stages.index(stage)}].promotion.approval", "automatic", allowed)


def _check_pipelines(fleet: Fleet, number: int, team: TeamSpec) -> Iterator[Problem]:
    """Check that CodePipeline accepts the team's code pipeline, which has more actions than that of its models."""
    if fleet.tooling is None:
        return
    stages = fleet.promotion_stages(team)
    actions = OWN_STAGES + sum(2 * len(places) + (spec.promotion.approval == "manual") for spec, places in stages)
    for what, found, most in (("stages", len(stages) + OWN_STAGES, MAX_STAGES), ("actions", actions, MAX_ACTIONS)):
        if found > most:
            allowed = f"fewer: a pipeline has at most {most:,} {what}, and the team's would have {found:,}"
            yield Problem(f"teams[{number}].environments", f"{len(team.environments)} environments", allowed)


def _check_adopted(fleet: Fleet) -> Iterator[Problem]:
    """Refuse to adopt one bucket twice: two environments would write each other's datasets."""
    buckets = Counter(environment.names.bucket("data") for environment in fleet.environments())
    for number, team in enumerate(fleet.teams):
        for place, spec in enumerate(team.environments):
            name = spec.adopt.data_bucket
            if name and buckets[name] > 1:
                at = f"teams[{number}].environments[{place}].adopt.data_bucket"
                yield Problem(at, name, "a bucket that no other environment uses")


def _names(at: str, names: list[str]) -> Iterator[Problem]:
    counts = Counter(names)
    for number, name in enumerate(names):
        if not re.match(NAME, name):
            yield Problem(f"{at}[{number}].name", name, "small letters, digits and single hyphens, a letter first")
        if counts[name] > 1:
            yield Problem(f"{at}[{number}].name", name, "a name that no other entry has")


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
        yield Problem(at, names.id, "an environment (team, stage, region) that is listed once")
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
    for use in ("training", "processing", "serving"):
        yield from _check_instances(use, values[use]["instance_type"])
    if is_burstable(serving["instance_type"]) and serving["min_instances"] != serving["max_instances"]:
        allowed = "a type that is not burstable, since SageMaker does not scale these; or min_instances = max_instances"
        yield "serving.instance_type", serving["instance_type"], allowed
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
        allowed = "real-time: a serverless endpoint captures no traffic, so its drift could not be checked"
        yield "serving.mode", "serverless", allowed
    if serving["min_instances"] > serving["max_instances"]:
        yield "serving.min_instances", serving["min_instances"], f"at most max_instances, {serving['max_instances']}"
    if stage == PRODUCTION and serving["min_instances"] < 2:
        yield "serving.min_instances", serving["min_instances"], "at least 2 in prod"


def _check_instances(use: str, kind: str) -> Iterator[tuple[str, Any, str]]:
    at = f"{use}.instance_type"
    if has_arm_processor(kind):
        yield at, kind, "a type with an x86 processor: SageMaker's scikit-learn image has no build for Graviton"
    elif use != "serving" and has_local_disk(kind):
        yield at, kind, "a type without local disks: SageMaker accepts no KMS key for those"
    elif kind not in types(use):
        fitting = sorted(found for found in types(use) if not has_arm_processor(found) and not has_local_disk(found))
        near = get_close_matches(kind, fitting, n=3)
        yield (
            at,
            kind,
            f"an instance type that SageMaker has for {use}" + (f", such as {', '.join(near)}" if near else ""),
        )


def _check_sizes(environment: FleetEnvironment, team: int) -> Iterator[Problem]:
    """Check that each model's settings fit into their parameter."""
    if environment.names.region not in images.REGISTRIES:
        return
    for place, model in enumerate(environment.team.models):
        size = len(environment.model_settings(model, code_uri=LONGEST_URI).to_json())
        if size > MAX_SETTINGS:
            at = f"teams[{team}].models[{place}].hyperparameters"
            allowed = f"fewer: with them the settings have {size:,} characters in {environment.names.id}"
            yield Problem(
                at,
                f"{len(environment.settings(model).hyperparameters or {})} entries",
                f"{allowed}, and Parameter Store takes {MAX_SETTINGS:,}",
            )


def _check_slots(environment: FleetEnvironment, team: int) -> Iterator[Problem]:
    """Check that each Registry stack can hold its models; names spread evenly, so this is some 2,500 models."""
    for slot, models in environment.registry().items():
        if len(models) > MAX_IN_SLOT:
            allowed = f"at most {MAX_IN_SLOT} models in {environment.names.registry_stack(slot)}: split the team"
            yield Problem(f"teams[{team}].models", f"{len(models)} models", allowed)
