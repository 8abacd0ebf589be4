"""The tests' fleet as a document to change."""

from typing import Any

import yaml

from tests.support.synth import FLEET


def fleet_document() -> Any:
    """Return a new copy of the tests' fleet, as YAML gives it."""
    return yaml.safe_load(FLEET.read_text(encoding="utf-8"))
