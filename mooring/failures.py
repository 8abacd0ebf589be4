"""Turns errors of AWS and of the machine into the error that the command line shows, with a remedy.

The command line explains here the errors that a command did not; no other module translates errors of botocore.
"""

import os

from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

from mooring.errors import MooringError

TAKE_CREDENTIALS = (
    'use credentials of the environment\'s account; of the embedded AWS: eval "$(mooring env ENVIRONMENT)"'
)
UNREACHED = (
    aws.EndpointConnectionError,
    aws.ConnectTimeoutError,
    aws.ReadTimeoutError,
    aws.ConnectionClosedError,
    aws.ProxyConnectionError,
)
NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.ProfileNotFound,
    aws.SSOTokenLoadError,
    aws.UnauthorizedSSOTokenError,
    aws.NoRegionError,
)
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
UNKNOWN_KEY = (
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
)
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
THROTTLED = ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown")


def explain(error: Exception) -> MooringError | None:
    """Return an error with a remedy, or None if a person cannot repair its cause."""
    if isinstance(error, MooringError):
        return error
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, BotoCoreError):
        return _not_sent(error)
    if isinstance(error, OSError):
        return MooringError(_text_of(error), remedy="correct the path or its permissions, and try again")
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return MooringError(f"AWS_ENDPOINT_URL is not an address: {error}", remedy=TAKE_CREDENTIALS)
    return None


def _refused(error: ClientError) -> MooringError:
    code, text = str(error.response.get("Error", {}).get("Code", "")), str(error)
    if code in EXPIRED:
        return MooringError(f"the credentials have expired: {text}", remedy=TAKE_CREDENTIALS)
    if code in UNKNOWN_KEY:
        key = os.environ.get("AWS_ACCESS_KEY_ID", "of your profile")
        return MooringError(f"the access key {key} or its secret is not valid here: {text}", remedy=TAKE_CREDENTIALS)
    if code in DENIED:
        return MooringError(text, remedy="use a role that has the permission, or get the missing policy or trust added")
    if code in THROTTLED:
        return MooringError(f"AWS throttles the calls: {text}", remedy="wait a minute, and try again")
    return MooringError(
        text, remedy="check that the environment is deployed (mooring deploy --dry-run) and the names, then try again"
    )


def _not_sent(error: BotoCoreError) -> MooringError:
    embedded = "localhost" in os.environ.get("AWS_ENDPOINT_URL", "")
    if isinstance(error, UNREACHED):
        remedy = 'start the embedded AWS: mooring up, then eval "$(mooring env ENVIRONMENT)"'
        return MooringError(str(error), remedy=remedy if embedded else "check the network, the region and the proxy")
    if isinstance(error, NO_CREDENTIALS):
        return MooringError(str(error), remedy=TAKE_CREDENTIALS)
    if isinstance(error, aws.SSLError):
        remedy = 'use the certificate of the running server: eval "$(mooring env ENVIRONMENT)"'
        return MooringError(str(error), remedy=remedy if embedded else "check AWS_CA_BUNDLE and the proxy")
    return MooringError(str(error), remedy="check the AWS_* variables and ~/.aws/config")


def _text_of(error: OSError) -> str:
    if error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
