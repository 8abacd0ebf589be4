"""One file of certificate authorities for all clients: the system's, a company's, and the server's.

Most clients know one variable for one file, and it replaces the system's authorities. So the file holds all of them:
a client can reach the embedded AWS and everything that it reached before.
"""

import os
import re
import ssl
import tempfile
from pathlib import Path

import botocore

from mooring.errors import MooringError

VARIABLES = ("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name the file: of boto3 and the AWS CLI, curl, Node, requests, and OpenSSL with Arrow's S3."""

_OURS = "# The authority of the embedded AWS"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def write(authority: Path, bundle: Path) -> Path:
    """Write the authorities of the system, of the files that ``VARIABLES`` name now, and ``authority``, to ``bundle``.

    ``bundle`` may be one of those files: a second call keeps a company's authorities, and drops an ended server's.

    Raises
    ------
    MooringError
        A variable names a file that cannot be read.
    """
    found = dict.fromkeys(_certificates(_system()))
    for name in VARIABLES:
        path = Path(os.environ.get(name) or bundle)
        if path != bundle or bundle.exists():
            found |= dict.fromkeys(_certificates(_read(name, path)))
    ours = authority.read_text()
    others = [text for text in found if text not in ours]
    with tempfile.NamedTemporaryFile("w", dir=bundle.parent, delete=False) as sink:
        sink.write("\n".join([*others, _OURS, ours]))
    return Path(sink.name).replace(bundle)


def _system() -> str:
    # The variable would hide the system's file.
    known = ssl.get_default_verify_paths()
    candidates = (known.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
    vendored = Path(botocore.__file__).with_name("cacert.pem")
    return next((path for path in map(Path, candidates) if path.is_file()), vendored).read_text()


def _read(name: str, path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise MooringError(
            f"{name} names {path}, which cannot be read: {error.strerror}", remedy=f"correct it, or run: unset {name}"
        ) from error


def _certificates(text: str) -> list[str]:
    return _CERTIFICATE.findall(text.partition(_OURS)[0])
