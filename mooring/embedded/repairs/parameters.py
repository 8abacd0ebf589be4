"""Repair Parameter Store: IAM evaluates reads of several parameters on the ARNs of path and names, not on ``*``."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import ssm

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace

BY_PATH = "AmazonSSM.GetParametersByPath"
BY_NAMES = "AmazonSSM.GetParameters"


def apply() -> None:
    """Repair Parameter Store."""
    replace(iam_actions, "extract_resource_arn", _name_resource)
    replace(ssm, "_get_parameters", _authorize_each)


def _name_resource(original: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(service: str, *request: Any) -> str:
        _method, _path, headers, body, _query, region, account = request
        target = headers.get("x-amz-target") if service == "ssm" else None
        if target == BY_PATH:
            return _arn(str(json.loads(body or b"{}").get("Path", "")), region, account)
        if target == BY_NAMES and (names := json.loads(body or b"{}").get("Names")):
            # The server evaluates one resource of a request; ``_authorize_each`` evaluates the other names.
            return _arn(str(names[0]), region, account)
        return original(service, *request)

    return extract_resource_arn


def _authorize_each(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def get_parameters(data: dict[str, Any]) -> Any:
        try:
            for name in data.get("Names", []):
                identity.authorize("ssm:GetParameters", _arn(str(name), get_region(), get_account_id()))
        except identity.AccessDeniedError as error:
            return error_response_json("AccessDeniedException", str(error), 400)
        return original(data)

    return get_parameters


def _arn(name: str, region: str, account: str) -> str:
    # AWS uses a path as given: a slash at its end stays in the ARN.
    return f"arn:aws:ssm:{region}:{account}:parameter/{name.lstrip('/')}"
