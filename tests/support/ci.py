"""Fleets with a CI system, and their workflow files, for tests."""

from typing import Any

import yaml

from infra.fleet import Fleet, parse
from mooring.ci.files import render
from tests.support.synth import FLEET

PROVIDERS: dict[str, dict[str, Any]] = {
    "github": {"provider": "github", "repository": "octo/models"},
    "gitlab": {"provider": "gitlab", "repository": "octo/models"},
    "circleci": {
        "provider": "circleci",
        "repository": "octo/models",
        "issuer": "https://oidc.circleci.com/org/0a",
        "audience": "0a",
        "deploy_subjects": ["org/0a/project/1b/user/2c/vcs-origin/github.com/octo/models/vcs-ref/refs/heads/main"],
    },
    "jenkins": {
        "provider": "jenkins",
        "repository": "octo/models",
        "issuer": "https://jenkins.example.com/oidc",
        "deploy_subjects": ["https://jenkins.example.com/job/models/job/main/"],
    },
}


def fleet_of(provider: str, **settings: Any) -> Fleet:
    """Return the tests' fleet with a CI system; a person approves what enters prod."""
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    document["ci"] = {**PROVIDERS[provider], **settings}
    document["stages"][-1]["promotion"] = {"approval": "manual"}
    return parse(document)


def file_of(provider: str, **settings: Any) -> str:
    """Return the text of the one file that a CI system has."""
    (text,) = render(fleet_of(provider, **settings), provider, "fleet.yaml").values()
    return text
