"""What a dataset's commits rest on in the templates: written once, versioned, and deleted by the operator alone."""

from typing import Any

from pipelines.contract.names import Environment
from tests.infra.laws.laws import listed
from tests.infra.synth import Template, resources

NAMES = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")


def _foundation(templates: dict[str, Template]) -> Template:
    return templates[NAMES.stack("foundation")]


def _statements_of(template: Template, persona: str) -> list[dict[str, Any]]:
    roles = resources(template, "AWS::IAM::Role").values()
    (role,) = (role for role in roles if role["Properties"].get("RoleName") == NAMES.persona_role(persona))
    return [one for policy in role["Properties"]["Policies"] for one in listed(policy["PolicyDocument"]["Statement"])]


def test_objects_and_manifests_of_commits_are_written_once(templates: dict[str, Template]) -> None:
    template = _foundation(templates)
    (bucket,) = (
        name
        for name, found in resources(template, "AWS::S3::Bucket").items()
        if found["Properties"]["BucketName"] == NAMES.bucket("data")
    )
    (policy,) = (
        policy["Properties"]["PolicyDocument"]
        for policy in resources(template, "AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"] == {"Ref": bucket}
    )
    (demand,) = (one for one in policy["Statement"] if one["Action"] == "s3:PutObject")
    assert (demand["Effect"], demand["Principal"]) == ("Deny", {"AWS": "*"})
    assert demand["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    keys = [resource["Fn::Join"][1][1] for resource in demand["Resource"]]
    assert keys == ["/datasets/*/commits/*.json", "/datasets/*/objects/*"]


def test_engineer_deletes_nothing(templates: dict[str, Template]) -> None:
    statements = _statements_of(_foundation(templates), "engineer")
    assert [action for one in statements for action in listed(one["Action"]) if "Delete" in action] == []
