"""Environments by their id, from the project's ``fleet.yaml`` (or the file that ``MOORING_FLEET`` names)."""

import os
from difflib import get_close_matches
from pathlib import Path

from infra import fleet
from mooring.cdk import PROJECT
from mooring.errors import MooringError
from pipelines.interface.names import Environment


def find(environment_id: str, *, model: str | None = None, dataset: str | None = None) -> Environment:
    """The environment of that id, and of that model and dataset if they are named.

    Raises
    ------
    MooringError
        The fleet's file has problems, all of which are named, or has no such environment, model or dataset.
    """
    environment = _environment(environment_id)
    models = environment.team.models
    if model is not None:
        _require("model", model, [each.name for each in models], environment_id)
    if dataset is not None:
        _require("dataset", dataset, sorted({each.dataset for each in models}), environment_id)
    return environment.names


def datasets_by_model(environment_id: str) -> dict[str, str]:
    """The environment's models, each with the dataset that it learns from."""
    return {model.name: model.dataset for model in _environment(environment_id).team.models}


def program_folder(environment_id: str, model: str) -> str:
    """The folder of ``pipelines/models`` that holds the model's programs and contract."""
    return next(each.program_folder for each in _environment(environment_id).team.models if each.name == model)


def models_retrained_by_commit(environment_id: str, dataset: str) -> list[str]:
    """Names of the environment's models that learn from ``dataset`` and retrain when it has a new commit."""
    environment = _environment(environment_id)
    return [
        model.name
        for model in environment.team.models
        if model.dataset == dataset and "commit" in environment.model_settings(model, code_uri="").retraining.triggers
    ]


def _environment(environment_id: str) -> fleet.FleetEnvironment:
    path = _path()
    try:
        loaded = fleet.load(path)
    except fleet.FleetError as error:
        raise MooringError(str(error), remedy=f"mend {path}") from error
    found = {environment.names.id: environment for environment in loaded.environments()}
    _require("environment", environment_id, list(found), path.name)
    return found[environment_id]


def _path() -> Path:
    return Path(os.environ.get("MOORING_FLEET") or PROJECT / "fleet.yaml")


def _require(kind: str, name: str, allowed: list[str], where: str) -> None:
    if name in allowed:
        return
    near = get_close_matches(name, allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise MooringError(
        f"there is no {kind} {name!r} in {where}",
        remedy=f"{hint}it has {', '.join(allowed) or 'none'}; add one in {_path()}",
    )
