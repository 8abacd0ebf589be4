"""One synthesis per session; no validation inside of it, which the oracles do by themselves."""

import os

import pytest

from tests.support.synth import Template, example_templates

os.environ["CDK_VALIDATION"] = "false"


@pytest.fixture(scope="session")
def templates() -> dict[str, Template]:
    return example_templates()
