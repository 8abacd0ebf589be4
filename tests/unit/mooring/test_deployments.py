"""Which stacks are deployed again, by what CloudFormation lists."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mooring.deployments import (
    AssembledStack,
    Difference,
    compare,
    differences,
    of_environments,
    read_assembly,
    refuse_changed_types,
)
from mooring.errors import MooringError
from tests.support.fake_aws import FakeAws
from tests.unit.mooring.test_instance_types import LARGE, XLARGE, template

TAGS = {"mooring:environment": "arrivals-dev-us-east-1"}
DIGEST, OTHER = "0123" * 16, "4567" * 16


def stack(name: str = "foundation", account: str = "111111111111", folder: Path = Path()) -> AssembledStack:
    return AssembledStack(
        name=name,
        template=folder / f"{name}.template.json",
        account=account,
        region="us-east-1",
        role="arn:aws:iam::111111111111:role/deploy",
        digest=DIGEST,
        tags=TAGS,
        protected=False,
    )


def listed(name: str = "foundation", **changes: Any) -> dict[str, Any]:
    tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    entry = {"StackName": name, "StackStatus": "UPDATE_COMPLETE", "Outputs": outputs(DIGEST), "Tags": tags}
    return entry | changes


def outputs(digest: str) -> list[dict[str, str]]:
    return [{"OutputKey": "Other", "OutputValue": DIGEST}, {"OutputKey": "TemplateDigest", "OutputValue": digest}]


def reason(deployed: Mapping[str, Any] | None) -> str | None:
    found = compare(stack(), deployed)
    return found.reason if found else None


def test_a_stack_of_the_same_template_tags_and_protection_is_not_deployed() -> None:
    assert reason(listed()) is None
    assert reason(listed(StackStatus="CREATE_COMPLETE", EnableTerminationProtection=False)) is None


def test_an_absent_stack_is_new_and_so_is_one_whose_creation_was_never_executed() -> None:
    assert reason(None) == "new"
    assert reason(listed(StackStatus="REVIEW_IN_PROGRESS", Outputs=[])) == "new"


@pytest.mark.parametrize(
    "state", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_ROLLBACK_FAILED", "UPDATE_IN_PROGRESS", "DELETE_FAILED"]
)
def test_a_stack_whose_deployment_did_not_complete_is_deployed_again_although_its_digest_is_the_same(
    state: str,
) -> None:
    assert reason(listed(StackStatus=state)) == state


def test_a_rolled_back_update_left_the_earlier_template() -> None:
    assert reason(listed(StackStatus="UPDATE_ROLLBACK_COMPLETE")) is None
    assert reason(listed(StackStatus="UPDATE_ROLLBACK_COMPLETE", Outputs=outputs(OTHER))) == "template"


def test_another_template_other_tags_and_other_protection_are_named() -> None:
    assert reason(listed(Outputs=outputs(OTHER))) == "template"
    assert reason(listed(Outputs=outputs(DIGEST)[:1])) == "template"
    assert reason(listed(Tags=[])) == "tags"
    assert reason(listed(EnableTerminationProtection=True)) == "termination protection"


def test_each_place_is_listed_once_and_the_order_of_the_assembly_stays() -> None:
    stacks = [stack("a"), stack("b"), stack("c", account="222222222222"), stack("d")]
    calls = []

    def list_stacks(place: AssembledStack) -> Iterator[Any]:
        calls.append(place.account)
        yield from [listed("b")] if place.account == "111111111111" else [listed("a")]

    found = differences(stacks, list_stacks)
    assert found == [Difference(stack=name, reason="new") for name in ("a", "c", "d")]
    assert calls == ["111111111111", "222222222222"]


def test_an_assembly_is_read_as_the_cdk_writes_it(tmp_path: Path) -> None:
    properties = {
        "templateFile": "one.template.json",
        "tags": TAGS,
        "terminationProtection": True,
        "assumeRoleArn": "arn:${AWS::Partition}:iam::111111111111:role/cdk-mooring-deploy-role",
    }
    artifacts = {
        "one.assets": {"type": "cdk:asset-manifest", "properties": {}},
        "one": {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111111111111/eu-west-1",
            "properties": properties,
        },
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (tmp_path / "one.template.json").write_text(
        json.dumps({"Outputs": {"TemplateDigest": {"Value": DIGEST}}, "Resources": {}})
    )
    (found,) = read_assembly(tmp_path)
    assert found == AssembledStack(
        name="one",
        template=tmp_path / "one.template.json",
        account="111111111111",
        region="eu-west-1",
        role="arn:aws:iam::111111111111:role/cdk-mooring-deploy-role",
        digest=DIGEST,
        tags=TAGS,
        protected=True,
    )


def test_changed_instance_type_of_a_scaled_endpoint_is_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    serving, other = stack("late-arrival-serving", folder=tmp_path), stack("registry-00", folder=tmp_path)
    for each in (serving, other):
        each.template.write_text(json.dumps(template(XLARGE)))
    aws = FakeAws({"cloudformation.get_template": lambda _: {"TemplateBody": template(LARGE)}})
    changed = [Difference(stack=each.name, reason="template") for each in (other, serving)]
    with pytest.raises(MooringError, match=r"late-arrival-serving would change serving\.instance_type"):
        refuse_changed_types([other, serving], changed, lambda _: aws("cloudformation"))
    new = [Difference(stack=serving.name, reason="new")]
    refuse_changed_types([other, serving], new, lambda _: aws("cloudformation"))


def test_environments_of_an_assembly_are_chosen_by_their_tag() -> None:
    other = replace(stack("other"), tags={"mooring:environment": "arrivals-prod-us-east-1"})
    assert of_environments([stack(), other], ["arrivals-prod-us-east-1"]) == [other]
    with pytest.raises(MooringError, match="no stack of arrivals-tooling-us-east-1"):
        of_environments([stack(), other], ["arrivals-dev-us-east-1", "arrivals-tooling-us-east-1"])
