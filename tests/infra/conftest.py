"""The templates of the tests' fleet, synthesized once per session.

The CDK's own validation is off: test_oracles.py validates the templates.
"""

import os

import pytest

# Before the CDK is imported: its process takes the variables that it finds at its start.
os.environ["CDK_VALIDATION"] = "false"

from tests.support.synth import Template, example_templates


@pytest.fixture(scope="session")
def templates() -> dict[str, Template]:
    return example_templates()
