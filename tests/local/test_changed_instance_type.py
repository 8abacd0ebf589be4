"""SageMaker does not change the instance type of a scaled variant; two deployments do it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sagemaker_world import IMAGE, World, constant_model, wait, world

__all__ = ["world"]

RESOURCE = "endpoint/retyped/variant/primary"
REFUSAL = "instance type of variant primary from ml.m5.large to ml.m5.xlarge while .* scalable target"


def template(world: World, url: str, instance_type: str, *, scaled: bool) -> str:
    """Return the parts of a Serving stack: scaling depends on the endpoint."""
    variant: dict[str, Any] = {"VariantName": "primary", "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}
    variant |= {"InstanceType": instance_type, "InitialInstanceCount": 1, "InitialVariantWeight": 1}
    resources: dict[str, Any] = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": world.role,
                "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": url},
            },
        },
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "retyped",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }
    if scaled:
        resources["Scaling"] = {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": "Endpoint",
            "Properties": {
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "ResourceId": RESOURCE,
                "MinCapacity": 1,
                "MaxCapacity": 2,
            },
        }
    return json.dumps({"Resources": resources})


def targets(world: World) -> list[str]:
    found = world.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    return [target["ResourceId"] for target in found["ScalableTargets"] if target["ResourceId"] == RESOURCE]


def serving(world: World) -> str:
    """Return the instance type in service."""
    sagemaker = world.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName="retyped")["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return str(variants[0]["InstanceType"])


@pytest.fixture
def deploy(world: World) -> Iterator[Any]:
    """Yield a function that deploys the stack and returns its status and the reasons of this update's failures."""
    cloudformation, url = world.client("cloudformation"), world.put("retyped.tar.gz", constant_model(1.0))

    def settled() -> Any:
        return wait(
            lambda: cloudformation.describe_stacks(StackName="retyped")["Stacks"][0],
            until=lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
            timeout_s=60,
        )

    def update(instance_type: str, *, scaled: bool) -> tuple[str, str]:
        body = template(world, url, instance_type, scaled=scaled)
        cloudformation.update_stack(StackName="retyped", TemplateBody=body)
        status = settled()["StackStatus"]
        events = cloudformation.describe_stack_events(StackName="retyped")["StackEvents"]
        return status, " ".join(event.get("ResourceStatusReason", "") for event in events)

    first = template(world, url, "ml.m5.large", scaled=True)
    cloudformation.create_stack(StackName="retyped", TemplateBody=first)
    assert settled()["StackStatus"] == "CREATE_COMPLETE"
    yield update
    cloudformation.delete_stack(StackName="retyped")
    wait(lambda: not world.client("sagemaker").list_endpoints(NameContains="retyped")["Endpoints"])


def test_scaled_variant_keeps_its_instance_type_until_two_deployments_change_it(world: World, deploy: Any) -> None:
    for still_scaled in (True, False):
        status, reasons = deploy("ml.m5.xlarge", scaled=still_scaled)
        assert status == "UPDATE_ROLLBACK_COMPLETE", "CloudFormation deletes a target only after the endpoint's update"
        assert "change the instance type of variant primary from ml.m5.large to ml.m5.xlarge" in reasons
        assert (serving(world), targets(world)) == ("ml.m5.large", [RESOURCE])
    assert deploy("ml.m5.large", scaled=False)[0] == "UPDATE_COMPLETE"
    assert targets(world) == []
    assert deploy("ml.m5.xlarge", scaled=True)[0] == "UPDATE_COMPLETE"
    assert (serving(world), targets(world)) == ("ml.m5.xlarge", [RESOURCE])


def test_the_api_refuses_it_and_admits_another_model(world: World) -> None:
    sagemaker, scaling = world.client("sagemaker"), world.client("application-autoscaling")
    for name, kind in (("api-1", "ml.m5.large"), ("api-2", "ml.m5.large"), ("api-3", "ml.m5.xlarge")):
        variant = {"VariantName": "primary", "ModelName": world.model(name, constant_model(1.0)), "InstanceType": kind}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="api", EndpointConfigName="api-1")
    assert world.endpoint_settled("api")["EndpointStatus"] == "InService"
    target = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    target |= {"ResourceId": "endpoint/api/variant/primary"}
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    sagemaker.update_endpoint(EndpointName="api", EndpointConfigName="api-2")
    assert world.endpoint_settled("api")["EndpointConfigName"] == "api-2", "another model is no other type"
    with pytest.raises(ClientError, match=REFUSAL):
        sagemaker.update_endpoint(EndpointName="api", EndpointConfigName="api-3")
    scaling.deregister_scalable_target(**target)
    sagemaker.update_endpoint(EndpointName="api", EndpointConfigName="api-3")
    assert world.endpoint_settled("api")["EndpointConfigName"] == "api-3"
