"""Register SageMaker with MiniStack's HTTP server: routes, and the action and resource that IAM evaluates."""

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

from mooring.embedded.repairs.patching import replace
from mooring.embedded.sagemaker import names, runtime, service, store


def register() -> None:
    """Route SageMaker's requests to ``service`` and evaluate them with IAM."""
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": ["SageMaker."], "credential_scope": "sagemaker"}
    app.SERVICE_REGISTRY["sagemaker"] = {"module": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = service.handle_request
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    # MiniStack takes the control plane's actions from the target header, the runtime's from its paths, and tags from
    # both models.
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker-runtime", "sagemaker"]
    replace(iam_actions, "extract_resource_arn", _with_sagemaker)
    replace(iam_actions, "request_tag_context", _add_conditions)


def _add_conditions(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Add SageMaker's own condition keys, such as ``sagemaker:NetworkIsolation``."""

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context = original(service, iam_action, body, params)
        if service != "sagemaker":
            return context
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context
        operation = iam_action.partition(":")[2]
        return context | (names.conditions(operation, request) if isinstance(request, dict) else {})

    return request_tag_context


def _with_sagemaker(original: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(
        service_name: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service_name != "sagemaker":
            return original(service_name, method, path, headers, body, query_params, region, account_id)
        target = headers.get("x-amz-target", "")
        if not target:
            name = runtime.endpoint_name(path)
            return store.arn("endpoint", name) if name else "*"
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return "*"
        return names.resource_arn(target.rpartition(".")[2], request if isinstance(request, dict) else {})

    return extract_resource_arn
