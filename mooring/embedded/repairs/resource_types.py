"""Add the CloudFormation resource types that our stacks use and MiniStack lacks."""

import json
from typing import Any

from ministack.services import budgets, eventbridge
from ministack.services.cloudformation import provisioners

from mooring.embedded.services import scaling


def register() -> None:
    """Add the types to MiniStack's stacks."""
    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::ApplicationAutoScaling::ScalableTarget": {
                "create": scaling.create_target_resource,
                "update": scaling.update_target_resource,
                "delete": scaling.delete_target_resource,
            },
            "AWS::ApplicationAutoScaling::ScalingPolicy": {
                "create": scaling.create_policy_resource,
                "update": scaling.update_policy_resource,
                "delete": scaling.delete_policy_resource,
            },
            "AWS::Budgets::Budget": {"create": _create_budget, "update": _update_budget, "delete": _delete_budget},
            "AWS::Events::Archive": {"create": _create_archive, "update": _update_archive, "delete": _delete_archive},
            "AWS::Events::EventBusPolicy": {
                "create": _create_bus_policy,
                "update": _update_bus_policy,
                "delete": _delete_bus_policy,
            },
        }
    )


def _create_budget(logical_id: str, props: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    name = str(props["Budget"].get("BudgetName") or f"{stack}-{logical_id}")
    budget = {**props["Budget"], "BudgetName": name}
    if limit := budget.get("BudgetLimit"):
        budget["BudgetLimit"] = {key: str(value) for key, value in limit.items()}
    _require_success(budgets._create_budget({**props, "Budget": budget}))
    return name, {}


def _update_budget(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack: str
) -> tuple[str, dict[str, Any]]:
    named = {**new, "Budget": {**new["Budget"], "BudgetName": physical_id}}
    _delete_budget(physical_id, named)
    return _create_budget(physical_id, named, stack)


def _delete_budget(physical_id: str, _props: dict[str, Any]) -> None:
    if physical_id in budgets._budgets:
        _require_success(budgets._delete_budget({"BudgetName": physical_id}))


def _archive_request(name: str, props: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {"ArchiveName": name, "EventSourceArn": props["SourceArn"]}
    request |= {key: props[key] for key in ("Description", "KmsKeyIdentifier") if props.get(key)}
    if "EventPattern" in props:
        request["EventPattern"] = json.dumps(props["EventPattern"])
    if "RetentionDays" in props:
        request["RetentionDays"] = int(props["RetentionDays"])
    return request


def _create_archive(logical_id: str, props: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    name = str(props.get("ArchiveName") or f"{stack}-{logical_id}"[:48])
    archive = _require_success(eventbridge._create_archive(_archive_request(name, props)))
    return name, {"Arn": archive["ArchiveArn"], "ArchiveName": name}


def _update_archive(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    _require_success(eventbridge._update_archive(_archive_request(physical_id, new)))
    return physical_id, {"Arn": eventbridge._archives[physical_id]["ArchiveArn"], "ArchiveName": physical_id}


def _delete_archive(physical_id: str, _props: dict[str, Any]) -> None:
    if physical_id in eventbridge._archives:
        _require_success(eventbridge._delete_archive({"ArchiveName": physical_id}))


def _create_bus_policy(_logical_id: str, props: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    bus, sid = str(props.get("EventBusName") or "default"), str(props["StatementId"])
    if bus not in eventbridge._event_buses:
        raise ValueError(f"Event bus {bus} does not exist.")
    if "Statement" not in props:
        raise ValueError(
            "the embedded AWS supports AWS::Events::EventBusPolicy only with the property Statement"
            f" (given: {', '.join(sorted(props))})"
        )
    policy = eventbridge._event_bus_policies.setdefault(bus, {"Version": "2012-10-17", "Statement": []})
    policy["Statement"] = [known for known in policy["Statement"] if known.get("Sid") != sid]
    policy["Statement"].append({"Sid": sid, **props["Statement"]})
    return f"{bus}|{sid}", {}


def _update_bus_policy(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack: str
) -> tuple[str, dict[str, Any]]:
    return _create_bus_policy(physical_id, new, stack)


def _delete_bus_policy(physical_id: str, _props: dict[str, Any]) -> None:
    bus, _, sid = physical_id.partition("|")
    _require_success(eventbridge._remove_permission({"EventBusName": bus, "StatementId": sid}))


def _require_success(answer: tuple[int, Any, Any]) -> dict[str, Any]:
    status, _headers, body = answer
    found: dict[str, Any] = json.loads(body or b"{}")
    if status >= 400:
        raise ValueError(str(found.get("message") or found.get("Message") or found))
    return found
