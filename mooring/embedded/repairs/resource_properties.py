"""Repair properties of roles, buckets, tables and event buses that MiniStack's stacks ignore.

Some of them are the permissions boundary, a bus's policy, encryption, lifecycle, Object Lock, time to live and
recovery. Without the repair a template would deploy without an error and without these properties. As on AWS, a bucket
that holds objects and a table with deletion protection cannot be deleted.
"""

import json
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.serialize import create_serializer
from ministack.services import dynamodb, eventbridge, iam, s3
from ministack.services.cloudformation import provisioners


def register() -> None:
    """Repair the handlers of the four types."""
    for resource_type, check, set_properties in (
        ("AWS::IAM::Role", _check_role, _set_role_properties),
        ("AWS::S3::Bucket", _check_nothing, _set_bucket_properties),
        ("AWS::DynamoDB::Table", _check_nothing, _set_table_properties),
        ("AWS::Events::EventBus", _check_nothing, _set_bus_policy),
    ):
        handler = provisioners._RESOURCE_HANDLERS[resource_type]
        handler["create"] = _with_properties(handler["create"], check, set_properties, position=1)
        handler["update"] = _with_properties(handler["update"], check, set_properties, position=2)
    bucket, table = (provisioners._RESOURCE_HANDLERS[name] for name in ("AWS::S3::Bucket", "AWS::DynamoDB::Table"))
    bucket["delete"] = _unless_refused(bucket["delete"], _refuse_full_bucket)
    table["delete"] = _unless_refused(table["delete"], _refuse_protected_table)


def _with_properties(
    original: Callable[..., tuple[str, Any]],
    check: Callable[[dict[str, Any]], None],
    set_properties: Callable[[str, dict[str, Any]], None],
    *,
    position: int,
) -> Callable[..., tuple[str, Any]]:
    """Wrap a create or update handler; ``position`` is the index of the properties among its arguments."""

    def handle(*arguments: Any) -> tuple[str, Any]:
        check(arguments[position])
        result = original(*arguments)
        set_properties(result[0], arguments[position])
        return result

    return handle


def _set_bus_policy(name: str, props: dict[str, Any]) -> None:
    if policy := props.get("Policy"):
        eventbridge._event_bus_policies[name] = json.loads(policy) if isinstance(policy, str) else policy
    else:
        eventbridge._event_bus_policies.pop(name, None)


def _unless_refused(original: Callable[..., None], refuse: Callable[[str], str]) -> Callable[..., None]:
    """Wrap a delete handler; ``refuse`` returns the reason why the resource stays, or an empty string."""

    def delete(physical_id: str, *rest: Any) -> None:
        if reason := refuse(physical_id):
            raise ValueError(reason)
        original(physical_id, *rest)

    return delete


def _check_nothing(_props: dict[str, Any]) -> None:
    return


def _check_role(props: dict[str, Any]) -> None:
    boundary = props.get("PermissionsBoundary")
    if boundary and iam._boundary_policy_error(boundary):
        raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable.")


def _set_role_properties(name: str, props: dict[str, Any]) -> None:
    iam._roles[name]["PermissionsBoundary"] = props.get("PermissionsBoundary")


def _set_bucket_properties(name: str, props: dict[str, Any]) -> None:
    if rules := (props.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration"):
        translated = [
            {
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                "BucketKeyEnabled": _bool(rule.get("BucketKeyEnabled", False)),
            }
            for rule in rules
        ]
        body = _xml("PutBucketEncryption", "ServerSideEncryptionConfiguration", {"Rules": translated})
        _require_success(s3._put_bucket_encryption(name, body))
    if lifecycle := props.get("LifecycleConfiguration"):
        rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        body = _xml("PutBucketLifecycleConfiguration", "LifecycleConfiguration", {"Rules": rules})
        _require_success(s3._put_bucket_lifecycle(name, body))
    if controls := props.get("OwnershipControls"):
        body = _xml("PutBucketOwnershipControls", "OwnershipControls", controls)
        _require_success(s3._put_bucket_ownership_controls(name, body))
    if _bool(props.get("ObjectLockEnabled", False)):
        s3._bucket_versioning[name] = "Enabled"
        lock = props.get("ObjectLockConfiguration") or {"ObjectLockEnabled": "Enabled"}
        if retention := (lock.get("Rule") or {}).get("DefaultRetention"):
            numbers = {unit: int(retention[unit]) for unit in ("Days", "Years") if unit in retention}
            lock = {**lock, "Rule": {"DefaultRetention": {**retention, **numbers}}}
        body = _xml("PutObjectLockConfiguration", "ObjectLockConfiguration", lock)
        _require_success(s3._put_object_lock_configuration(name, body))


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    known = {
        "Id",
        "Status",
        "Prefix",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
        "Transitions",
        "NoncurrentVersionTransitions",
    }
    if unknown := rule.keys() - known:
        raise ValueError(
            f"the embedded AWS does not support lifecycle rules with {', '.join(sorted(unknown))};"
            f" it supports {', '.join(sorted(known))}"
        )
    translated: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        translated["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        translated["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    elif _bool(rule.get("ExpiredObjectDeleteMarker", False)):
        translated["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            translated[name] = {key: int(value) for key, value in rule[name].items()}
    if "Transitions" in rule:
        translated["Transitions"] = [
            {"StorageClass": step["StorageClass"], "Days": int(step["TransitionInDays"])}
            for step in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        translated["NoncurrentVersionTransitions"] = [
            {"StorageClass": step["StorageClass"], "NoncurrentDays": int(step["TransitionInDays"])}
            for step in rule["NoncurrentVersionTransitions"]
        ]
    return translated


def _set_table_properties(name: str, props: dict[str, Any]) -> None:
    table = dynamodb._tables[name]
    encryption = props.get("SSESpecification") or {}
    if _bool(encryption.get("SSEEnabled", False)):
        table["SSEDescription"] = dynamodb._sse_description_from_spec({**encryption, "Enabled": True})
    if ttl := props.get("TimeToLiveSpecification"):
        enabled = _bool(ttl.get("Enabled", False))
        _require_success(
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": {**ttl, "Enabled": enabled}})
        )
    if recovery := props.get("PointInTimeRecoverySpecification"):
        enabled = _bool(recovery.get("PointInTimeRecoveryEnabled", False))
        specification = {"PointInTimeRecoveryEnabled": enabled}
        _require_success(
            dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": specification})
        )


def _refuse_full_bucket(name: str) -> str:
    bucket = s3._buckets.get(name)
    if bucket is not None and bucket["objects"]:
        return f"The bucket you tried to delete is not empty: {name}"
    return ""


def _refuse_protected_table(name: str) -> str:
    table = dynamodb._tables.get(name)
    if table is not None and _bool(table.get("DeletionProtectionEnabled", False)):
        return f"Resource cannot be deleted as it is currently protected against deletion: {name}"
    return ""


def _xml(operation: str, payload: str, value: dict[str, Any]) -> bytes:
    model = botocore.session.get_session().get_service_model("s3")
    request = create_serializer("rest-xml", include_validation=True).serialize_to_request(
        {"Bucket": "bucket", payload: value}, model.operation_model(operation)
    )
    return bytes(request["body"])


def _bool(value: Any) -> bool:
    """Return the value of a template's boolean, which may be ``true`` or ``"true"``."""
    return str(value).lower() == "true"


def _require_success(answer: tuple[int, Any, Any]) -> None:
    status, _headers, body = answer
    if status >= 400:
        text = body.decode() if isinstance(body, bytes) else str(body)
        raise ValueError(json.loads(text).get("message", text) if text.startswith("{") else text)
