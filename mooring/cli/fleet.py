"""Environments by their id, from the project's ``fleet.yaml`` (or the file that ``MOORING_FLEET`` names)."""

import os
from pathlib import Path

from infra import fleet
from mooring.cdk import PROJECT
from mooring.errors import MooringError
from pipelines.contract.names import Environment


def find(environment_id: str) -> Environment:
    """The environment of that id.

    Raises
    ------
    MooringError
        The fleet's file has problems, all of which are named, or has no such environment.
    """
    return _environment(environment_id).names


def models_retrained_by_commit(environment_id: str, dataset: str) -> list[str]:
    """Names of the environment's models that learn from ``dataset`` and retrain when it has a new commit."""
    environment = _environment(environment_id)
    return [
        model.name
        for model in environment.team.models
        if model.dataset == dataset and "commit" in environment.model_settings(model, code_uri="").retraining.triggers
    ]


def _environment(environment_id: str) -> fleet.FleetEnvironment:
    path = Path(os.environ.get("MOORING_FLEET") or PROJECT / "fleet.yaml")
    try:
        return fleet.load(path).environment(environment_id)
    except fleet.FleetError as error:
        raise MooringError(str(error), remedy=f"mend {path}, or name an environment that it has") from error
