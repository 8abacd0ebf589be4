"""Repair KMS: a key of another account is found by its ARN or by the ARN of its alias.

MiniStack finds the keys of the caller's account only. As on AWS, only the operations of ``SHARED`` work across
accounts, in the key's region, and both the key's policy and the caller's must allow them. IAM evaluates the key's ARN,
also for a request that names an alias.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region, request_scope
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


def apply() -> None:
    """Repair the operations, and the look-up of key policies."""
    for name in SHARED:
        replace(kms, name, _with_foreign_keys)
    replace(kms, "key_policy_for_arn", _of_owner)


def key_arn(reference: str) -> str | None:
    """Return the ARN of the key that an id, an alias or an ARN of either names, in any account; None if absent."""
    with _owners_scope(reference):
        key = kms._resolve_key(reference)
        return str(key["Arn"]) if key else None


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


def _of_owner(original: Callable[[str], Any]) -> Callable[[str], Any]:
    def key_policy_for_arn(arn: str) -> Any:
        with _owners_scope(arn):
            return original(arn)

    return key_policy_for_arn
