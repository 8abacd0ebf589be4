"""The typed form of ``fleet.yaml``: environments, models, and each model's settings in each stage."""

from infra.fleet.fleet import Fleet, FleetEnvironment
from infra.fleet.problems import FleetError
from infra.fleet.reading import load, parse

__all__ = ["Fleet", "FleetEnvironment", "FleetError", "load", "parse"]
