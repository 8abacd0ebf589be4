"""The rules of updates from CloudFormation's resource schemas, which cfn-lint ships: ``make golden`` stores them."""

import json
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from mooring.plan import rules
from tests.support.synth import example_templates

REGION = "us-east-1"
PROPERTIES = "/properties/"
ABSENT_FROM_EXAMPLE = ("AWS::Events::EventBusPolicy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
"""Types that the embedded AWS and templates of users have, and the example fleet does not."""


def update_rules() -> str:
    """Return the content of ``rules.json``."""
    used = {found["Type"] for template in example_templates().values() for found in template["Resources"].values()}
    types = {name: _rules(name) for name in sorted({*used, *ABSENT_FROM_EXAMPLE}) if not rules.is_custom(name)}
    source = f"CloudFormation's resource schemas of {REGION} in cfn-lint {version('cfn-lint')}"
    return json.dumps({"source": source, "types": types}, indent=1) + "\n"


def _rules(resource_type: str) -> dict[str, Any]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    tagging = schema.get("tagging", {})
    tags = tagging.get("tagProperty", f"{PROPERTIES}Tags") if tagging.get("taggable", True) else None
    known = tags is not None and tags.removeprefix(PROPERTIES) in schema["properties"]
    return {
        "replace": _names(schema.get("createOnlyProperties", ())),
        "maybe": _names(schema.get("conditionalCreateOnlyProperties", ())),
        "tags": tags.removeprefix(PROPERTIES) if tags and known else None,
    }


def _names(pointers: Iterable[str]) -> list[str]:
    return sorted(pointer.removeprefix(PROPERTIES) for pointer in pointers)
