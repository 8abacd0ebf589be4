"""The environment's ledger: items of one DynamoDB table, written conditionally where two writers could meet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError


class ConflictError(RuntimeError):
    """The item is no longer what the writer took it for."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """``client`` is boto3's DynamoDB client. Items are plain JSON values; reads are consistent."""

    client: Any
    table: str

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        answer = self.client.get_item(TableName=self.table, Key=_marshal({"pk": pk, "sk": sk}), ConsistentRead=True)
        return _unmarshal(answer["Item"]) if "Item" in answer else None

    def put(self, pk: str, sk: str, item: Mapping[str, Any], *, expected: Mapping[str, Any] | None) -> None:
        """Write an item that is absent (``expected`` None), or whose attributes still are the ``expected`` ones.

        Raises
        ------
        ConflictError
            It is there already, or it has changed.
        """
        condition = "attribute_not_exists(pk)" if expected is None else _equal(expected)
        self._put(pk, sk, item, condition, expected or {})

    def record(self, pk: str, sk: str, item: Mapping[str, Any]) -> None:
        """Write an item, whatever was there."""
        self._put(pk, sk, item, None, {})

    def update(self, pk: str, sk: str, values: Mapping[str, Any]) -> None:
        """Set some attributes of an item; the item is created if it is absent."""
        self.client.update_item(
            TableName=self.table,
            Key=_marshal({"pk": pk, "sk": sk}),
            UpdateExpression="SET " + ", ".join(f"#{number} = :{number}" for number in range(len(values))),
            ExpressionAttributeNames={f"#{number}": name for number, name in enumerate(values)},
            ExpressionAttributeValues=_marshal({f":{number}": value for number, value in enumerate(values.values())}),
        )

    def delete(self, pk: str, sk: str, *, expected: Mapping[str, Any]) -> None:
        """Delete an item if its attributes still are the ``expected`` ones; else nothing happens."""
        try:
            self.client.delete_item(
                TableName=self.table, Key=_marshal({"pk": pk, "sk": sk}), **_condition(_equal(expected), expected)
            )
        except ClientError as error:
            if not _is_conflict(error):
                raise

    def query(self, pk: str, prefix: str) -> Iterator[dict[str, Any]]:
        """The items of ``pk`` whose sort key begins with ``prefix``, in order."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=_marshal({":pk": pk, ":sk": prefix}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(_unmarshal, page["Items"])

    def latest(self, pk: str, prefix: str, limit: int) -> list[dict[str, Any]]:
        """At most ``limit`` items of ``pk`` whose sort key begins with ``prefix``, the last first."""
        answer = self.client.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=_marshal({":pk": pk, ":sk": prefix}),
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_unmarshal(item) for item in answer["Items"]]

    def _put(
        self, pk: str, sk: str, item: Mapping[str, Any], condition: str | None, expected: Mapping[str, Any]
    ) -> None:
        arguments = _condition(condition, expected) if condition else {}
        try:
            self.client.put_item(TableName=self.table, Item=_marshal({**item, "pk": pk, "sk": sk}), **arguments)
        except ClientError as error:
            if _is_conflict(error):
                raise ConflictError(f"{pk} {sk} is no longer {dict(expected) or 'absent'}") from error
            raise


def _equal(expected: Mapping[str, Any]) -> str:
    return " AND ".join(f"#e{number} = :e{number}" for number in range(len(expected)))


def _condition(condition: str, expected: Mapping[str, Any]) -> dict[str, Any]:
    if not expected:
        return {"ConditionExpression": condition}
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#e{number}": name for number, name in enumerate(expected)},
        "ExpressionAttributeValues": _marshal({f":e{n}": value for n, value in enumerate(expected.values())}),
    }


def _is_conflict(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException"


def _marshal(item: Mapping[str, Any]) -> dict[str, Any]:
    serializer = TypeSerializer()
    return {name: serializer.serialize(_to_decimal(value)) for name, value in item.items()}


def _unmarshal(item: Mapping[str, Any]) -> dict[str, Any]:
    deserializer = TypeDeserializer()
    return {name: _from_decimal(deserializer.deserialize(value)) for name, value in item.items()}


def _to_decimal(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {name: _to_decimal(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_decimal(item) for item in value]
    return value


def _from_decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _from_decimal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_from_decimal(item) for item in value]
    return value
