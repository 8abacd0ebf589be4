"""Repair KMS: a key of another account is found by its ARN or by the ARN of its alias.

MiniStack finds the keys of the caller's account only. As on AWS, only the operations of ``SHARED`` work across
accounts, in the key's region, and both the key's policy and the caller's must allow them. IAM evaluates the key's ARN,
also for a request that names an alias. A key of another usage is refused with ``InvalidKeyUsageException``; MiniStack
refuses some with another error.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import error_response_json, get_account_id, get_region, request_scope
from ministack.services import kms

from mooring.embedded.repairs.patching import replace

SHARED = (
    "_decrypt",
    "_describe_key",
    "_encrypt",
    "_generate_data_key",
    "_generate_data_key_pair",
    "_generate_data_key_pair_without_plaintext",
    "_generate_data_key_without_plaintext",
    "_generate_mac",
    "_get_public_key",
    "_sign",
    "_verify",
    "_verify_mac",
)
"""MiniStack's functions of the operations that AWS allows on a key of another account."""

_USAGES = {
    "_decrypt": "ENCRYPT_DECRYPT",
    "_encrypt": "ENCRYPT_DECRYPT",
    "_generate_data_key": "ENCRYPT_DECRYPT",
    "_generate_data_key_without_plaintext": "ENCRYPT_DECRYPT",
    "_sign": "SIGN_VERIFY",
    "_verify": "SIGN_VERIFY",
}
"""Usage that a key must have for an operation."""


def apply() -> None:
    """Repair the operations, and the look-up of key policies."""
    for name, usage in _USAGES.items():
        replace(kms, name, partial(_for_usage, usage, name))
    for name in SHARED:
        replace(kms, name, _with_foreign_keys)
    replace(kms, "key_policy_for_arn", _of_owner)


def key_arn(reference: str) -> str | None:
    """Return the ARN of the key that an id, an alias or an ARN of either names, in any account; None if absent."""
    with _owners_scope(reference):
        key = kms._resolve_key(reference)
        return str(key["Arn"]) if key else None


def conditions(data: dict[str, Any]) -> dict[str, Any]:
    """Return the condition keys of a request that uses a key."""
    found = {f"kms:{name}": str(data[name]) for name in ("MessageType", "SigningAlgorithm") if data.get(name)}
    context = data.get("EncryptionContext") or {}
    found |= {f"kms:EncryptionContext:{name}": str(value) for name, value in context.items()}
    reference = str(data.get("KeyId") or "")
    with _owners_scope(reference):
        key = kms._resolve_key(reference)
        aliases = [arn for arn, target in kms._aliases.items() if key and target == key["KeyId"]]
    if aliases:
        return {**found, "kms:ResourceAliases": [arn.split(":", 5)[5] for arn in aliases]}
    return found


def _owners_scope(reference: str) -> AbstractContextManager[Any]:
    try:
        spec = parse_arn(reference)
    except ArnParseError:
        return nullcontext()
    if spec.service != "kms" or spec.region != get_region() or spec.account_id == get_account_id():
        return nullcontext()
    scope: AbstractContextManager[Any] = request_scope(spec.account_id, spec.region)
    return scope


def _with_foreign_keys(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def operate(data: dict[str, Any]) -> Any:
        with _owners_scope(str(data.get("KeyId") or "")):
            return original(data)

    return operate


def _for_usage(usage: str, name: str, original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    operation = "".join(word.capitalize() for word in name.split("_"))

    def operate(data: dict[str, Any]) -> Any:
        key = kms._resolve_key(str(data.get("KeyId") or ""))
        if key and key["KeyState"] == "Enabled" and key["KeyUsage"] != usage:
            message = f"{key['Arn']} key usage is {key['KeyUsage']} which is not valid for {operation}."
            return error_response_json("InvalidKeyUsageException", message, 400)
        return original(data)

    return operate


def _of_owner(original: Callable[[str], Any]) -> Callable[[str], Any]:
    def key_policy_for_arn(arn: str) -> Any:
        with _owners_scope(arn):
            return original(arn)

    return key_policy_for_arn
