"""Add Step Functions' integrations of SageMaker: optimized ones, some with ``.sync``, and ``aws-sdk`` tasks."""

import json
import time
from typing import Any

from ministack.services import stepfunctions

from mooring.embedded import answers
from mooring.embedded.repairs.step_functions import cancelled
from mooring.embedded.sagemaker import service
from mooring.embedded.sagemaker.errors import SageMakerError
from mooring.embedded.sagemaker.store import Record

_PREFIX = "arn:aws:states:::sagemaker:"
_JOBS = {"createTrainingJob": "TrainingJob", "createProcessingJob": "ProcessingJob"}
_OTHERS = {"createModel": "CreateModel", "createEndpointConfig": "CreateEndpointConfig"} | {
    "createEndpoint": "CreateEndpoint",
    "updateEndpoint": "UpdateEndpoint",
}
_POLL_S = 0.1


def register() -> None:
    """Add SageMaker to MiniStack's state machines."""
    stepfunctions._SERVICE_DISPATCH[_PREFIX] = _run
    stepfunctions._AWS_SDK_SERVICE_MAP["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    stepfunctions._AWS_SDK_ERROR_PREFIX["sagemaker"] = "SageMaker"


def _run(resource: str, request: Record) -> Any:
    task, _, pattern = resource.removeprefix(_PREFIX).partition(".")
    if pattern not in ("", "sync") or (pattern == "sync" and task not in _JOBS) or task not in _JOBS | _OTHERS:
        raise stepfunctions._ExecutionError(
            "States.Runtime",
            f"{resource} is not supported by the embedded AWS; supported tasks of {_PREFIX}* are"
            f" {', '.join([*_JOBS, *(f'{job}.sync' for job in _JOBS), *_OTHERS])}",
        )
    operation = _OTHERS.get(task) or f"Create{_JOBS[task]}"
    answer = _call(operation, request)
    return _wait(_JOBS[task], request) if pattern == "sync" else answer


def _call(operation: str, request: Record) -> Record:
    try:
        answer: Record = json.loads(answers.encode(service.call(operation, request)))
    except SageMakerError as error:
        code = error.code.removesuffix("Exception") + "Exception"
        name = code if code in ("ResourceLimitExceededException",) else "AmazonSageMakerException"
        message = f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})"
        raise stepfunctions._ExecutionError(f"SageMaker.{name}", message) from error
    return answer


def _wait(prefix: str, request: Record) -> Record:
    key = {f"{prefix}Name": request[f"{prefix}Name"]}
    while True:
        described = _call(f"Describe{prefix}", key)
        status = described[f"{prefix}Status"]
        if status == "Completed":
            return described
        if status in ("Failed", "Stopped"):
            # Step Functions writes no spaces, and definitions may match the text.
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(described, separators=(",", ":")))
        if cancelled():
            _call(f"Stop{prefix}", key)
            raise stepfunctions._ExecutionError(
                "States.Timeout", f"{key} was stopped, because its task timed out or its execution ended"
            )
        time.sleep(_POLL_S)
