"""HTTP server: closed paths, idle connections, and the condition key ``dynamodb:LeadingKeys``."""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from mooring.embedded.repairs import door
from tests.support.embedded_aws import EmbeddedAws


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/lambda-code/any"),
        ("GET", "/_localstack/info"),
    ],
)
def test_paths_without_credentials_are_closed(embedded_aws: EmbeddedAws, method: str, path: str) -> None:
    trust = ssl.create_default_context(cafile=str(embedded_aws.server.authority))
    request = urllib.request.Request(f"{embedded_aws.server.url}{path}", data=b"{}", method=method)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5, context=trust)
    with refused.value as answer:
        assert (answer.code, path in json.load(answer)["message"]) == (403, True)


def test_unanswered_tls_shutdown_is_no_error() -> None:
    async def times_out(_server: object) -> None:
        raise TimeoutError("SSL shutdown timed out")

    asyncio.run(door._ignore_shutdown_timeout(times_out)(object()))  # type: ignore[arg-type]


def test_items_of_other_leading_keys_are_refused(embedded_aws: EmbeddedAws) -> None:
    root, table = embedded_aws.client("dynamodb"), f"t{uuid4().hex[:12]}"
    arn = root.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    actions = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"]
    statement = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{action}" for action in actions],
        "Resource": arn,
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["dataset#*"]}},
    }
    own = embedded_aws.client("dynamodb", role=embedded_aws.create_role(f"r{table}", [statement]))

    def write(partition: str) -> None:
        key = {"pk": {"S": partition}, "sk": {"S": "head"}}
        own.put_item(TableName=table, Item=key)

    def read(partition: str) -> None:
        own.get_item(TableName=table, Key={"pk": {"S": partition}, "sk": {"S": "head"}})

    def query(partition: str) -> None:
        own.query(
            TableName=table,
            KeyConditionExpression="#p = :p AND begins_with(sk, :s)",
            ExpressionAttributeNames={"#p": "pk"},
            ExpressionAttributeValues={":p": {"S": partition}, ":s": {"S": "h"}},
        )

    def write_batch(partition: str) -> None:
        items = [{"pk": {"S": name}, "sk": {"S": "batch"}} for name in ("dataset#own", partition)]
        own.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in items]})

    def read_batch(partition: str) -> None:
        keys = [{"pk": {"S": partition}, "sk": {"S": "head"}}]
        own.batch_get_item(RequestItems={table: {"Keys": keys}})

    def transact(partition: str) -> None:
        item = {"pk": {"S": partition}, "sk": {"S": "transaction"}}
        own.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}}])

    for touch in (write, read, query, write_batch, read_batch, transact):
        touch("dataset#flights")
        with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
            touch("model#late-arrival")
    assert {item["pk"]["S"] for item in root.scan(TableName=table)["Items"]} <= {"dataset#flights", "dataset#own"}
