"""The environment's ledger: records in one DynamoDB table, written conditionally where two writers could meet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from pipelines.aws.client import Answer, Client, code_of
from pipelines.interface.codec import Json, JsonObject, read, to_json
from pipelines.interface.keys import Items, Key

R = TypeVar("R")
KEYS = ("pk", "sk")


class ConflictError(RuntimeError):
    """The item has changed since the writer read it."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The ledger of one environment; ``client`` is boto3's DynamoDB client. Reads are consistent.

    Every read raises ``InvalidRecordError`` for an item that is no record of its key's type.
    """

    client: Client
    table: str

    def get(self, key: Key[R]) -> R | None:
        answer = self.client.get_item(TableName=self.table, Key=_marshal(_place(key)), ConsistentRead=True)
        return _read(key.kind, _unmarshal(answer["Item"])) if "Item" in answer else None

    def create(self, key: Key[R], record: R) -> None:
        """Write a new item.

        Raises
        ------
        ConflictError
            The item exists already.
        """
        self._put(key, record, "attribute_not_exists(pk)", {})

    def replace(self, key: Key[R], record: R, *, expected: JsonObject) -> None:
        """Write an item if its attributes are still the ``expected`` ones.

        Raises
        ------
        ConflictError
            The item has changed, or does not exist.
        """
        self._put(key, record, _equal(expected), expected)

    def record(self, key: Key[R], record: R) -> None:
        """Write an item, and replace any that exists."""
        self._put(key, record, None, {})

    def update(self, key: Key[R], part: object) -> None:
        """Set the fields of ``part``, a record with some of the item's attributes, in an item."""
        values = to_json(part)
        self.client.update_item(
            TableName=self.table,
            Key=_marshal(_place(key)),
            UpdateExpression="SET " + ", ".join(f"#{number} = :{number}" for number in range(len(values))),
            ExpressionAttributeNames={f"#{number}": name for number, name in enumerate(values)},
            ExpressionAttributeValues=_marshal({f":{number}": value for number, value in enumerate(values.values())}),
        )

    def delete(self, key: Key[R], *, expected: JsonObject) -> None:
        """Delete an item if its attributes are still the ``expected`` ones; else do nothing."""
        condition = _condition(_equal(expected), expected)
        try:
            self.client.delete_item(TableName=self.table, Key=_marshal(_place(key)), **condition)
        except ClientError as error:
            if not _is_conflict(error):
                raise

    def query(self, items: Items[R]) -> Iterator[tuple[str, R]]:
        """Yield the items in order of their sort keys, each with the part of its sort key after the prefix."""
        pages = self.client.get_paginator("query").paginate(**self._query(items))
        for page in pages:
            yield from (_entry(items, item) for item in page["Items"])

    def latest(self, items: Items[R], limit: int) -> list[R]:
        """Return at most ``limit`` items, those with the last sort keys first."""
        answer = self.client.query(**self._query(items), ScanIndexForward=False, Limit=limit)
        return [_entry(items, item)[1] for item in answer["Items"]]

    def _query(self, items: Items[R]) -> dict[str, object]:
        return {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": _marshal({":pk": items.pk, ":sk": items.prefix}),
            "ConsistentRead": True,
        }

    def _put(self, key: Key[R], record: R, condition: str | None, expected: JsonObject) -> None:
        item = _marshal({**to_json(record), **_place(key)})
        arguments = _condition(condition, expected) if condition else {}
        try:
            self.client.put_item(TableName=self.table, Item=item, **arguments)
        except ClientError as error:
            if _is_conflict(error):
                raise ConflictError(f"{key.pk} {key.sk} is no longer {dict(expected) or 'absent'}") from error
            raise


def _place(key: Key[R]) -> dict[str, Json]:
    return {"pk": key.pk, "sk": key.sk}


def _entry(items: Items[R], marshalled: Answer) -> tuple[str, R]:
    item = _unmarshal(marshalled)
    return str(item["sk"]).removeprefix(items.prefix), _read(items.kind, item)


def _read(kind: type[R], item: Mapping[str, object]) -> R:
    values = {name: value for name, value in item.items() if name not in KEYS}
    return read(kind, values, f"the ledger's {item['pk']} {item['sk']}", ignore_unknown=True)


def _equal(expected: JsonObject) -> str:
    return " AND ".join(f"#e{number} = :e{number}" for number in range(len(expected)))


def _condition(condition: str, expected: JsonObject) -> dict[str, object]:
    if not expected:
        return {"ConditionExpression": condition}
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#e{number}": name for number, name in enumerate(expected)},
        "ExpressionAttributeValues": _marshal({f":e{n}": value for n, value in enumerate(expected.values())}),
    }


def _is_conflict(error: ClientError) -> bool:
    return code_of(error) == "ConditionalCheckFailedException"


def _marshal(item: JsonObject) -> dict[str, object]:
    serializer = TypeSerializer()
    return {name: serializer.serialize(_to_decimal(value)) for name, value in item.items()}


def _unmarshal(item: Answer) -> dict[str, object]:
    deserializer = TypeDeserializer()
    return {name: _from_decimal(deserializer.deserialize(value)) for name, value in item.items()}


def _to_decimal(value: object) -> object:
    """Return a value with decimals in place of floats, which boto3 refuses for DynamoDB."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {name: _to_decimal(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_decimal(item) for item in value]
    return value


def _from_decimal(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _from_decimal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_from_decimal(item) for item in value]
    return value
