"""A Registry stack without a retired model is what a fleet without that model synthesizes."""

from typing import Any

from infra.fleet import Fleet
from mooring.environments.registry_parts import parts_of, without
from pipelines.interface.names import Environment
from tests.support.synth import Template, example_fleet, templates_of

NAMES = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")
MODEL = NAMES.model("late-arrival")


def neighbour() -> str:
    """Return the name of a model that falls into the same Registry stack."""
    names = (f"model-{number}" for number in range(10_000))
    return next(name for name in names if NAMES.model(name).stack("registry") == MODEL.stack("registry"))


def registry_of(*names: str) -> Template:
    document: dict[str, Any] = example_fleet().model_dump(exclude_unset=True)
    team = document["teams"][0]
    (spec,) = team["models"]
    team["environments"] = team["environments"][:1]
    team["models"] = [{**spec, "name": name, "program": "late_arrival"} for name in names]
    document["teams"] = [team]
    return templates_of(Fleet.model_validate(document))[MODEL.stack("registry")]


def test_template_without_a_model_is_that_of_a_fleet_without_it() -> None:
    other = neighbour()
    both = registry_of(MODEL.name, other)
    assert sorted(parts_of(both, MODEL).values()) == sorted(
        [MODEL.package_group, MODEL.settings_parameter, MODEL.drift_schedule]
    )
    assert without(both, MODEL) == registry_of(other)
    assert without(registry_of(MODEL.name), MODEL) is None
