"""Offers of AWS in a region: the region itself, its scikit-learn image in ECR, and EC2's instance types."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.model import StringShape
from ministack.core.responses import AccountScopedDict, error_response_json, get_region, json_response
from ministack.services import account, ec2, ecr

from infra import images
from mooring.embedded.repairs.patching import replace

_disabled: Any = AccountScopedDict()
"""Regions that the account has disabled."""


def register() -> None:
    """Add AWS's image to ECR, DescribeInstanceTypeOfferings to EC2, and EnableRegion and DisableRegion to Account."""
    replace(ecr, "_batch_get_image", _with_our_image)
    account._DISPATCH["/getRegionOptStatus"] = _with_disabled(account._DISPATCH["/getRegionOptStatus"])
    account._DISPATCH["/enableRegion"] = lambda request: _switch(request, enabled=True)
    account._DISPATCH["/disableRegion"] = lambda request: _switch(request, enabled=False)
    ec2._ACTION_MAP["DescribeInstanceTypeOfferings"] = describe_offerings


def _with_disabled(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def get_region_opt_status(request: dict[str, Any]) -> Any:
        name = request.get("RegionName")
        if name in _disabled:
            return account._json(200, {"RegionName": name, "RegionOptStatus": "DISABLED"})
        return original(request)

    return get_region_opt_status


def _switch(request: dict[str, Any], *, enabled: bool) -> Any:
    """Enable or disable a region at once; AWS takes minutes to hours."""
    name = request.get("RegionName")
    if name not in account._OPT_IN_REQUIRED:
        message = f"{name} is enabled by default: only opt-in regions can be enabled and disabled"
        return error_response_json("ValidationException", message, 400)
    if enabled:
        _disabled.pop(name, None)
    else:
        _disabled[name] = True
    return account._json(200, {})


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
