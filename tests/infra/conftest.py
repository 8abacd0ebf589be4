"""The templates of the tests' fleet, synthesized once per session."""

import pytest

from tests.support.synth import Template, example_templates


@pytest.fixture(scope="session")
def templates() -> dict[str, Template]:
    return example_templates()
