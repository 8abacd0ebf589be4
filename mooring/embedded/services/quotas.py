"""Service Quotas: the quotas of SageMaker's instances, which SageMaker here enforces as AWS does.

The quotas of stacks, rules and scaling targets have AWS's defaults; nothing here enforces them. Each account and region
has ``DEFAULT`` instances of every use of every type. A request for another value is granted at once, also for a lower
one, which AWS refuses: so a test makes an account with a quota of 0.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid

from mooring.embedded.repairs.patching import replace
from pipelines.interface.quotas import CODES, SERVICE_CODE, quota_name

SERVICE = "servicequotas"
DEFAULT = 100.0
"""Instances of one type and use that an account has here; a new account of AWS has 0 of most types."""
_SHAPES = {
    "training": "TrainingInstanceType",
    "processing": "ProcessingInstanceType",
    "serving": "ProductionVariantInstanceType",
}
"""Use of an instance -> the enum of its types in botocore's model of SageMaker."""

_OTHERS = {
    "L-0485CB21": ("cloudformation", "Stack count", 2000.0),
    "L-244521F2": ("events", "Number of rules", 300.0),
    "L-1AAF0700": ("application-autoscaling", "Scalable targets for SageMaker", 500.0),
}
"""Quotas of other services by their codes: the service, AWS's name, and AWS's default."""

_values: Any = AccountRegionScopedDict()


class QuotaError(Exception):
    """Refusal of a request, with the service's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def register() -> None:
    """Add the service to the server."""
    router.SERVICE_PATTERNS[SERVICE] = {
        "target_prefixes": ["ServiceQuotasV20190624"],
        "host_patterns": [r"servicequotas\."],
        "credential_scope": SERVICE,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    app.SERVICE_HANDLERS[SERVICE] = handle_request
    replace(iam_actions, "extract_resource_arn", _with_quota_arn)


async def handle_request(_method: str, _path: str, headers: dict[str, str], body: Any, _query: dict[str, Any]) -> Any:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation not in OPERATIONS:
        message = f"the embedded AWS does not support {operation}; it supports {', '.join(OPERATIONS)}"
        return _answer(400, {"__type": "IllegalArgumentException", "message": message})
    try:
        return _answer(200, OPERATIONS[operation](json.loads(body or b"{}")))
    except QuotaError as error:
        return _answer(400, {"__type": error.code, "message": str(error)})


def limit(instance_type: str, use: str) -> int:
    """Return the number of instances of a type that the calling account may use for a use, in the calling region."""
    return int(_values.get(_code(quota_name(instance_type, use)), DEFAULT))


def _code(name: str) -> str:
    """Return a quota's code: AWS's own where it is known, else one derived from the name."""
    return CODES.get(name) or f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"


@cache
def _quotas() -> dict[str, tuple[str, str, float]]:
    """Return the service, name and default of all quotas by their codes, in the names' order."""
    model: Any = botocore.session.get_session().get_service_model(SERVICE_CODE)
    names = sorted(quota_name(kind, use) for use, shape in _SHAPES.items() for kind in model.shape_for(shape).enum)
    return _OTHERS | {_code(name): (SERVICE_CODE, name, DEFAULT) for name in names}


def _quota(code: str, value: float) -> dict[str, Any]:
    service, name, _ = _quotas()[code]
    return {
        "ServiceCode": service,
        "ServiceName": service,
        "QuotaArn": f"arn:aws:{SERVICE}:{get_region()}:{get_account_id()}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _asked(request: dict[str, Any]) -> str:
    """Return the code of the quota that a request names."""
    service, code = request.get("ServiceCode"), str(request.get("QuotaCode"))
    if code not in _quotas() or _quotas()[code][0] != service:
        allowed = f"those of {SERVICE_CODE}'s instances and {', '.join(_OTHERS)}"
        raise QuotaError(
            "NoSuchResourceException", f"the embedded AWS has no quota {code} of {service}: it has {allowed}"
        )
    return code


def _applied(code: str) -> float:
    return float(_values.get(code, _quotas()[code][2]))


def get_quota(request: dict[str, Any]) -> dict[str, Any]:
    """Handle GetServiceQuota."""
    code = _asked(request)
    return {"Quota": _quota(code, _applied(code))}


def list_quotas(request: dict[str, Any]) -> dict[str, Any]:
    """Handle ListServiceQuotas."""
    return _page(request, _applied)


def list_defaults(request: dict[str, Any]) -> dict[str, Any]:
    """Handle ListAWSDefaultServiceQuotas."""
    return _page(request, lambda code: _quotas()[code][2])


def _page(request: dict[str, Any], value: Callable[[str], float]) -> dict[str, Any]:
    codes = [code for code, (service, _, _) in _quotas().items() if service == request.get("ServiceCode")]
    if not codes:
        services = ", ".join(sorted({service for service, _, _ in _quotas().values()}))
        raise QuotaError(
            "NoSuchResourceException",
            f"the embedded AWS has no quotas of {request.get('ServiceCode')}: it has those of {services}",
        )
    start, size = int(request.get("NextToken", "0")), int(request.get("MaxResults", 100))
    more = {"NextToken": str(start + size)} if start + size < len(codes) else {}
    return {"Quotas": [_quota(code, value(code)) for code in codes[start : start + size]], **more}


def request_quota(request: dict[str, Any]) -> dict[str, Any]:
    """Handle RequestServiceQuotaIncrease: grant it at once."""
    code = _asked(request)
    _values[code] = float(request["DesiredValue"])
    quota = _quota(code, _values[code])
    asked = {name: quota[name] for name in ("ServiceCode", "ServiceName", "QuotaArn", "QuotaCode", "QuotaName", "Unit")}
    granted = {"Id": new_uuid(), "DesiredValue": quota["Value"], "Status": "APPROVED", "GlobalQuota": False}
    return {"RequestedQuota": {**asked, **granted}}


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "GetServiceQuota": get_quota,
    "ListServiceQuotas": list_quotas,
    "ListAWSDefaultServiceQuotas": list_defaults,
    "RequestServiceQuotaIncrease": request_quota,
}


def _answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def _with_quota_arn(original: Callable[..., str]) -> Callable[..., str]:
    """Authorize a request for an increase on the quota that it names, and reads on ``*``, as AWS does."""

    def extract_resource_arn(service: str, *request: Any) -> str:
        if service != SERVICE:
            return original(service, *request)
        _method, _path, headers, body, *_rest = request
        if not headers.get("x-amz-target", "").endswith(".RequestServiceQuotaIncrease"):
            return "*"
        asked = json.loads(body or b"{}")
        place = f"{get_region()}:{get_account_id()}:{asked.get('ServiceCode')}/{asked.get('QuotaCode')}"
        return f"arn:aws:{SERVICE}:{place}"

    return extract_resource_arn
