"""Finds environments by their ids in the fleet's file: ``fleet.yaml``, or the file that ``MOORING_FLEET`` names."""

from collections.abc import Sequence
from difflib import get_close_matches

from infra import fleet
from mooring.cdk import fleet_file
from mooring.errors import MooringError
from pipelines.interface.names import Environment


def find(environment_id: str, *, model: str | None = None, dataset: str | None = None) -> Environment:
    """Return the environment with this id; check that it has the model and the dataset, if they are given.

    Raises
    ------
    MooringError
        The fleet's file has problems, and the message names all of them; or it has no such environment, model or
        dataset.
    """
    environment = environment_of(environment_id)
    models = environment.team.models
    if model is not None:
        _require("model", model, [each.name for each in models], environment_id)
    if dataset is not None:
        _require("dataset", dataset, sorted({each.dataset for each in models}), environment_id)
    return environment.names


def find_all(environment_ids: Sequence[str]) -> list[fleet.FleetEnvironment]:
    """Return the environments with these ids; all of the fleet if there are none.

    Raises
    ------
    MooringError
        The fleet's file has problems, or has no environment of one of the ids.
    """
    every = _deployable()
    found = {name: each for name, each in every.items() if not each.is_tooling}
    for name in environment_ids:
        if name in every and name not in found:
            raise MooringError(
                f"{name} holds the pipelines of team {every[name].team.name}, and no models",
                remedy="mooring bootstrap, env, deploy and cost accept it; here name an environment of the team",
            )
        _require("environment", name, list(found), fleet_file().name)
    return [found[name] for name in environment_ids or found]


def find_deployable(ids: Sequence[str]) -> list[fleet.FleetEnvironment]:
    """Return the environments with these ids, which may hold a team's pipelines; all of the fleet if there are none.

    Raises
    ------
    MooringError
        The fleet's file has problems, or has no environment of one of the ids.
    """
    found = _deployable()
    for name in ids:
        _require("environment", name, list(found), fleet_file().name)
    return [found[name] for name in ids or found]


def datasets_by_model(environment_id: str) -> dict[str, str]:
    """Return the dataset of each of the environment's models, by the model's name."""
    return {model.name: model.dataset for model in environment_of(environment_id).team.models}


def program_folder(environment_id: str, model: str) -> str:
    """Return the folder of ``pipelines/models`` that holds the model's programs and contract."""
    return next(each.program_folder for each in environment_of(environment_id).team.models if each.name == model)


def target_of(environment_id: str, model: str) -> str:
    """Return the column that the model predicts."""
    return next(each.target for each in environment_of(environment_id).team.models if each.name == model)


def models_retrained_by_commit(environment_id: str, dataset: str) -> list[str]:
    """Return the names of the environment's models that retrain when ``dataset`` has a new commit."""
    environment = environment_of(environment_id)
    return [
        model.name
        for model in environment.team.models
        if model.dataset == dataset and "commit" in environment.model_settings(model, code_uri="").retraining.triggers
    ]


def _deployable() -> dict[str, fleet.FleetEnvironment]:
    path = fleet_file()
    try:
        loaded = fleet.load(path)
    except fleet.FleetError as error:
        raise MooringError(str(error), remedy=f"correct {path}, and try again") from error
    return loaded.deployable()


def environment_of(environment_id: str) -> fleet.FleetEnvironment:
    """Return the environment with this id, with the settings of its models.

    Raises
    ------
    MooringError
        The fleet's file has problems, or it has no such environment.
    """
    (found,) = find_all([environment_id])
    return found


def _require(kind: str, name: str, allowed: list[str], where: str) -> None:
    if name in allowed:
        return
    near = get_close_matches(name, allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise MooringError(
        f"there is no {kind} {name!r} in {where}",
        remedy=f"{hint}use one of {', '.join(allowed) or 'none'}, or add it in {fleet_file()}",
    )
