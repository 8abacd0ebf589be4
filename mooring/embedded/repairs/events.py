"""Repair EventBridge and Scheduler: a target is called only if its resource policy or the target's role allows it.

MiniStack calls every target. On AWS the resource policy of a Lambda function must allow ``events.amazonaws.com``, and
a target that names a role is called under that role. An event that may not reach its target goes to the target's
dead-letter queue, if that queue's policy, and the policy of the key that encrypts it, admit the service.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, kms, sqs

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace

log = logging.getLogger("mooring.events")

_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "states": "states:StartExecution",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
    "kms": "kms:GenerateDataKey",
}
_NEEDS_ROLE = ("states",)


def apply() -> None:
    """Repair the calls of targets."""
    replace(eventbridge, "_invoke_target", _authorize_target)


def _authorize_target(original: Callable[..., None]) -> Callable[..., None]:
    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        scheduled = event.get("Source") == "aws.scheduler"
        try:
            if scheduled:
                # Scheduler's aws:SourceArn is the schedule's group, not the schedule.
                group = rule.get("GroupName") or "default"
                source = f"arn:aws:scheduler:{get_region()}:{get_account_id()}:schedule-group/{group}"
                _authorize(target, service="scheduler.amazonaws.com", source_arn=source)
            else:
                _authorize(target, service="events.amazonaws.com", source_arn=rule.get("Arn", ""))
        except identity.AccessDeniedError as error:
            log.warning("%s does not call %s: %s", rule.get("Arn", "a rule"), target.get("Arn"), error)
            if not scheduled:
                _send_to_dead_letters(target, event, rule, view, str(error))
            return
        # The target and the work that it starts act for themselves, not for the sender of the event.
        with identity.acting_as(""):
            original(target, event, rule, view)

    return invoke_target


def _authorize(target: dict[str, Any], *, service: str, source_arn: str) -> None:
    arn = str(target.get("Arn", ""))
    kind = arn.split(":")[2] if arn.count(":") > 4 else ""
    if kind not in _ACTIONS or kind == "kms":
        raise identity.AccessDeniedError(f"targets of {kind or 'this kind'} are not supported here")
    if role_arn := target.get("RoleArn"):
        identity.require_trust(role_arn, service, source_arn=source_arn)
        with identity.acting_as(role_arn):
            identity.authorize(_ACTIONS[kind], arn)
    elif kind in _NEEDS_ROLE or service.startswith("scheduler"):
        raise identity.AccessDeniedError("the target names no role")
    elif kind in ("lambda", "sqs", "sns"):
        _require_resource_policy(kind, arn, service, source_arn)


def _send_to_dead_letters(
    target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any, error: str
) -> None:
    arn = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
    queue = sqs._queue_by_arn(arn) if arn else None
    if queue is None:
        return
    try:
        _require_resource_policy("sqs", arn, "events.amazonaws.com", rule.get("Arn", ""))
        if key := queue["attributes"].get("KmsMasterKeyId"):
            _require_resource_policy("kms", str(kms._resolve_key(key)["Arn"]), "events.amazonaws.com", rule["Arn"])
    except identity.AccessDeniedError as refusal:
        log.warning("%s: the dead-letter queue does not get the event: %s", rule.get("Arn", "a rule"), refusal)
        return
    eventbridge._dispatch_to_sqs(
        parse_arn(arn), json.dumps((view or eventbridge._pattern_event_view(event)).event_with_detail())
    )
    facts = {
        "RULE_ARN": rule["Arn"],
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": error,
    }
    queue["messages"][-1]["message_attributes"] = {
        name: {"DataType": "String", "StringValue": value} for name, value in facts.items()
    }


def _require_resource_policy(kind: str, arn: str, service: str, source_arn: str) -> None:
    found = iam_evaluator._resource_policy(kind, arn)
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
        action=_ACTIONS[kind],
        resource_arn=arn,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()},
    )
    policies = [iam_evaluator.parse_policy_document({"Statement": named})]
    if iam_evaluator.evaluate(request, policies).decision != "Allow":
        raise identity.AccessDeniedError(f"the resource policy of {arn} does not allow {service} to call it")
