"""A function whose boto3 is too old says at once what it lacks."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from pipelines.aws.clients import NEEDED, OldSdkError, require_needed


def client(*lacking: tuple[str, str]) -> Any:
    """Return a client whose operations have the needed parameters, without those that are ``lacking``."""

    def operation_model(operation: str) -> Any:
        members = {
            parameter for name, parameter in NEEDED["s3"] if name == operation and (name, parameter) not in lacking
        }
        return SimpleNamespace(input_shape=SimpleNamespace(members=members))

    return SimpleNamespace(meta=SimpleNamespace(service_model=SimpleNamespace(operation_model=operation_model)))


@pytest.mark.parametrize("lacking", NEEDED["s3"], ids=str)
def test_missing_parameter_is_named_with_the_version_and_the_remedy(lacking: tuple[str, str]) -> None:
    operation, parameter = lacking
    with pytest.raises(OldSdkError) as refused:
        require_needed("s3", client(lacking))
    for word in (f"boto3 {boto3.__version__}", f"{parameter} of s3's {operation}", "deploy the Operations stack again"):
        assert word in str(refused.value)


def test_client_with_everything_is_admitted() -> None:
    require_needed("s3", client())
    require_needed("sqs", client())
