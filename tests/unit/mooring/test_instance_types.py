"""A changed instance type of a scaled endpoint is found by the two templates, and refused with what to do."""

import copy
from typing import Any

import pytest

from mooring.errors import MooringError
from mooring.instance_types import TypeChange, changed_instance_type, refuse_changed_type


def template(instance_type: str, *, scaled: bool = True) -> dict[str, Any]:
    variant = {"VariantName": "primary", "InstanceType": instance_type, "InitialInstanceCount": 1}
    resources: dict[str, Any] = {
        "Model": {"Type": "AWS::SageMaker::Model", "Properties": {}},
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
    }
    if scaled:
        resources["Scaling"] = {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {}}
    return {"Resources": resources}


LARGE, XLARGE = "ml.m5.large", "ml.m5.xlarge"


@pytest.mark.parametrize("still_scaled", [True, False])
def test_changed_type_of_a_scaled_endpoint_is_found(still_scaled: bool) -> None:
    change = changed_instance_type(template(LARGE), template(XLARGE, scaled=still_scaled))
    assert change == TypeChange(before=LARGE, after=XLARGE)


@pytest.mark.parametrize(
    ("deployed", "new"),
    [
        (template(LARGE), template(LARGE)),
        (template(LARGE), template(LARGE, scaled=False)),
        (template(LARGE, scaled=False), template(XLARGE, scaled=True)),
        (template(LARGE, scaled=False), template(XLARGE, scaled=False)),
        ({}, template(LARGE)),
        (template(LARGE), {}),
    ],
    ids=["same", "ends scaling", "second deployment", "never scaled", "first deployment", "no endpoint"],
)
def test_any_other_change_is_admitted(deployed: dict[str, Any], new: dict[str, Any]) -> None:
    refuse_changed_type("stack", deployed, new)


def test_the_refusal_names_stack_types_and_remedy() -> None:
    before = template(LARGE)
    kept = copy.deepcopy(before)
    with pytest.raises(MooringError) as refused:
        refuse_changed_type("arrivals-prod-us-east-1-late-arrival-serving", before, template(XLARGE))
    text = f"{refused.value} {refused.value.remedy}"
    for word in ("late-arrival-serving", LARGE, XLARGE, "deploy twice", "min_instances equal to max_instances"):
        assert word in text
    assert before == kept
