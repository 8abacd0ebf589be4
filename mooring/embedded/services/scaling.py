"""Application Auto Scaling for endpoint variants: targets, and policies of target tracking (``target_tracking``).

Two rules that deployments can break are enforced: a target must exist before its policy, and SageMaker does not change
the instance type of a variant that is a target.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid, request_scope
from ministack.services import iam

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace
from mooring.embedded.services import target_tracking

SERVICE = "application-autoscaling"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TICK_S = 2.0
"""Seconds between two readings of the policies' alarms."""
LINKED_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
LINKED_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
_NOT_FOUND = "ObjectNotFoundException"
log = logging.getLogger("mooring.scaling")

_targets: Any = AccountRegionScopedDict()
_policies: Any = AccountRegionScopedDict()


class ScalingError(Exception):
    """Refusal of a request, with the service's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def register() -> None:
    """Add the service to the server."""
    router.SERVICE_PATTERNS[SERVICE] = {
        "target_prefixes": ["AnyScaleFrontendService"],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": SERVICE,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    app.SERVICE_HANDLERS[SERVICE] = handle_request
    replace(iam_actions, "extract_resource_arn", _with_target_arn)
    replace(iam_actions, "request_tag_context", _with_conditions)
    iam._IAM_HANDLERS["CreateServiceLinkedRole"] = _naming_the_linked_role(iam._IAM_HANDLERS["CreateServiceLinkedRole"])
    threading.Thread(target=_follow, daemon=True, name="scaling").start()


def _follow() -> None:
    while True:
        time.sleep(TICK_S)
        for (account, region, key), policy in list(_policies._data.items()):
            with request_scope(account, region):
                try:
                    if target := _targets.get(key[0]):
                        target_tracking.follow(target, policy)
                except Exception:  # an endpoint that is being changed must not end the scaling of the others
                    log.exception("scaling of %s in %s of account %s", key, region, account)


def _naming_the_linked_role(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Give the service-linked role of endpoints' scaling the name that it has in AWS."""

    def create_service_linked_role(request: dict[str, Any]) -> Any:
        if iam._p(request, "AWSServiceName") != LINKED_SERVICE:
            return original(request)
        if LINKED_ROLE in iam._roles:
            message = f"Service role name {LINKED_ROLE} has been taken in this account"
            return iam._error(400, "InvalidInput", message, ns="iam")
        status, headers, body = original(request)
        wrong = body.decode().partition("<RoleName>")[2].partition("</RoleName>")[0]
        role = iam._roles.pop(wrong)
        iam._roles[LINKED_ROLE] = role | {"RoleName": LINKED_ROLE, "Arn": role["Arn"].replace(wrong, LINKED_ROLE)}
        return status, headers, body.replace(wrong.encode(), LINKED_ROLE.encode())

    return create_service_linked_role


async def handle_request(_method: str, _path: str, headers: dict[str, str], body: Any, _query: dict[str, Any]) -> Any:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation not in OPERATIONS:
        message = f"the embedded AWS does not support {operation}; it supports {', '.join(OPERATIONS)}"
        return _answer(400, {"__type": "ValidationException", "message": message})
    try:
        return _answer(200, OPERATIONS[operation](json.loads(body or b"{}")))
    except ScalingError as error:
        return _answer(400, {"__type": error.code, "message": str(error)})


def is_target(endpoint: str, variant: str) -> bool:
    """Return whether a variant of an endpoint of the calling account and region is a scalable target."""
    return _targets.get(f"endpoint/{endpoint}/variant/{variant}") is not None


def register_target(request: dict[str, Any]) -> dict[str, Any]:
    """Handle RegisterScalableTarget: create the target, or change the capacities that the request names."""
    key = _key(request)
    known = _targets.get(key)
    if known is None and not {"MinCapacity", "MaxCapacity"} <= request.keys():
        raise ScalingError("ValidationException", "MinCapacity and MaxCapacity are required for a new scalable target")
    target = known or {
        "ServiceNamespace": "sagemaker",
        "ResourceId": request["ResourceId"],
        "ScalableDimension": DIMENSION,
        "RoleARN": f"arn:aws:iam::{get_account_id()}:role/aws-service-role/{LINKED_SERVICE}/{LINKED_ROLE}",
        "CreationTime": time.time(),
        "ScalableTargetARN": f"arn:aws:{SERVICE}:{get_region()}:{get_account_id()}:scalable-target/{new_uuid()}",
    }
    changed = {**target, **{name: int(request[name]) for name in ("MinCapacity", "MaxCapacity") if name in request}}
    if changed["MinCapacity"] > changed["MaxCapacity"]:
        raise ScalingError(
            "ValidationException",
            f"MinCapacity {changed['MinCapacity']} is greater than MaxCapacity {changed['MaxCapacity']}",
        )
    _targets[key] = changed
    return {"ScalableTargetARN": target["ScalableTargetARN"]}


def deregister_target(request: dict[str, Any]) -> dict[str, Any]:
    """Handle DeregisterScalableTarget; delete the target's policies, too."""
    if _targets.pop(_key(request), None) is None:
        raise ScalingError(_NOT_FOUND, f"No scalable target found for {request.get('ResourceId')}")
    for key in [key for key in _policies if key[0] == request["ResourceId"]]:
        target_tracking.delete_alarms(_policies.pop(key))
    return {}


def put_policy(request: dict[str, Any]) -> dict[str, Any]:
    """Handle PutScalingPolicy, for target tracking only."""
    if _key(request) not in _targets:
        raise ScalingError(_NOT_FOUND, f"No scalable target registered for {request.get('ResourceId')}")
    if request.get("PolicyType") != "TargetTrackingScaling":
        raise ScalingError(
            "ValidationException",
            f"the embedded AWS does not support PolicyType {request.get('PolicyType')}, only TargetTrackingScaling",
        )
    key = (request["ResourceId"], request["PolicyName"])
    known = _policies.get(key) or {
        "PolicyARN": f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:scalingPolicy:{new_uuid()}:resource/"
        f"sagemaker/{request['ResourceId']}:policyName/{request['PolicyName']}",
        "CreationTime": time.time(),
    }
    policy = {**known, **request}
    try:
        policy["Alarms"] = target_tracking.create_alarms(policy)
    except ValueError as error:
        raise ScalingError("ValidationException", str(error)) from error
    _policies[key] = policy
    return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}


def delete_policy(request: dict[str, Any]) -> dict[str, Any]:
    """Handle DeleteScalingPolicy."""
    policy = _policies.pop((request.get("ResourceId"), request.get("PolicyName")), None)
    if policy is None:
        raise ScalingError(_NOT_FOUND, f"No scaling policy found: {request.get('PolicyName')}")
    target_tracking.delete_alarms(policy)
    return {}


def describe_targets(request: dict[str, Any]) -> dict[str, Any]:
    """Handle DescribeScalableTargets."""
    wanted = request.get("ResourceIds")
    return {"ScalableTargets": [t for t in _targets.values() if not wanted or t["ResourceId"] in wanted]}


def describe_policies(request: dict[str, Any]) -> dict[str, Any]:
    """Handle DescribeScalingPolicies."""
    resource, names = request.get("ResourceId"), request.get("PolicyNames")
    return {
        "ScalingPolicies": [
            policy
            for policy in _policies.values()
            if resource in (None, policy["ResourceId"]) and (not names or policy["PolicyName"] in names)
        ]
    }


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "RegisterScalableTarget": register_target,
    "DeregisterScalableTarget": deregister_target,
    "DescribeScalableTargets": describe_targets,
    "PutScalingPolicy": put_policy,
    "DeleteScalingPolicy": delete_policy,
    "DescribeScalingPolicies": describe_policies,
}


def create_target_resource(_logical_id: str, props: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    """Create an AWS::ApplicationAutoScaling::ScalableTarget."""
    _authorize("RegisterScalableTarget", props)
    register_target(props)
    physical_id = "|".join((props["ResourceId"], props["ScalableDimension"], props["ServiceNamespace"]))
    return physical_id, {"Id": physical_id}


def update_target_resource(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack: str
) -> tuple[str, dict[str, Any]]:
    """Change the capacities of an AWS::ApplicationAutoScaling::ScalableTarget."""
    return create_target_resource(physical_id, new, stack)


def delete_target_resource(_physical_id: str, props: dict[str, Any]) -> None:
    """Delete an AWS::ApplicationAutoScaling::ScalableTarget."""
    _authorize("DeregisterScalableTarget", props)
    if _key(props) in _targets:
        deregister_target(props)


def create_policy_resource(_logical_id: str, props: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    """Create an AWS::ApplicationAutoScaling::ScalingPolicy."""
    request = _policy_request(props)
    _authorize("PutScalingPolicy", request)
    arn = str(put_policy(request)["PolicyARN"])
    return arn, {"Arn": arn}


def update_policy_resource(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack: str
) -> tuple[str, dict[str, Any]]:
    """Change an AWS::ApplicationAutoScaling::ScalingPolicy."""
    return create_policy_resource(physical_id, new, stack)


def delete_policy_resource(_physical_id: str, props: dict[str, Any]) -> None:
    """Delete an AWS::ApplicationAutoScaling::ScalingPolicy."""
    request = _policy_request(props)
    _authorize("DeleteScalingPolicy", request)
    if (request["ResourceId"], request["PolicyName"]) in _policies:
        delete_policy(request)


def _policy_request(props: dict[str, Any]) -> dict[str, Any]:
    request = {name: value for name, value in props.items() if name != "ScalingTargetId"}
    if target := props.get("ScalingTargetId"):
        resource, dimension, namespace = str(target).split("|")
        request |= {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}
    return request


def _key(request: dict[str, Any]) -> str:
    namespace, dimension = request.get("ServiceNamespace"), request.get("ScalableDimension")
    if (namespace, dimension) != ("sagemaker", DIMENSION):
        raise ScalingError(
            "ValidationException",
            f"the embedded AWS does not support scaling of {namespace} {dimension}, only of sagemaker {DIMENSION}",
        )
    return str(request.get("ResourceId", ""))


def _answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def _with_target_arn(original: Callable[..., str]) -> Callable[..., str]:
    """Authorize writes on the target that they name, and reads on ``*``."""

    def extract_resource_arn(service: str, *request: Any) -> str:
        if service != SERVICE:
            return original(service, *request)
        _method, _path, headers, body, *_rest = request
        reads = headers.get("x-amz-target", "").rpartition(".")[2].startswith("Describe")
        return "*" if reads else _target_arn(json.loads(body or b"{}"))

    return extract_resource_arn


def _with_conditions(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context = original(service, iam_action, body, params)
        return {**context, **_conditions(json.loads(body or b"{}"))} if service == SERVICE else context

    return request_tag_context


def _authorize(operation: str, request: dict[str, Any]) -> None:
    identity.authorize(f"{SERVICE}:{operation}", _target_arn(request), context=_conditions(request))


def _conditions(request: dict[str, Any]) -> dict[str, Any]:
    """Return the condition keys of a request."""
    namespace, dimension = request.get("ServiceNamespace", "sagemaker"), request.get("ScalableDimension", DIMENSION)
    return {f"{SERVICE}:service-namespace": namespace, f"{SERVICE}:scalable-dimension": dimension}


def _target_arn(request: dict[str, Any]) -> str:
    """Return the ARN of the request's target; a target that is not registered yet has no id."""
    known = _targets.get(str(request.get("ResourceId", "")))
    if known is not None:
        return str(known["ScalableTargetARN"])
    return f"arn:aws:{SERVICE}:{get_region()}:{get_account_id()}:scalable-target/unregistered"
