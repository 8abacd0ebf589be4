"""Signs the digests of release records, and verifies the signatures with the key of the environment that trains.

The signature is ECDSA over P-256 of the SHA-256 of the record's canonical JSON. The private key never leaves KMS.
"""

import base64
import binascii
import hashlib

from botocore.exceptions import ClientError

from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.ledger import ConflictError
from pipelines.interface import keys
from pipelines.interface.codec import InvalidRecordError, read_json
from pipelines.interface.records import PinnedSigner, Signature

ALGORITHM = "ECDSA_SHA_256"


class SignatureInvalidError(RuntimeError):
    """The signature is not one of the record by the key of the environment that trained the model."""


class SigningKeyChangedError(RuntimeError):
    """The record is signed by another key than the environment's earlier records."""


def digest_of(record: str) -> str:
    """Return the SHA-256 of a record's canonical JSON in hexadecimal."""
    return hashlib.sha256(record.encode()).hexdigest()


def sign(services: Services, digest: str) -> Signature:
    """Sign a digest with the environment's own key."""
    answer = services.client("kms").sign(
        KeyId=services.environment.signing_key_alias,
        Message=bytes.fromhex(digest),
        MessageType="DIGEST",
        SigningAlgorithm=ALGORITHM,
    )
    return Signature(key_arn=answer["KeyId"], algorithm=ALGORITHM, value=base64.b64encode(answer["Signature"]).decode())


def verify(signer: Services, digest: str, document: str) -> str:
    """Verify the signature of a digest by the key of the environment ``signer``; return the key's ARN.

    Raises
    ------
    SignatureInvalidError
        The document is no signature of the digest by that key.
    """
    environment = signer.environment
    alias = environment.arn("kms", environment.signing_key_alias)
    try:
        signature = read_json(Signature, document, "the signature")
        value = base64.b64decode(signature.value, validate=True)
        answer = signer.client("kms").verify(
            KeyId=alias,
            Message=bytes.fromhex(digest),
            MessageType="DIGEST",
            Signature=value,
            SigningAlgorithm=ALGORITHM,
        )
    except (InvalidRecordError, binascii.Error) as error:
        raise SignatureInvalidError(f"the signature of {digest} cannot be read: {error}") from error
    except ClientError as error:
        if code_of(error) in ("KMSInvalidSignatureException", "ValidationException"):
            raise SignatureInvalidError(f"the signature of {digest} is not one by {alias}") from error
        raise
    key_arn = str(answer["KeyId"])
    if not answer["SignatureValid"] or signature.key_arn != key_arn:
        raise SignatureInvalidError(f"{digest} is signed by {signature.key_arn}, {alias} is {key_arn}")
    return key_arn


def require_pinned(services: Services, signer: str, key_arn: str) -> None:
    """Raise ``SigningKeyChangedError`` if an earlier record of the environment ``signer`` had another key."""
    pinned = services.ledger.get(keys.pinned_signer(signer))
    if pinned and pinned.key_arn != key_arn:
        raise SigningKeyChangedError(
            f"records of {signer} were signed by {pinned.key_arn}, this one by {key_arn}: if its key was replaced on "
            f"purpose, delete the item signers, {signer} from the table {services.environment.ledger_table}"
        )


def pin(services: Services, signer: str, key_arn: str) -> None:
    """Pin the key of the environment ``signer`` with its first record."""
    try:
        services.ledger.create(keys.pinned_signer(signer), PinnedSigner(key_arn=key_arn))
    except ConflictError:
        require_pinned(services, signer, key_arn)
