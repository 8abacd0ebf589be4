"""Errors of Lambda functions."""

import json

from tests.support.embedded_aws import EmbeddedAws
from tests.support.functions import create_function

RAISES = """
class LeaseHeldError(Exception):
    pass

def handle(event, context):
    try:
        {}["missing"]
    except KeyError as error:
        raise LeaseHeldError("held: by\\nNobody: at all") from error
"""


def test_error_type_is_the_exceptions_class(embedded_aws: EmbeddedAws) -> None:
    role = embedded_aws.create_role("raises", [], trusted={"Service": "lambda.amazonaws.com"})
    create_function(embedded_aws, "raises", RAISES, role=role)
    answer = embedded_aws.client("lambda").invoke(FunctionName="raises")
    assert answer["FunctionError"]
    assert json.loads(answer["Payload"].read())["errorType"] == "LeaseHeldError"
