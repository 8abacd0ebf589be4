"""The templates of the tests' fleet, synthesized once per session.

The CDK's own validation is off: test_oracles.py validates the templates.
"""

import os

import pytest

from tests.support.synth import Template, example_templates

os.environ["CDK_VALIDATION"] = "false"


@pytest.fixture(scope="session")
def templates() -> dict[str, Template]:
    return example_templates()
