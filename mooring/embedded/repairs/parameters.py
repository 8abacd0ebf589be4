"""Repair Parameter Store: IAM evaluates GetParametersByPath on the ARN of the path, not on ``*``."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions

from mooring.embedded.repairs.patching import replace

ACTION = "AmazonSSM.GetParametersByPath"


def apply() -> None:
    """Repair Parameter Store."""
    replace(iam_actions, "extract_resource_arn", _name_path)


def _name_path(original: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(service: str, *request: Any) -> str:
        _method, _path, headers, body, _query, region, account = request
        if service == "ssm" and headers.get("x-amz-target") == ACTION:
            path = str(json.loads(body or b"{}").get("Path", ""))
            # AWS uses the path as given: a slash at its end stays in the ARN.
            return f"arn:aws:ssm:{region}:{account}:parameter/{path.lstrip('/')}"
        return original(service, *request)

    return extract_resource_arn
