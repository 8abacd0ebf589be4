"""Repair EventBridge and Scheduler: a target is called only if its resource policy or the target's role allows it.

MiniStack calls every target. On AWS the resource policy of a Lambda function must allow ``events.amazonaws.com``, and
a target that names a role is called under that role. An event that cannot be delivered counts as a failed invocation
and goes to the target's dead-letter queue at once: AWS does not retry if the target refuses it or does not exist.
The queue's policy, and the policy of the key that encrypts it, must admit EventBridge.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, kms, lambda_svc, sns, sqs, stepfunctions

from mooring.embedded import identity
from mooring.embedded.repairs import buses, metrics
from mooring.embedded.repairs.patching import replace

log = logging.getLogger("mooring.events")

_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "states": "states:StartExecution",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
}
_USE_KEY = "kms:GenerateDataKey"
_NEEDS_ROLE = ("codepipeline", "events", "states")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A kind of target that MiniStack does not know; ``start`` takes the target's ARN, the rule's and the payload."""

    exists: Callable[[str], bool]
    start: Callable[[str, str, str], None]


_added: dict[str, Target] = {}


def add_target(
    service: str, action: str, exists: Callable[[str], bool], start: Callable[[str, str, str], None]
) -> None:
    """Let rules call resources of ``service``, under a role that must allow ``action``."""
    _ACTIONS[service] = action
    _added[service] = Target(exists=exists, start=start)


def apply() -> None:
    """Repair the calls of targets."""
    replace(eventbridge, "_invoke_target", _authorize_target)


class UndeliverableError(Exception):
    """An event that cannot be delivered; ``code`` is the ERROR_CODE of the message in the dead-letter queue."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _authorize_target(original: Callable[..., None]) -> Callable[..., None]:
    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        caller = _caller(event, rule)
        try:
            _require_exists(str(target.get("Arn", "")))
            try:
                _authorize(target, event, service=caller.service, source_arn=caller.source_arn)
            except identity.AccessDeniedError as error:
                raise UndeliverableError("NO_PERMISSIONS", str(error)) from error
        except UndeliverableError as error:
            log.warning("%s does not call %s: %s", rule.get("Arn", "a rule"), target.get("Arn"), error)
            caller.record("failed")
            _send_to_dead_letters(target, event, rule, caller, error)
            return
        caller.record("called")
        # The target and the work that it starts act for themselves, not for the sender of the event.
        with identity.acting_as(""):
            if (kind := _kind(target)) in _added:
                _start_added(_added[kind], target, event, rule, view)
            else:
                original(target, event, rule, view)

    return invoke_target


def _kind(target: dict[str, Any]) -> str:
    arn = str(target.get("Arn", ""))
    return arn.split(":")[2] if arn.count(":") > 4 else ""


def _start_added(added: Target, target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any) -> None:
    view = view or eventbridge._pattern_event_view(event)
    payload = json.dumps(view.event_with_detail())
    if target.get("InputTransformer"):
        payload = eventbridge._apply_input_transformer(target["InputTransformer"], rule, view)
    elif target.get("Input"):
        payload = target["Input"]
    try:
        added.start(str(target["Arn"]), str(rule.get("Arn", "")), payload)
    except Exception:
        log.exception("%s could not start %s", rule.get("Arn"), target["Arn"])


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The service that calls a target, EventBridge or Scheduler, with the metrics that it counts by what happened."""

    service: str
    source_arn: str
    namespace: str
    dimensions: dict[str, str]
    counted: dict[str, tuple[str, ...]]

    def record(self, what: str) -> None:
        metrics.record(self.namespace, {name: metrics.count() for name in self.counted[what]}, self.dimensions)


def _caller(event: dict[str, Any], rule: dict[str, Any]) -> Caller:
    if event.get("Source") == "aws.scheduler":
        # Scheduler's aws:SourceArn is the schedule's group, not the schedule.
        group = rule.get("GroupName") or "default"
        return Caller(
            service="scheduler.amazonaws.com",
            source_arn=f"arn:aws:scheduler:{get_region()}:{get_account_id()}:schedule-group/{group}",
            namespace="AWS/Scheduler",
            dimensions={"ScheduleGroup": group},
            counted={
                "called": ("InvocationAttemptCount",),
                "failed": ("InvocationAttemptCount", "TargetErrorCount"),
                "dead letter": ("InvocationsSentToDeadLetterCount",),
                "dropped": ("InvocationsFailedToBeSentToDeadLetterCount",),
            },
        )
    bus = rule.get("EventBusName") or "default"
    return Caller(
        service="events.amazonaws.com",
        source_arn=rule.get("Arn", ""),
        namespace="AWS/Events",
        dimensions={"RuleName": rule.get("Name", "")} | ({} if bus == "default" else {"EventBusName": bus}),
        counted={
            "called": ("Invocations",),
            "failed": ("Invocations", "FailedInvocations"),
            "dead letter": ("InvocationsSentToDlq",),
            "dropped": ("InvocationsFailedToBeSentToDlq",),
        },
    )


def _require_exists(arn: str) -> None:
    kind = _kind({"Arn": arn})
    exists: dict[str, Callable[[], Any]] = {
        "lambda": lambda: lambda_svc._get_func_record_for_ref(arn)[0],
        "sqs": lambda: sqs._queue_by_arn(arn),
        "sns": lambda: arn in sns._topics,
        "states": lambda: stepfunctions._resolve_state_machine_arn(arn),
        "events": lambda: buses.exists(arn),
    }
    if kind in _added:
        exists[kind] = lambda: _added[kind].exists(arn)
    if kind in exists and not exists[kind]():
        raise UndeliverableError("NO_RESOURCE", f"{arn} does not exist")


def _send_to_dead_letters(
    target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], caller: Caller, error: UndeliverableError
) -> None:
    """Send an event that was not delivered to the target's dead-letter queue, if it has one that accepts it."""
    arn = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
    if not arn:
        return
    scheduled = caller.namespace == "AWS/Scheduler"
    about = {
        "SCHEDULE_ARN" if scheduled else "RULE_ARN": rule.get("Arn", ""),
        "TARGET_ARN": str(target.get("Arn", "")),
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": str(error)[:1024],
    }
    body = target.get("Input") if scheduled else None
    try:
        queue = sqs._queue_by_arn(arn)
        if queue is None:
            raise UndeliverableError("NO_RESOURCE", f"{arn} does not exist")
        key = queue["attributes"].get("KmsMasterKeyId")
        if scheduled:
            with identity.acting_as(str(target.get("RoleArn", ""))):
                identity.authorize(_ACTIONS["sqs"], arn)
        else:
            _require_resource_policy(_ACTIONS["sqs"], arn, caller.service, caller.source_arn)
            if key:
                key_arn = str(kms._resolve_key(key)["Arn"])
                _require_resource_policy(_USE_KEY, key_arn, caller.service, caller.source_arn)
        message = {
            "QueueUrl": queue["url"],
            "MessageBody": body or json.dumps(eventbridge._pattern_event_view(event).event_with_detail()),
            "MessageAttributes": {n: {"DataType": "String", "StringValue": v} for n, v in about.items() if v},
        }
        sqs._act_send_message(message, queue["url"])
    except (identity.AccessDeniedError, UndeliverableError) as refusal:
        log.warning("the event of %s is dropped: %s", rule.get("Arn", "a rule"), refusal)
        caller.record("dropped")
        return
    caller.record("dead letter")


def _authorize(target: dict[str, Any], event: dict[str, Any], *, service: str, source_arn: str) -> None:
    arn = str(target.get("Arn", ""))
    kind = _kind(target)
    if kind not in _ACTIONS:
        raise identity.AccessDeniedError(f"targets of {kind or 'this kind'} are not supported here")
    if role_arn := target.get("RoleArn"):
        identity.require_trust(role_arn, service, source_arn=source_arn)
        with identity.acting_as(role_arn):
            identity.authorize(_ACTIONS[kind], arn, context=buses.conditions(event) if kind == "events" else None)
    elif kind in _NEEDS_ROLE or service.startswith("scheduler"):
        raise identity.AccessDeniedError("the target names no role")
    elif kind in ("lambda", "sqs", "sns"):
        _require_resource_policy(_ACTIONS[kind], arn, service, source_arn)


def _require_resource_policy(action: str, arn: str, service: str, source_arn: str) -> None:
    found = iam_evaluator._resource_policy(action.partition(":")[0], arn)
    document = (found or (None,))[0] or {}
    if isinstance(document, str):
        document = json.loads(document)
    statements = document.get("Statement", [])
    named = [
        statement
        for statement in (statements if isinstance(statements, list) else [statements])
        if iam_evaluator._service_principal_matches(statement.get("Principal"), service)
    ]
    request = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="AWSService",
        principal_account=get_account_id(),
        action=action,
        resource_arn=arn,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()},
    )
    policies = [iam_evaluator.parse_policy_document({"Statement": named})]
    if iam_evaluator.evaluate(request, policies).decision != "Allow":
        raise identity.AccessDeniedError(f"the resource policy of {arn} does not allow {service} to call it")
