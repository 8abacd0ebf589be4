"""The edge to boto3: clients and their answers are made from data at run time and have no static types."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

Client = Any
"""A boto3 client, or a fake of one in tests."""
Answer = Mapping[str, Any]
"""A client's answer, or a part of one, in the service's own shape."""


def code_of(error: ClientError) -> str:
    """Return the service's own code of an error."""
    return str(error.response.get("Error", {}).get("Code"))
