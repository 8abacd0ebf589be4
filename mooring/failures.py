"""What AWS and the machine refuse, as the error that the operator's tool shows: what was wrong, and what to do.

The command line explains here whatever a command did not; nothing else translates errors of botocore.
"""

import os

from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

from mooring.errors import MooringError

TAKE_CREDENTIALS = (
    'take credentials of the environment\'s account; of the embedded AWS: eval "$(mooring env ENVIRONMENT)"'
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
    """The error as a person can mend it, or None if it is nothing that a person can mend."""
    if isinstance(error, MooringError):
        return error
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, BotoCoreError):
        return _not_asked(error)
    if isinstance(error, OSError):
        return MooringError(_of_the_machine(error), remedy="mend the path or its permissions, and try again")
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return MooringError(f"AWS_ENDPOINT_URL is no address: {error}", remedy=TAKE_CREDENTIALS)
    return None


def _refused(error: ClientError) -> MooringError:
    code, text = str(error.response.get("Error", {}).get("Code", "")), str(error)
    if code in EXPIRED:
        return MooringError(f"the credentials have expired: {text}", remedy=TAKE_CREDENTIALS)
    if code in UNKNOWN_KEY:
        key = os.environ.get("AWS_ACCESS_KEY_ID", "of your profile")
        return MooringError(f"the access key {key} or its secret is not valid here: {text}", remedy=TAKE_CREDENTIALS)
    if code in DENIED:
        return MooringError(text, remedy="use a role that may, or have the policy or trust that is missing added")
    if code in THROTTLED:
        return MooringError(f"AWS is asked too often: {text}", remedy="wait a minute, and try again")
    return MooringError(
        text, remedy="is the environment deployed (mooring status, cdk deploy), and are the names right? Then try again"
    )


def _not_asked(error: BotoCoreError) -> MooringError:
    place = os.environ.get("AWS_ENDPOINT_URL", "")
    embedded = "localhost" in place
    if isinstance(error, UNREACHED):
        remedy = 'is the embedded AWS gone? mooring up, then eval "$(mooring env ENVIRONMENT)"'
        return MooringError(str(error), remedy=remedy if embedded else "look at the network, the region and the proxy")
    if isinstance(error, NO_CREDENTIALS):
        return MooringError(str(error), remedy=TAKE_CREDENTIALS)
    if isinstance(error, aws.SSLError):
        remedy = 'take the certificate of the server that runs: eval "$(mooring env ENVIRONMENT)"'
        return MooringError(str(error), remedy=remedy if embedded else "look at AWS_CA_BUNDLE and the proxy")
    return MooringError(str(error), remedy="look at the AWS_* variables and at ~/.aws/config")


def _of_the_machine(error: OSError) -> str:
    if error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
