"""The policies that protect a dataset's commits: objects are written once, and only the operator deletes them."""

import json
from typing import Any

import pytest

from pipelines.interface.names import PERSONAS, Environment
from tests.infra.laws.law import listed
from tests.support.synth import Template, resources

NAMES = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")


def _foundation(templates: dict[str, Template]) -> Template:
    return templates[NAMES.stack("foundation")]


def _statements_of(template: Template, persona: str) -> list[dict[str, Any]]:
    roles = resources(template, "AWS::IAM::Role").values()
    (role,) = (role for role in roles if role["Properties"].get("RoleName") == NAMES.persona_role(persona))
    return [one for policy in role["Properties"]["Policies"] for one in listed(policy["PolicyDocument"]["Statement"])]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("data", ["/datasets/*/commits/*.json", "/datasets/*/objects/*"]),
        ("artifacts", ["/code/*.tar.gz", "/packages/*.tar.gz"]),
    ],
)
def test_contents_that_are_named_by_their_digest_are_written_once(
    kind: str, expected: list[str], templates: dict[str, Template]
) -> None:
    template = _foundation(templates)
    (bucket,) = (
        name
        for name, found in resources(template, "AWS::S3::Bucket").items()
        if found["Properties"]["BucketName"] == NAMES.bucket(kind)
    )
    (policy,) = (
        policy["Properties"]["PolicyDocument"]
        for policy in resources(template, "AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"] == {"Ref": bucket}
    )
    (refusal,) = (one for one in policy["Statement"] if one["Action"] == "s3:PutObject")
    assert (refusal["Effect"], refusal["Principal"]) == ("Deny", {"AWS": "*"})
    assert refusal["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    keys = [resource["Fn::Join"][1][1] for resource in refusal["Resource"]]
    assert keys == expected


def test_engineer_deletes_nothing(templates: dict[str, Template]) -> None:
    statements = _statements_of(_foundation(templates), "engineer")
    assert [action for one in statements for action in listed(one["Action"]) if "Delete" in action] == []


def test_only_the_operator_erases_and_only_datasets_and_copies_of_rows(templates: dict[str, Template]) -> None:
    template = _foundation(templates)
    erased = {
        persona: {
            resource.partition(":::")[2].partition("/")[2]
            for one in _statements_of(template, persona)
            if "s3:DeleteObjectVersion" in listed(one["Action"])
            for resource in listed(one["Resource"])
        }
        for persona in PERSONAS
    }
    assert erased.pop("operator") == {
        "datasets/*",
        "landing/*",
        "quarantine/*",
        "scratch/*/*/data/*",
        "runs/*/*/evaluation/golden.json",
        "runs/*/*/validation/examples.json",
        "scratch/*/*/commit.json",
        "scratch/*/*/manifest.json",
    }
    assert not any(erased.values())


def test_operator_writes_only_the_ledger_of_datasets(templates: dict[str, Template]) -> None:
    writes = [
        one
        for one in _statements_of(_foundation(templates), "operator")
        if {"dynamodb:PutItem", "dynamodb:DeleteItem"} & set(listed(one["Action"]))
    ]
    assert [one["Condition"]["ForAllValues:StringLike"] for one in writes] == [{"dynamodb:LeadingKeys": ["dataset#*"]}]


def test_policies_of_people_fit_into_their_roles(templates: dict[str, Template]) -> None:
    # IAM's limit is 10,240 characters without white space for all inline policies of a role; other fleets have longer
    # names.
    for persona in PERSONAS:
        size = len(json.dumps(_statements_of(_foundation(templates), persona), separators=(",", ":")))
        assert size < 8_000, f"{persona}: {size} characters"
