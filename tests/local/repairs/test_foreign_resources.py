"""Buckets and keys of another account: the resource's policy and the caller's must both allow a request."""

import hashlib
import json
import ssl
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import REGION, EmbeddedAws

OWNER, OTHER, THIRD = "222222222222", "111111111111", "333333333333"


def role(aws: EmbeddedAws, *statements: dict[str, Any]) -> str:
    return aws.create_role(f"r{uuid4().hex[:10]}", list(statements), account=OTHER)


def root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def allow(actions: str | list[str], *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **more}


# -- S3 --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(embedded_aws: EmbeddedAws) -> str:
    """Return a bucket of the owner with the objects runs/a and secret/b."""
    name, s3 = f"b{uuid4().hex[:12]}", embedded_aws.client("s3", OWNER)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("runs/a", "secret/b"):
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def admit(aws: EmbeddedAws, bucket: str, *statements: dict[str, Any]) -> None:
    aws.client("s3", OWNER).put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": list(statements)}))


def test_foreign_role_reads_what_the_bucket_admits_it_to(embedded_aws: EmbeddedAws, bucket: str) -> None:
    everything = f"arn:aws:s3:::{bucket}/*"
    reader, stranger = (role(embedded_aws, allow("s3:*", everything, f"arn:aws:s3:::{bucket}")) for _ in range(2))
    admit(embedded_aws, bucket, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/runs/*", Principal={"AWS": reader}))
    s3 = embedded_aws.client("s3", OTHER, role=reader)
    assert s3.get_object(Bucket=bucket, Key="runs/a", ExpectedBucketOwner=OWNER)["Body"].read() == b"runs/a"
    assert s3.head_object(Bucket=bucket, Key="runs/a")["ContentLength"] == 6
    calls: tuple[Callable[[], Any], ...] = (
        lambda: s3.get_object(Bucket=bucket, Key="secret/b"),
        lambda: s3.put_object(Bucket=bucket, Key="runs/a", Body=b"x"),
        lambda: s3.delete_object(Bucket=bucket, Key="runs/a"),
        lambda: s3.list_objects_v2(Bucket=bucket),
        lambda: embedded_aws.client("s3", OTHER, role=stranger).get_object(Bucket=bucket, Key="runs/a"),
    )
    for call in calls:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_foreign_role_is_denied_what_its_own_policy_does_not_allow(embedded_aws: EmbeddedAws, bucket: str) -> None:
    reader = role(embedded_aws, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/secret/*"))
    admit(embedded_aws, bucket, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": reader}))
    s3 = embedded_aws.client("s3", OTHER, role=reader)
    assert s3.get_object(Bucket=bucket, Key="secret/b")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key="runs/a")


def test_account_is_admitted_by_condition_on_the_role(embedded_aws: EmbeddedAws, bucket: str) -> None:
    """This is the form for a role that may not exist yet."""
    reader, stranger = (role(embedded_aws, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")) for _ in range(2))
    statement = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/runs/*", Principal={"AWS": root(OTHER)})
    admit(embedded_aws, bucket, {**statement, "Condition": {"ArnEquals": {"aws:PrincipalArn": reader}}})
    assert embedded_aws.client("s3", OTHER, role=reader).get_object(Bucket=bucket, Key="runs/a")
    with pytest.raises(ClientError, match="AccessDenied"):
        embedded_aws.client("s3", OTHER, role=stranger).get_object(Bucket=bucket, Key="runs/a")


def test_explicit_deny_of_the_bucket_wins(embedded_aws: EmbeddedAws, bucket: str) -> None:
    reader = role(embedded_aws, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    statement = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": reader})
    deny = {**statement, "Effect": "Deny", "Resource": f"arn:aws:s3:::{bucket}/secret/*"}
    admit(embedded_aws, bucket, statement, deny)
    s3 = embedded_aws.client("s3", OTHER, role=reader)
    assert s3.get_object(Bucket=bucket, Key="runs/a")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key="secret/b")


def test_deny_of_a_role_wins_over_the_allow_of_its_account(embedded_aws: EmbeddedAws, bucket: str) -> None:
    everything = f"arn:aws:s3:::{bucket}/*"
    reader, barred = (role(embedded_aws, allow("s3:GetObject", everything)) for _ in range(2))
    for condition in ({}, {"Condition": {"ArnEquals": {"aws:PrincipalArn": barred}}}):
        deny = {**allow("s3:GetObject", everything, Principal={"AWS": "*" if condition else barred}), "Effect": "Deny"}
        admit(embedded_aws, bucket, allow("s3:GetObject", everything, Principal={"AWS": root(OTHER)}), deny | condition)
        assert embedded_aws.client("s3", OTHER, role=reader).get_object(Bucket=bucket, Key="runs/a")
        with pytest.raises(ClientError, match="AccessDenied"):
            embedded_aws.client("s3", OTHER, role=barred).get_object(Bucket=bucket, Key="runs/a")


@pytest.mark.parametrize("principal", ["role", "session", "account id", "root"])
def test_each_form_of_principal_admits_the_session_of_the_role(
    embedded_aws: EmbeddedAws, bucket: str, principal: str
) -> None:
    reader = role(embedded_aws, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    session = f"arn:aws:sts::{OTHER}:assumed-role/{reader.rpartition('/')[2]}/test"
    form = {"role": reader, "session": session, "account id": OTHER, "root": root(OTHER)}[principal]
    third = {"role": f"{reader}x", "session": f"{session}x", "account id": THIRD, "root": root(THIRD)}[principal]
    s3 = embedded_aws.client("s3", OTHER, role=reader)
    admit(embedded_aws, bucket, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": third}))
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key="runs/a")
    admit(embedded_aws, bucket, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": form}))
    assert s3.get_object(Bucket=bucket, Key="runs/a")


@pytest.mark.parametrize(
    ("operator", "key", "value", "other"),
    [
        ("StringEquals", "aws:PrincipalAccount", OTHER, THIRD),
        ("StringEquals", "aws:RequestedRegion", REGION, "us-east-1"),
        ("StringEquals", "s3:prefix", "runs/", "secret/"),
        ("Bool", "aws:SecureTransport", "true", "false"),
    ],
)
def test_condition_of_the_bucket_is_evaluated_for_the_request(
    embedded_aws: EmbeddedAws, bucket: str, operator: str, key: str, value: str, other: str
) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    reader = role(embedded_aws, allow("s3:ListBucket", arn))
    statement = allow("s3:ListBucket", arn, Principal={"AWS": reader})
    s3 = embedded_aws.client("s3", OTHER, role=reader)
    admit(embedded_aws, bucket, {**statement, "Condition": {operator: {key: other}}})
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=bucket, Prefix="runs/")
    admit(embedded_aws, bucket, {**statement, "Condition": {operator: {key: value}}})
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="runs/")["Contents"]] == ["runs/a"]


@pytest.mark.parametrize("key", ["aws:SourceAccount", "aws:PrincipalOrgID"])
def test_condition_on_a_key_that_the_request_lacks_admits_nobody(
    embedded_aws: EmbeddedAws, bucket: str, key: str
) -> None:
    """A role is no service, and no account is in an organization."""
    reader = role(embedded_aws, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    statement = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": reader})
    admit(embedded_aws, bucket, {**statement, "Condition": {"StringEquals": {key: OTHER}}})
    with pytest.raises(ClientError, match="AccessDenied"):
        embedded_aws.client("s3", OTHER, role=reader).get_object(Bucket=bucket, Key="runs/a")


def test_bucket_that_restricts_public_policies_admits_no_other_account_by_one(
    embedded_aws: EmbeddedAws, bucket: str
) -> None:
    owner, arn = embedded_aws.client("s3", OWNER), f"arn:aws:s3:::{bucket}/*"
    owner.delete_public_access_block(Bucket=bucket)
    admit(embedded_aws, bucket, allow("s3:GetObject", arn, Principal="*"))
    s3 = embedded_aws.client("s3", OTHER, role=role(embedded_aws, allow("s3:GetObject", arn)))
    assert s3.get_object(Bucket=bucket, Key="runs/a")
    owner.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True, "BlockPublicPolicy": False}
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key="runs/a")


def test_objects_of_one_delete_request_are_each_checked(embedded_aws: EmbeddedAws, bucket: str) -> None:
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    caller = role(embedded_aws, allow("s3:*", *arns))
    statement = allow("s3:*", *arns, Principal={"AWS": caller})
    deny = {**statement, "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/secret/*"}
    admit(embedded_aws, bucket, statement, deny)
    s3, owner = embedded_aws.client("s3", OTHER, role=caller), embedded_aws.client("s3", OWNER)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "runs/a"}, {"Key": "secret/b"}]})
    assert owner.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "runs/a"}]})
    assert [found["Key"] for found in owner.list_objects_v2(Bucket=bucket)["Contents"]] == ["secret/b"]


def test_presigned_address_reads_as_the_role_that_signed_it(embedded_aws: EmbeddedAws, bucket: str) -> None:
    reader = role(embedded_aws, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    admit(embedded_aws, bucket, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/runs/*", Principal={"AWS": reader}))
    s3 = embedded_aws.client("s3", OTHER, role=reader)

    def read(key: str) -> tuple[int, bytes]:
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        trust = ssl.create_default_context(cafile=embedded_aws.variables()["AWS_CA_BUNDLE"])
        try:
            with urlopen(url, context=trust) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, b""

    assert read("runs/a") == (200, b"runs/a")
    assert read("secret/b") == (403, b"")


def test_foreign_role_writes_objects_that_the_bucket_owns(embedded_aws: EmbeddedAws, bucket: str) -> None:
    owner, arn = embedded_aws.client("s3", OWNER), f"arn:aws:s3:::{bucket}/*"
    rule = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    owner.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rule)
    writer = role(embedded_aws, allow(["s3:PutObject", "s3:GetObject"], arn))
    admit(embedded_aws, bucket, allow("s3:PutObject", arn, Principal={"AWS": writer}))
    s3 = embedded_aws.client("s3", OTHER, role=writer)
    s3.put_object(Bucket=bucket, Key="runs/new", Body=b"new")
    assert owner.get_object(Bucket=bucket, Key="runs/new")["Body"].read() == b"new"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key="runs/new")


def test_copy_from_a_foreign_bucket_needs_its_policy_and_the_callers(embedded_aws: EmbeddedAws, bucket: str) -> None:
    target = f"t{uuid4().hex[:12]}"
    embedded_aws.client("s3", OTHER).create_bucket(
        Bucket=target, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    writes = allow(["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::{target}/*")
    reads = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    copier, writer = role(embedded_aws, writes, reads), role(embedded_aws, writes)

    def copy(by: str, key: str) -> Any:
        s3 = embedded_aws.client("s3", OTHER, role=by)
        return s3.copy_object(Bucket=target, Key="copy", CopySource={"Bucket": bucket, "Key": key})

    with pytest.raises(ClientError, match="AccessDenied"):
        copy(copier, "runs/a")
    admitted = [
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/runs/*", Principal={"AWS": by}) for by in (copier, writer)
    ]
    admit(embedded_aws, bucket, *admitted)
    copy(copier, "runs/a")
    reading = embedded_aws.client("s3", OTHER)
    assert bucket not in [each["Name"] for each in reading.list_buckets()["Buckets"]]
    copied = embedded_aws.client("s3", OTHER, role=copier).get_object(Bucket=target, Key="copy")
    assert copied["Body"].read() == b"runs/a"
    for by, key in ((copier, "secret/b"), (writer, "runs/a")):
        with pytest.raises(ClientError, match="AccessDenied"):
            copy(by, key)


def test_version_and_part_are_copied_from_a_foreign_bucket(embedded_aws: EmbeddedAws, bucket: str) -> None:
    owner, target = embedded_aws.client("s3", OWNER), f"t{uuid4().hex[:12]}"
    owner.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = owner.put_object(Bucket=bucket, Key="runs/a", Body=b"first")["VersionId"]
    owner.put_object(Bucket=bucket, Key="runs/a", Body=b"second")
    embedded_aws.client("s3", OTHER).create_bucket(
        Bucket=target, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    reads = allow(["s3:GetObject", "s3:GetObjectVersion"], f"arn:aws:s3:::{bucket}/*")
    copier = role(embedded_aws, reads, allow("s3:*", f"arn:aws:s3:::{target}/*"))
    admitted = allow(["s3:GetObject", "s3:GetObjectVersion"], f"arn:aws:s3:::{bucket}/*", Principal={"AWS": copier})
    admit(embedded_aws, bucket, admitted)
    s3 = embedded_aws.client("s3", OTHER, role=copier)
    s3.copy_object(Bucket=target, Key="v", CopySource={"Bucket": bucket, "Key": "runs/a", "VersionId": first})
    assert s3.get_object(Bucket=target, Key="v")["Body"].read() == b"first"
    upload = {"Bucket": target, "Key": "p", "UploadId": s3.create_multipart_upload(Bucket=target, Key="p")["UploadId"]}
    part = s3.upload_part_copy(PartNumber=1, CopySource={"Bucket": bucket, "Key": "runs/a"}, **upload)
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **upload)
    assert s3.get_object(Bucket=target, Key="p")["Body"].read() == b"second"


# -- KMS -------------------------------------------------------------------------------------------------------------


def own_account() -> dict[str, Any]:
    return allow("kms:*", "*", Principal={"AWS": f"arn:aws:iam::{OWNER}:root"})


def make_key(aws: EmbeddedAws, *admitted: dict[str, Any], **kind: str) -> tuple[str, str]:
    """Return the ARNs of a new key of the owner and of its alias."""
    kms, alias = aws.client("kms", OWNER), f"alias/k{uuid4().hex[:10]}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own_account(), *admitted]})
    key = kms.create_key(Policy=policy, **kind)["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    return key["Arn"], f"arn:aws:kms:{REGION}:{OWNER}:{alias}"


def test_foreign_role_decrypts_with_a_key_that_admits_it(embedded_aws: EmbeddedAws) -> None:
    anything = allow("kms:*", f"arn:aws:kms:{REGION}:{OWNER}:key/*")
    reader, stranger, powerless = role(embedded_aws, anything), role(embedded_aws, anything), role(embedded_aws)
    admitted = allow("kms:Decrypt", "*", Principal={"AWS": [reader, powerless]})
    key, alias = make_key(embedded_aws, admitted)
    sealed = embedded_aws.client("kms", OWNER).encrypt(KeyId=key, Plaintext=b"data")["CiphertextBlob"]
    kms = embedded_aws.client("kms", OTHER, role=reader)
    for name in (key, alias):
        opened = kms.decrypt(KeyId=name, CiphertextBlob=sealed)
        assert (opened["Plaintext"], opened["KeyId"]) == (b"data", key)
        with pytest.raises(ClientError, match="AccessDenied"):
            kms.encrypt(KeyId=name, Plaintext=b"data")
        for other in (stranger, powerless):
            with pytest.raises(ClientError, match="AccessDenied"):
                embedded_aws.client("kms", OTHER, role=other).decrypt(KeyId=name, CiphertextBlob=sealed)


def test_foreign_role_verifies_a_signature_and_cannot_sign(embedded_aws: EmbeddedAws) -> None:
    verifier = role(embedded_aws, allow(["kms:Verify", "kms:Sign"], f"arn:aws:kms:{REGION}:{OWNER}:key/*"))
    admitted = allow(["kms:Verify", "kms:GetPublicKey"], "*", Principal={"AWS": verifier})
    key, alias = make_key(embedded_aws, admitted, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    digest = hashlib.sha256(b"record").digest()
    how: dict[str, Any] = {"MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = embedded_aws.client("kms", OWNER).sign(KeyId=alias, Message=digest, **how)["Signature"]
    kms = embedded_aws.client("kms", OTHER, role=verifier)
    answer = kms.verify(KeyId=alias, Message=digest, Signature=signature, **how)
    assert (answer["SignatureValid"], answer["KeyId"]) == (True, key)
    other = hashlib.sha256(b"another record").digest()
    with pytest.raises(ClientError, match="KMSInvalidSignature"):
        kms.verify(KeyId=alias, Message=other, Signature=signature, **how)
    with pytest.raises(ClientError, match="AccessDenied"):
        kms.sign(KeyId=key, Message=digest, **how)


def test_alias_is_evaluated_as_its_key(embedded_aws: EmbeddedAws) -> None:
    key, alias = make_key(embedded_aws)
    user = embedded_aws.create_role(f"r{uuid4().hex[:10]}", [allow("kms:Encrypt", key)], account=OWNER)
    other, _ = make_key(embedded_aws)
    kms = embedded_aws.client("kms", OWNER, role=user)
    for name in (key, alias, alias.rpartition(":")[2]):
        assert kms.encrypt(KeyId=name, Plaintext=b"data")["KeyId"] == key
    with pytest.raises(ClientError, match="AccessDenied"):
        kms.encrypt(KeyId=other, Plaintext=b"data")


def test_policy_of_a_foreign_key_is_not_changed_from_outside(embedded_aws: EmbeddedAws) -> None:
    caller = role(embedded_aws, allow("kms:*", "*"))
    key, _ = make_key(embedded_aws, allow("kms:*", "*", Principal={"AWS": caller}))
    kms = embedded_aws.client("kms", OTHER, role=caller)
    with pytest.raises(ClientError, match="NotFound"):
        kms.put_key_policy(KeyId=key, Policy="{}")
    with pytest.raises(ClientError, match="NotFound"):
        kms.schedule_key_deletion(KeyId=key)
