"""Parameters below a path."""

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws


def test_path_is_read_only_by_who_may_read_it(embedded_aws: EmbeddedAws) -> None:
    embedded_aws.client("ssm").put_parameter(Name="/ours/a/settings", Value="1", Type="String")
    allowed = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/ours/*"
    statement = {"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": allowed}
    reader = embedded_aws.client("ssm", role=embedded_aws.create_role("path-reader", [statement]))
    found = reader.get_parameters_by_path(Path="/ours/", Recursive=True)["Parameters"]
    assert [parameter["Value"] for parameter in found] == ["1"]
    for path in ("/", "/theirs/", "/ours"):
        with pytest.raises(ClientError, match="not authorized to perform: ssm:GetParametersByPath"):
            reader.get_parameters_by_path(Path=path, Recursive=True)
