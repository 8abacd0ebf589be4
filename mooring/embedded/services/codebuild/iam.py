"""Register CodeBuild with MiniStack's HTTP server, in the place of MiniStack's own, which needs Docker."""

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.services import tagging

from mooring.embedded.repairs.patching import replace
from mooring.embedded.services.codebuild import projects, service

SERVICE = "codebuild"


def register() -> None:
    """Route CodeBuild's requests to ``service`` and evaluate them with IAM on the project that they name."""
    if SERVICE not in app.SERVICE_HANDLERS:
        raise RuntimeError("MiniStack has no service codebuild: the repair does not fit the installed version")
    app.SERVICE_HANDLERS[SERVICE] = service.handle_request
    replace(iam_actions, "extract_resource_arn", _with_projects)
    # For the Resource Groups Tagging API, and for the condition key aws:ResourceTag.
    tagging._COLLECTORS[SERVICE] = projects.tagged
    tagging._RESOURCE_TAG_COLLECTORS[SERVICE] = projects.tagged


def _with_projects(original: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(service_name: str, *request: Any) -> str:
        if service_name != SERVICE:
            return original(service_name, *request)
        _method, _path, headers, body, *_rest = request
        try:
            found = json.loads(body or b"{}")
        except ValueError:
            return "*"
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        return service.resources(operation, found if isinstance(found, dict) else {})[0]

    return extract_resource_arn
