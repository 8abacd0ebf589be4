"""Keys: the conditions of their policies, and their answers to requests that they do not serve."""

import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import REGION, EmbeddedAws

OWNER, OTHER = "222222222222", "111111111111"
SIGN = {"MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
DIGEST = bytes(32)


def root(account: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account}:root"}


def make_key(aws: EmbeddedAws, *statements: dict[str, Any], **kind: str) -> str:
    """Return the ARN of a key of the owner, whose policy delegates to the owner's policies, with one alias."""
    kms = aws.client("kms", OWNER)
    own = {"Effect": "Allow", "Principal": root(OWNER), "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own, *statements]})
    key = kms.create_key(Policy=policy, **kind)["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/mooring/{key['KeyId']}", TargetKeyId=key["KeyId"])
    return str(key["Arn"])


def user(aws: EmbeddedAws, account: str, *actions: str, resource: str = "*") -> Any:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    role = aws.create_role(f"r{uuid4().hex[:10]}", [statement] if actions else [], account=account)
    return aws.client("kms", account, role=role)


@pytest.mark.parametrize(
    ("key", "value", "other"),
    [
        ("kms:SigningAlgorithm", "ECDSA_SHA_256", "ECDSA_SHA_384"),
        ("kms:MessageType", "DIGEST", "RAW"),
        ("aws:PrincipalAccount", OTHER, OWNER),
    ],
)
def test_condition_of_a_foreign_signing_key_holds_for_the_request(
    embedded_aws: EmbeddedAws, key: str, value: str, other: str
) -> None:
    caller = user(embedded_aws, OTHER, "kms:Sign")
    kind = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
    statement = {"Effect": "Allow", "Principal": root(OTHER), "Action": "kms:Sign", "Resource": "*"}
    admits, refuses = (
        make_key(embedded_aws, {**statement, "Condition": {"StringEquals": {key: wanted}}}, **kind)
        for wanted in (value, other)
    )
    assert caller.sign(KeyId=admits, Message=DIGEST, **SIGN)["KeyId"] == admits
    with pytest.raises(ClientError, match="AccessDenied"):
        caller.sign(KeyId=refuses, Message=DIGEST, **SIGN)


def test_condition_on_the_encryption_context_holds_for_the_request(embedded_aws: EmbeddedAws) -> None:
    condition = {"StringEquals": {"kms:EncryptionContext:team": "credit"}}
    statement = {"Effect": "Allow", "Principal": root(OTHER), "Action": "kms:Encrypt", "Resource": "*"}
    key = make_key(embedded_aws, {**statement, "Condition": condition})
    caller = user(embedded_aws, OTHER, "kms:Encrypt")
    assert caller.encrypt(KeyId=key, Plaintext=b"data", EncryptionContext={"team": "credit"})["KeyId"] == key
    for context in ({"team": "arrivals"}, {}):
        with pytest.raises(ClientError, match="AccessDenied"):
            caller.encrypt(KeyId=key, Plaintext=b"data", EncryptionContext=context)


def test_alias_of_a_foreign_key_is_a_condition_of_the_callers_policy(embedded_aws: EmbeddedAws) -> None:
    statement = {"Effect": "Allow", "Principal": root(OTHER), "Action": "kms:Encrypt", "Resource": "*"}
    key, other = make_key(embedded_aws, statement), make_key(embedded_aws, statement)
    condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/mooring/{key.rpartition('/')[2]}"}}
    allowed = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition}
    role = embedded_aws.create_role(f"r{uuid4().hex[:10]}", [allowed], account=OTHER)
    caller = embedded_aws.client("kms", OTHER, role=role)
    assert caller.encrypt(KeyId=key, Plaintext=b"data")["KeyId"] == key
    with pytest.raises(ClientError, match="AccessDenied"):
        caller.encrypt(KeyId=other, Plaintext=b"data")


def test_policy_without_the_owners_root_leaves_the_owners_own_roles_out(embedded_aws: EmbeddedAws) -> None:
    named = embedded_aws.create_role(f"r{uuid4().hex[:10]}", [], account=OWNER)
    statement = {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "kms:Encrypt", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kms = embedded_aws.client("kms", OWNER)
    key = kms.create_key(Policy=policy, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    assert embedded_aws.client("kms", OWNER, role=named).encrypt(KeyId=key, Plaintext=b"data")
    with pytest.raises(ClientError, match="AccessDenied"):
        user(embedded_aws, OWNER, "kms:*").encrypt(KeyId=key, Plaintext=b"data")


def test_key_of_another_usage_is_refused(embedded_aws: EmbeddedAws) -> None:
    kms = embedded_aws.client("kms", OWNER)
    signing = make_key(embedded_aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    sealing = make_key(embedded_aws)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: kms.encrypt(KeyId=signing, Plaintext=b"data"),
        lambda: kms.generate_data_key(KeyId=signing, KeySpec="AES_256"),
        lambda: kms.sign(KeyId=sealing, Message=DIGEST, **SIGN),
        lambda: kms.verify(KeyId=sealing, Message=DIGEST, Signature=b"s", **SIGN),
    )
    for call in calls:
        with pytest.raises(ClientError, match="InvalidKeyUsageException"):
            call()
    with pytest.raises(ClientError, match="InvalidKeyUsageException"):
        kms.sign(KeyId=signing, Message=bytes(48), MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_384")


def test_signature_of_a_message_is_verified_by_its_digest_until_the_key_is_disabled(embedded_aws: EmbeddedAws) -> None:
    kms = embedded_aws.client("kms", OWNER)
    key = make_key(embedded_aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    raw = {**SIGN, "MessageType": "RAW"}
    signature = kms.sign(KeyId=key, Message=b"record", **raw)["Signature"]
    digest = hashlib.sha256(b"record").digest()
    assert kms.verify(KeyId=key, Message=digest, Signature=signature, **SIGN)["SignatureValid"] is True
    for message, how in ((b"record!", raw), (DIGEST, SIGN)):
        with pytest.raises(ClientError, match="KMSInvalidSignatureException"):
            kms.verify(KeyId=key, Message=message, Signature=signature, **how)
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.sign(KeyId=key, Message=digest, **SIGN)
    absent = f"arn:aws:kms:{REGION}:{OWNER}:key/{uuid4()}"
    with pytest.raises(ClientError, match="NotFoundException"):
        kms.verify(KeyId=absent, Message=digest, Signature=signature, **SIGN)


def test_stack_makes_a_signing_key_and_its_alias(embedded_aws: EmbeddedAws) -> None:
    name, cloudformation = f"k{uuid4().hex[:10]}", embedded_aws.client("cloudformation", OWNER)
    statement = {"Effect": "Allow", "Principal": root(OWNER), "Action": "kms:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    key = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "KeyPolicy": policy}
    alias = {"AliasName": f"alias/mooring/{name}", "TargetKeyId": {"Ref": "Key"}}
    resources = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": key},
        "Alias": {"Type": "AWS::KMS::Alias", "Properties": alias},
    }
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    public = embedded_aws.client("kms", OWNER).get_public_key(KeyId=f"alias/mooring/{name}")
    assert (public["KeySpec"], public["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert public["SigningAlgorithms"] == ["ECDSA_SHA_256"]
