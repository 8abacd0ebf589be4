"""Requests a promotion as an environment's operator."""

from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from mooring.promotions.releases import MODELS, UNDER_WAY, TeamPipelines
from pipelines.interface.requests import PromotionRequest, PromotionTicket


def request_promotion(deployed: DeployedEnvironment, request: PromotionRequest) -> PromotionTicket:
    """Call the environment's function ``request_promotion``; a dry run only returns the record.

    Raises
    ------
    MooringError
        The function refused: the message has its error, the remedy is that error's.
    """
    environment, model, version = deployed.environment.id, request.model, request.version
    retrain = f"retrain the model, release the new version, and promote that: mooring retrain {environment} {model}"
    return deployed.call(
        "request_promotion",
        request,
        PromotionTicket,
        persona="operator",
        what=f"{model} v{version} is not promoted",
        remedy=f"see its records: mooring show {environment} {model}",
        remedies={
            "NotChampionError": f"see the champion: mooring show {environment} {model}; to release another version:"
            f" mooring approve {environment} {model} {version} --comment WHY",
            "NotApprovedError": f"approve it: mooring approve {environment} {model} {version} --comment WHY",
            "FileErasedError": retrain,
            "ArtifactChangedError": "find out who changed the artifact: mooring lineage"
            f" {environment} {model}/{version}; then {retrain}",
            "NotTrainedHereError": "name the environment of the model's training stage: --environment ENVIRONMENT",
            "UnknownStageError": "name a later stage of the team with --to; after a change of the fleet's file deploy"
            f" {environment} again",
        },
    )


def require_none_under_way(team: TeamPipelines, model: str, version: int, to: str) -> None:
    """Refuse a promotion that another execution carries out already.

    Raises
    ------
    MooringError
        One of the same version to the same stage is under way.
    """
    declared = team.stages(MODELS)
    for summary in team.executions(MODELS):
        if summary["status"] not in UNDER_WAY:
            continue
        found = team.release(MODELS, summary, declared)
        if (found.model, found.version, found.to) == (model, version, to):
            raise MooringError(
                f"a promotion of {found.name} to {to} is under way since {found.started}: {found.short},"
                f" requested by {found.requested_by}",
                remedy=f"stop it first: mooring promotions stop {found.short}",
            )
