"""Permission to read the parameters below a path."""

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws


def test_reading_a_path_needs_permission_on_that_path(embedded_aws: EmbeddedAws) -> None:
    embedded_aws.client("ssm").put_parameter(Name="/ours/a/settings", Value="1", Type="String")
    allowed = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/ours/*"
    statement = {"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": allowed}
    reader = embedded_aws.client("ssm", role=embedded_aws.create_role("path-reader", [statement]))
    found = reader.get_parameters_by_path(Path="/ours/", Recursive=True)["Parameters"]
    assert [parameter["Value"] for parameter in found] == ["1"]
    for path in ("/", "/theirs/", "/ours"):
        with pytest.raises(ClientError, match="not authorized to perform: ssm:GetParametersByPath"):
            reader.get_parameters_by_path(Path=path, Recursive=True)


def test_reading_several_parameters_needs_permission_on_each(embedded_aws: EmbeddedAws) -> None:
    resource = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/several/ours/*"
    reader = embedded_aws.create_role(
        "parameters-reader", [{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": resource}]
    )
    client = embedded_aws.client("ssm", role=reader)
    assert client.get_parameters(Names=["/several/ours/a"])["InvalidParameters"] == ["/several/ours/a"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_parameters(Names=["/several/ours/a", "/several/theirs/b"])
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_parameters(Names=["/several/theirs/b", "/several/ours/a"])
