"""What AWS offers in a region: its scikit-learn image in ECR, and EC2's instance types."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.model import StringShape
from ministack.core.responses import get_region, json_response
from ministack.services import ec2, ecr

from infra import images
from mooring.embedded.repairs.patching import replace


def register() -> None:
    """Add AWS's image to ECR, and DescribeInstanceTypeOfferings to EC2."""
    replace(ecr, "_batch_get_image", _with_our_image)
    ec2._ACTION_MAP["DescribeInstanceTypeOfferings"] = describe_offerings


def _with_our_image(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Answer for AWS's registry of the region: it has the image that SageMaker here runs, in one version."""

    def batch_get_image(request: dict[str, Any]) -> Any:
        registry = images.REGISTRIES.get(get_region())
        if request.get("registryId") != registry or request.get("repositoryName") != images.REPOSITORY:
            return original(request)
        tag = images.scikit_learn(get_region()).rpartition(":")[2]
        asked = request.get("imageIds", [])
        missing = [image for image in asked if image.get("imageTag") != tag]
        return json_response(
            {
                "images": [
                    {
                        "registryId": registry,
                        "repositoryName": images.REPOSITORY,
                        "imageId": image,
                        "imageManifest": json.dumps({"schemaVersion": 2}),
                    }
                    for image in asked
                    if image.get("imageTag") == tag
                ],
                "failures": [
                    {"imageId": image, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
                    for image in missing
                ],
            }
        )

    return batch_get_image


@cache
def _instance_types() -> frozenset[str]:
    """Return EC2's instance types; here every region offers all of them."""
    shape = botocore.session.get_session().get_service_model("ec2").shape_for("InstanceType")
    assert isinstance(shape, StringShape)
    return frozenset(shape.enum)


def describe_offerings(request: dict[str, Any]) -> Any:
    """Handle DescribeInstanceTypeOfferings for the region, with the filter ``instance-type``."""
    location, name = ec2._p(request, "LocationType") or "region", ec2._p(request, "Filter.1.Name")
    if location != "region" or name not in ("", "instance-type") or ec2._p(request, "Filter.2.Name"):
        message = "the embedded AWS supports LocationType region and the filter instance-type only"
        return ec2._error("InvalidParameterValue", message, 400)
    asked = {
        ec2._p(request, f"Filter.1.Value.{number}")
        for number in range(1, 201)
        if ec2._p(request, f"Filter.1.Value.{number}")
    }
    found = sorted(_instance_types() & asked if name else _instance_types())
    items = "".join(
        f"<item><instanceType>{kind}</instanceType><locationType>region</locationType>"
        f"<location>{get_region()}</location></item>"
        for kind in found
    )
    return ec2._xml(
        200, "DescribeInstanceTypeOfferingsResponse", f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>"
    )
