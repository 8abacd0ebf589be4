"""Properties of AWS::IAM::Role, AWS::S3::Bucket and AWS::DynamoDB::Table that MiniStack's stacks drop in silence.

Among them the permissions boundary, encryption, lifecycle, Object Lock, time to live and recovery: a template would
deploy green without them. A bucket with objects and a protected table cannot be deleted, as on AWS.
"""

import json
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.serialize import create_serializer
from ministack.services import dynamodb, iam, s3
from ministack.services.cloudformation import provisioners


def register() -> None:
    """Mend the three types."""
    for resource_type, check, settle in (
        ("AWS::IAM::Role", _check_role, _settle_role),
        ("AWS::S3::Bucket", _check_nothing, _settle_bucket),
        ("AWS::DynamoDB::Table", _check_nothing, _settle_table),
    ):
        handler = provisioners._RESOURCE_HANDLERS[resource_type]
        handler["create"] = _then(handler["create"], check, settle, position=1)
        handler["update"] = _then(handler["update"], check, settle, position=2)
    bucket, table = (provisioners._RESOURCE_HANDLERS[name] for name in ("AWS::S3::Bucket", "AWS::DynamoDB::Table"))
    bucket["delete"] = _unless(bucket["delete"], _bucket_is_full)
    table["delete"] = _unless(table["delete"], _table_is_protected)


def _then(
    original: Callable[..., tuple[str, Any]],
    check: Callable[[dict[str, Any]], None],
    settle: Callable[[str, dict[str, Any]], None],
    *,
    position: int,
) -> Callable[..., tuple[str, Any]]:
    def handle(*arguments: Any) -> tuple[str, Any]:
        check(arguments[position])
        made = original(*arguments)
        settle(made[0], arguments[position])
        return made

    return handle


def _unless(original: Callable[..., None], obstacle: Callable[[str], str]) -> Callable[..., None]:
    def delete(physical_id: str, *rest: Any) -> None:
        if why := obstacle(physical_id):
            raise ValueError(why)
        original(physical_id, *rest)

    return delete


def _check_nothing(_props: dict[str, Any]) -> None:
    return


def _check_role(props: dict[str, Any]) -> None:
    boundary = props.get("PermissionsBoundary")
    if boundary and iam._boundary_policy_error(boundary):
        raise ValueError(f"Scope ARN: {boundary} does not exist or is not attachable.")


def _settle_role(name: str, props: dict[str, Any]) -> None:
    iam._roles[name]["PermissionsBoundary"] = props.get("PermissionsBoundary")


def _settle_bucket(name: str, props: dict[str, Any]) -> None:
    if rules := (props.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration"):
        translated = [
            {
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                "BucketKeyEnabled": _bool(rule.get("BucketKeyEnabled", False)),
            }
            for rule in rules
        ]
        body = _xml("PutBucketEncryption", "ServerSideEncryptionConfiguration", {"Rules": translated})
        _done(s3._put_bucket_encryption(name, body))
    if lifecycle := props.get("LifecycleConfiguration"):
        rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        body = _xml("PutBucketLifecycleConfiguration", "LifecycleConfiguration", {"Rules": rules})
        _done(s3._put_bucket_lifecycle(name, body))
    if controls := props.get("OwnershipControls"):
        body = _xml("PutBucketOwnershipControls", "OwnershipControls", controls)
        _done(s3._put_bucket_ownership_controls(name, body))
    if _bool(props.get("ObjectLockEnabled", False)):
        s3._bucket_versioning[name] = "Enabled"
        lock = props.get("ObjectLockConfiguration") or {"ObjectLockEnabled": "Enabled"}
        if retention := (lock.get("Rule") or {}).get("DefaultRetention"):
            numbers = {unit: int(retention[unit]) for unit in ("Days", "Years") if unit in retention}
            lock = {**lock, "Rule": {"DefaultRetention": {**retention, **numbers}}}
        body = _xml("PutObjectLockConfiguration", "ObjectLockConfiguration", lock)
        _done(s3._put_object_lock_configuration(name, body))


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
        raise ValueError(f"Lifecycle rules are not supported here with {', '.join(sorted(unknown))}")
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    elif _bool(rule.get("ExpiredObjectDeleteMarker", False)):
        made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            made[name] = {key: int(value) for key, value in rule[name].items()}
    if "Transitions" in rule:
        made["Transitions"] = [
            {"StorageClass": step["StorageClass"], "Days": int(step["TransitionInDays"])}
            for step in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        made["NoncurrentVersionTransitions"] = [
            {"StorageClass": step["StorageClass"], "NoncurrentDays": int(step["TransitionInDays"])}
            for step in rule["NoncurrentVersionTransitions"]
        ]
    return made


def _settle_table(name: str, props: dict[str, Any]) -> None:
    table = dynamodb._tables[name]
    encryption = props.get("SSESpecification") or {}
    if _bool(encryption.get("SSEEnabled", False)):
        table["SSEDescription"] = dynamodb._sse_description_from_spec({**encryption, "Enabled": True})
    if ttl := props.get("TimeToLiveSpecification"):
        enabled = _bool(ttl.get("Enabled", False))
        _done(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": {**ttl, "Enabled": enabled}}))
    if recovery := props.get("PointInTimeRecoverySpecification"):
        enabled = _bool(recovery.get("PointInTimeRecoveryEnabled", False))
        specification = {"PointInTimeRecoveryEnabled": enabled}
        _done(
            dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": specification})
        )


def _bucket_is_full(name: str) -> str:
    bucket = s3._buckets.get(name)
    if bucket is not None and bucket["objects"]:
        return f"The bucket you tried to delete is not empty: {name}"
    return ""


def _table_is_protected(name: str) -> str:
    table = dynamodb._tables.get(name)
    if table is not None and _bool(table.get("DeletionProtectionEnabled", False)):
        return f"Resource cannot be deleted as it is currently protected against deletion: {name}"
    return ""


def _xml(operation: str, payload: str, value: dict[str, Any]) -> bytes:
    model = botocore.session.get_session().get_service_model("s3")
    made = create_serializer("rest-xml", include_validation=True).serialize_to_request(
        {"Bucket": "bucket", payload: value}, model.operation_model(operation)
    )
    return bytes(made["body"])


def _bool(value: Any) -> bool:
    """A template may say ``true`` or ``"true"``."""
    return str(value).lower() == "true"


def _done(answer: tuple[int, Any, Any]) -> None:
    status, _headers, body = answer
    if status >= 400:
        text = body.decode() if isinstance(body, bytes) else str(body)
        raise ValueError(json.loads(text).get("message", text) if text.startswith("{") else text)
