"""Repair Step Functions: tasks act under the machine's role, and stopped or timed-out work ends.

A ``.sync`` handler that waits for a job polls ``cancelled()`` and stops the job once it returns true.
"""

import contextvars
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services import stepfunctions

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace

_execution: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("mooring_execution")
_timed_out: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("mooring_timed_out", default=None)

_DYNAMODB_ACTIONS = ("putItem", "getItem", "deleteItem", "updateItem")
_OPTIMISED = "arn:aws:states:::"


def apply() -> None:
    """Repair Step Functions."""
    replace(stepfunctions, "_run_execution", _run_as_role)
    replace(stepfunctions, "_fail_execution", _keep_end_status)
    replace(stepfunctions, "_invoke_resource", _authorize_task)
    replace(stepfunctions, "_invoke_with_callback", _authorize_callback_task)
    replace(stepfunctions, "_run_distributed_map", _authorize_map)
    replace(stepfunctions, "_invoke_resource_with_timeout", _cancel_after_timeout)
    replace(app, "call_service_handler_sync", _authorize_sdk_call)


def cancelled() -> bool:
    """Return whether the calling task must stop its work: it has timed out, or its execution has ended."""
    flag = _timed_out.get()
    execution = _execution.get(None)
    return (flag is not None and flag.is_set()) or (execution is not None and execution["status"] != "RUNNING")


def _run_as_role(original: Callable[[str], None]) -> Callable[[str], None]:
    """Run an execution under the machine's role, for at most the machine's ``TimeoutSeconds``.

    MiniStack ignores both: it allows every task, and an execution may run for ever.
    """

    def run_execution(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
        if execution is None or machine is None:
            original(arn)
            return
        _execution.set(execution)
        role_arn = machine["roleArn"]
        try:
            identity.require_trust(role_arn, "states.amazonaws.com", source_arn=execution["stateMachineArn"])
        except identity.AccessDeniedError as error:
            stepfunctions._fail_execution(execution, "States.Permissions", str(error))
            return
        timer = _timer(execution, json.loads(machine["definition"]).get("TimeoutSeconds"))
        with identity.acting_as(role_arn):
            original(arn)
        if timer is not None:
            timer.cancel()

    return run_execution


def _timer(execution: dict[str, Any], seconds: float | None) -> threading.Timer | None:
    if seconds is None:
        return None

    def end() -> None:
        if execution["status"] == "RUNNING":
            execution.update(status="TIMED_OUT", stopDate=now_iso(), error="States.Timeout", cause=None)
            stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
            stepfunctions._emit_execution_status_event(execution)

    timer = threading.Timer(float(seconds), contextvars.copy_context().run, args=(end,))
    timer.daemon = True
    timer.start()
    return timer


def _keep_end_status(original: Callable[..., None]) -> Callable[..., None]:
    """Keep the status of an execution that has ended.

    A task may fail because its execution was stopped; the execution stays ABORTED. MiniStack would set FAILED.
    """

    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            original(execution, error, cause)

    return fail_execution


def _authorize_task(original: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Check an optimized integration's action against the machine's role; MiniStack checks nothing."""

    def invoke_resource(resource: str, payload: Any) -> Any:
        _refuse_if_cancelled()
        _authorize(resource, payload)
        return original(resource, payload)

    return invoke_resource


def _authorize_callback_task(original: Callable[..., Any]) -> Callable[..., Any]:
    """Do the same as ``_authorize_task`` for ``.waitForTaskToken``."""

    def invoke_with_callback(resource: str, payload: Any, token: str, state: dict[str, Any]) -> Any:
        _refuse_if_cancelled()
        _authorize(resource.replace(".waitForTaskToken", ""), payload)
        return original(resource, payload, token, state)

    return invoke_with_callback


def _authorize_map(original: Callable[..., Any]) -> Callable[..., Any]:
    """Check that the machine's role may start executions: each item of a distributed map is one."""

    def run_distributed_map(state: Any, given: Any, effective: Any, items: Any, execution: Any, ctx: Any) -> Any:
        _require("States.Permissions", "states:StartExecution", execution["stateMachineArn"])
        return original(state, given, effective, items, execution, ctx)

    return run_distributed_map


def _cancel_after_timeout(original: Callable[..., Any]) -> Callable[..., Any]:
    """End the work of a task after its ``TimeoutSeconds``; MiniStack ends only the task and leaves its work running."""

    def invoke_resource_with_timeout(resource: str, payload: Any, timeout: float) -> Any:
        flag = threading.Event()
        token = _timed_out.set(flag)
        try:
            return original(resource, payload, timeout)
        except stepfunctions._ExecutionError as error:
            if error.error == "States.Timeout":
                flag.set()
            raise
        finally:
            _timed_out.reset(token)

    return invoke_resource_with_timeout


def _authorize_sdk_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """Check an ``aws-sdk`` task's action against the machine's role; MiniStack calls the service without a check."""

    def call_service_handler_sync(handler: Any, *request: Any, timeout: float | None = None) -> Any:
        method, path, headers, body, query_params = request
        if identity.acting_role():
            service = next(name for name, known in app.SERVICE_HANDLERS.items() if known is handler)
            data = body.encode() if isinstance(body, str) else body or b""
            params = app._routing_params(method, path, headers, data, query_params)
            action = iam_actions.extract_iam_action(service, method, path, headers, data, params)
            if action is None:
                raise stepfunctions._ExecutionError(
                    "States.Runtime",
                    f"the embedded AWS does not support this aws-sdk task: it knows no IAM action for {method} {path}",
                )
            resource = iam_actions.extract_resource_arn(
                service, method, path, headers, data, params, get_region(), get_account_id()
            )
            tags = iam_actions.request_tag_context(service, action, data, params)
            try:
                identity.authorize(action, resource, context=tags)
            except identity.AccessDeniedError as error:
                raise stepfunctions._ExecutionError(_sdk_error(service), str(error)) from error
        return original(handler, *request, timeout=timeout)

    return call_service_handler_sync


def _sdk_error(service: str) -> str:
    names = {info.get("service_key", name): name for name, info in stepfunctions._AWS_SDK_SERVICE_MAP.items()}
    prefix = stepfunctions._AWS_SDK_ERROR_PREFIX.get(names.get(service, service), service.capitalize())
    return f"{prefix}.{prefix}Exception"


def _refuse_if_cancelled() -> None:
    if cancelled():
        raise stepfunctions._ExecutionError("States.Timeout", "the execution has ended")


def _authorize(resource: str, payload: Any) -> None:
    if (function := stepfunctions._extract_lambda_ref(resource)) is not None and "states:::" not in resource:
        _require("Lambda.AWSLambdaException", "lambda:InvokeFunction", _function_arn(function))
        return
    if not resource.startswith(_OPTIMISED) or ":aws-sdk:" in resource or ":::sagemaker:" in resource:
        return  # activities need no permission; aws-sdk and SageMaker tasks are checked where they run
    task = resource.removeprefix(_OPTIMISED).partition(".")[0]
    service, _, operation = task.partition(":")
    fields: Mapping[str, Any] = payload if isinstance(payload, dict) else {}
    if task == "lambda:invoke":
        name = str(fields.get("FunctionName", ""))
        if fields.get("Qualifier"):
            name = f"{name}:{fields['Qualifier']}"
        _require("Lambda.AWSLambdaException", "lambda:InvokeFunction", _function_arn(name))
    elif task == "sns:publish":
        _require("SNS.AuthorizationErrorException", "sns:Publish", str(fields.get("TopicArn", "*")))
    elif task == "sqs:sendMessage":
        account, queue = str(fields.get("QueueUrl", "")).split("/")[-2:]
        _require("SQS.AmazonSQSException", "sqs:SendMessage", f"arn:aws:sqs:{get_region()}:{account}:{queue}")
    elif task == "events:putEvents":
        for entry in fields.get("Entries", []):
            bus = str(entry.get("EventBusName") or "default")
            _require("EventBridge.EventBridgeException", "events:PutEvents", _arn("events", f"event-bus/{bus}", bus))
    elif service == "dynamodb" and operation in _DYNAMODB_ACTIONS:
        table = str(fields.get("TableName", ""))
        action = f"dynamodb:{operation[0].upper()}{operation[1:]}"
        _require("DynamoDB.AmazonDynamoDBException", action, _arn("dynamodb", f"table/{table}", table))
    elif task == "states:startExecution":
        machine = str(fields.get("StateMachineArn") or fields.get("stateMachineArn") or "*")
        _require("StepFunctions.AWSStepFunctionsException", "states:StartExecution", machine)
    else:
        raise stepfunctions._ExecutionError(
            "States.Runtime",
            f"the embedded AWS does not support {resource}: it cannot check the task's permissions",
        )


def _require(error_name: str, action: str, resource: str) -> None:
    try:
        identity.authorize(action, resource)
    except identity.AccessDeniedError as error:
        raise stepfunctions._ExecutionError(error_name, str(error)) from error


def _function_arn(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"


def _arn(service: str, resource: str, given: str) -> str:
    return given if given.startswith("arn:") else f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"
