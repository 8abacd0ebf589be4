"""Where a model is trained, which pipelines promote it, and what its promotion enters: read from the fleet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from infra.fleet import FleetEnvironment
from infra.fleet.spec import ModelSpec, TeamSpec
from mooring.errors import MooringError

SESSION_NAME = r"[\w+=,.@-]{2,64}"
"""Names that AWS accepts for a role's session; an approver's is compared with who requested the promotion."""


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """A stage that a release will enter; ``approver`` is "" if nobody is asked, ``environments`` are ids in order."""

    stage: str
    environments: tuple[str, ...]
    in_order: bool
    approver: str


def trainer_of(every: Sequence[FleetEnvironment], model: str, environment: str | None) -> FleetEnvironment:
    """Return the environment that trains a model, or the given one.

    ``every`` are all of the fleet. Of several in the training stage it is the first: later stages trust its signature.

    Raises
    ------
    MooringError
        No team has the model, or several have it, or the given environment is none of them.
    """
    teams = [each.team for each in every if each.is_tooling and _spec(each.team, model)]
    if not teams:
        listed = sorted({found.name for each in every for found in each.team.models})
        raise MooringError(f"there is no model {model!r} in the fleet", remedy=f"use one of {', '.join(listed)}")
    trainers = [each for team in teams if (each := _first_trainer(every, team, model))]
    if environment is None:
        if len(trainers) != 1:
            found = ", ".join(each.names.id for each in trainers)
            raise MooringError(
                f"{model} is trained in {found or 'no environment of the fleet'}",
                remedy="name one: --environment ENVIRONMENT" if trainers else "add its training stage's environment",
            )
        return trainers[0]
    of_teams = {each.names.id: each for each in every if not each.is_tooling and each.team in teams}
    if environment not in of_teams:
        raise MooringError(
            f"{environment} is no environment with the model {model!r}", remedy=f"use one of {', '.join(of_teams)}"
        )
    return of_teams[environment]


def tooling_of(every: Sequence[FleetEnvironment], model: str | None = None) -> list[FleetEnvironment]:
    """Return the places of the teams' pipelines; only of those teams that have the model, if one is given.

    Raises
    ------
    MooringError
        The fleet has no tooling account, or no team has the model.
    """
    places = [each for each in every if each.is_tooling]
    if not places:
        raise MooringError(
            "the fleet has no tooling account, so it has no pipelines",
            remedy="add tooling to the fleet's file, and deploy it: see docs/how-to/promote-a-model.md",
        )
    found = [each for each in places if model is None or _spec(each.team, model)]
    if not found:
        listed = sorted({each.name for place in places for each in place.team.models})
        raise MooringError(f"there is no model {model!r} in the fleet", remedy=f"use one of {', '.join(listed)}")
    return found


def planned_stages(trainer: FleetEnvironment, model: str, to: str, *, by: str, trained_by: str) -> list[PlannedStage]:
    """Return the stages that a promotion as far as ``to`` enters, in order.

    Raises
    ------
    MooringError
        The team has no such later stage.
    """
    promotion = trainer.promotion()
    later = promotion.later_stages if promotion else []
    if to not in later:
        raise MooringError(
            f"{to!r} is no stage of {trainer.team.name} after {trainer.names.stage}",
            remedy=f"use one of {', '.join(later)}" if later else "add an environment of a later stage to the fleet",
        )
    entered = later[: later.index(to) + 1]
    return [
        PlannedStage(
            stage=spec.name,
            environments=tuple(each.names.id for each in environments),
            in_order=spec.promotion.regions == "ordered",
            approver=who_approves(trainer, spec.name, model, by, trained_by)
            if spec.promotion.approval == "manual"
            else "",
        )
        for spec, environments in trainer.fleet.promotion_stages(trainer.team)
        if spec.name in entered
    ]


def needs_two_people(place: FleetEnvironment, stage: str, model: str) -> bool:
    """Return whether the approver of a stage must be another person than the model's authors; never for code."""
    spec = _spec(place.team, model)
    return spec is not None and bool(place.fleet.settings(spec, stage).two_people)


def who_approves(place: FleetEnvironment, stage: str, model: str, requested_by: str, trained_by: str) -> str:
    """Return in words who must approve in a stage; ``model`` is "" for code."""
    tooling = place.fleet.tooling_environment(place.team)
    assert tooling is not None, "only a fleet with a tooling account promotes"
    role = tooling.persona_role("approver")
    if not needs_two_people(place, stage, model):
        return f"anyone with the role {role}"
    authors = [f"{requested_by} (requested it)"] + [f"{trained_by} (trained it)"] * bool(trained_by)
    return f"a person with the role {role} other than {' and '.join(authors)}"


def require_person(by: str) -> None:
    """Refuse a name that AWS does not accept as a role session's: it would not be comparable with the approver's."""
    if not re.fullmatch(SESSION_NAME, by, re.ASCII):
        raise MooringError(
            f"{by!r} is no name that AWS can record",
            remedy="give --by 2 to 64 characters: letters, digits and +=,.@-_ without spaces",
        )


def _first_trainer(every: Sequence[FleetEnvironment], team: TeamSpec, model: str) -> FleetEnvironment | None:
    spec = _spec(team, model)
    assert spec, "the team has the model"
    own = (each for each in every if each.team is team and not each.is_tooling)
    return next((each for each in own if each.settings(spec).training_stage == each.names.stage), None)


def _spec(team: TeamSpec, model: str) -> ModelSpec | None:
    return next((each for each in team.models if each.name == model), None)
