"""Register CodePipeline with MiniStack's HTTP server, and the resource that IAM evaluates."""

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

from mooring.embedded.repairs.patching import replace
from mooring.embedded.services.codepipeline import service

SERVICE = "codepipeline"


def register() -> None:
    """Route CodePipeline's requests to ``service`` and evaluate them with IAM."""
    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": ["CodePipeline_20150709."], "credential_scope": SERVICE}
    app.SERVICE_REGISTRY[SERVICE] = {"module": SERVICE}
    app.SERVICE_HANDLERS[SERVICE] = service.handle_request
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    iam_actions._BOTOCORE_SERVICE_MAP[SERVICE] = [SERVICE]
    replace(iam_actions, "extract_resource_arn", _with_pipelines)


def _with_pipelines(original: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(service_name: str, *request: Any) -> str:
        if service_name != SERVICE:
            return original(service_name, *request)
        _method, _path, headers, body, *_rest = request
        try:
            found = json.loads(body or b"{}")
        except ValueError:
            return "*"
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        return service.resource(operation, found if isinstance(found, dict) else {})

    return extract_resource_arn
