"""Tests the laws of the ledger's records: parts of one item, items of older versions, and a place for each kind."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from inspect import signature
from itertools import combinations
from typing import Any, get_args, get_origin, get_type_hints

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from pipelines.aws.ledger import ConflictError, Ledger
from pipelines.interface import keys
from pipelines.interface.codec import InvalidRecordError, read
from pipelines.interface.keys import Items, Key
from pipelines.interface.records import (
    Check,
    CheckOutcome,
    Lease,
    Refusal,
    Release,
    ReleaseEnd,
    ReleaseLock,
    ReleaseOrphans,
    Run,
    RunApproval,
    RunEnd,
    RunInputs,
    RunStart,
    Trigger,
)
from tests.support import generated

RUN_PARTS = (RunStart, RunInputs, RunEnd, RunApproval)
LATER_PARTS = (RunInputs, RunEnd, RunApproval)


def returning(origin: type[Any]) -> dict[str, Callable[..., Any]]:
    """Return the functions of ``keys`` that return keys, or items, by their names."""
    functions = {name: value for name, value in vars(keys).items() if callable(value) and not isinstance(value, type)}
    return {
        name: function
        for name, function in functions.items()
        if get_origin(get_type_hints(function).get("return")) is origin
    }


def place(function: Callable[..., Any]) -> Any:
    """Return a function's key or items, for arguments that are the same for all functions."""
    hints = get_type_hints(function)
    given_values = {name: 7 if hints[name] is int else f"the-{name}" for name in signature(function).parameters}
    return function(**given_values)


KEYS = returning(Key)
ITEMS = returning(Items)


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="ledger",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        yield Ledger(client=client, table="ledger")


# -- parts of one item -------------------------------------------------------------------------------------------------


def plain(hint: object) -> object:
    """Return a type without None, and a dict as the Mapping that it is."""
    others = [each for each in get_args(hint) if each is not type(None)]
    if type(None) in get_args(hint):
        [hint] = others
    return Mapping[get_args(hint)] if get_origin(hint) is dict else hint  # type: ignore[misc]


def types_of(kind: type[Any]) -> dict[str, object]:
    hints = get_type_hints(kind)
    return {field.name: plain(hints[field.name]) for field in fields(kind)}


def required(kind: type[Any]) -> set[str]:
    return {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}


def test_parts_of_a_run_are_its_fields_each_in_one_part() -> None:
    parts = [types_of(part) for part in RUN_PARTS]
    for one, two in combinations(parts, 2):
        assert not one.keys() & two.keys()
    assert {name: hint for part in parts for name, hint in part.items()} == types_of(Run)


def test_run_lacks_all_but_its_first_part_at_first() -> None:
    assert required(Run) == {field.name for field in fields(RunStart)}
    absent = {field.name: field.default for field in fields(Run) if field.name not in required(Run)}
    assert set(absent.values()) == {None, ""}


def test_parts_of_a_release_are_its_fields() -> None:
    lock, end = types_of(ReleaseLock), types_of(ReleaseEnd)
    assert not lock.keys() & end.keys()
    assert lock | end == types_of(Release)
    assert required(Release) == required(ReleaseLock)


def test_orphans_are_a_part_of_a_release_lock() -> None:
    orphans = types_of(ReleaseOrphans)
    assert orphans.items() <= types_of(ReleaseLock).items()
    assert not orphans.keys() & required(ReleaseLock), "a lock has none at first"


@settings(max_examples=30)
@given(
    start=generated.records(RunStart),
    later=st.tuples(*[st.none() | generated.records(part) for part in LATER_PARTS]),
)
def test_run_is_the_parts_that_were_written(ledger: Ledger, start: RunStart, later: tuple[Any, ...]) -> None:
    key = keys.run("m", "r1")
    ledger.delete(key, expected={"pk": key.pk})
    ledger.update(key, start)
    written = {field.name: getattr(start, field.name) for field in fields(start)}
    for part in (part for part in later if part is not None):
        ledger.update(key, part)
        written |= {field.name: getattr(part, field.name) for field in fields(part)}
    assert ledger.get(key) == Run(**written)


# -- items of older versions -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Old:
    """An item as an older version wrote it, and fields that it must be read with."""

    kind: type[Any]
    item: dict[str, Any]
    expected: dict[str, Any]


TRIGGER = {"kind": "drift", "id": "t1", "by": "drift_check", "reason": "c1"}
OLD = [
    Old(
        Run,
        {"run_id": "r1", "execution": "arn", "token": 1, "started": "2026-03-01T10:00:00Z", "trigger": TRIGGER},
        {"outcome": None, "recipe": None, "jobs": None, "trigger": Trigger(**TRIGGER, package_arn="")},
    ),
    Old(
        Run,
        {
            **{"run_id": "r1", "execution": "arn", "token": 1, "started": "2026-03-01T10:00:00Z", "trigger": TRIGGER},
            **{"dataset": "flights", "commit": "c" * 64, "tree": "t" * 64, "champion": None},
            **{"outcome": "failed", "cause": "no data", "package_arn": None, "ended": "2026-03-01T11:00:00Z"},
        },
        {"outcome": "failed", "comparison": None, "reproduces": None, "job_id": None},
    ),
    Old(
        Refusal,
        {**TRIGGER, "refusal": "LeaseHeldError", "reason": "held", "trigger_reason": "c1", "execution": "arn"},
        {"package_arn": "", "refusal": "LeaseHeldError"},
    ),
    Old(
        Release,
        {
            **{"release_id": "l1", "execution": "arn", "model": "m", "package_arn": "p", "by": "approval"},
            **{"rollback": False, "previous": "none", "intended": "p", "begun": "2026-03-01T10:00:00Z"},
            **{"predecessors": {"configs": [], "models": []}, "outcome": "undone", "cause": "its flow died"},
        },
        {"ended": None, "verification": None, "outcome": "undone"},
    ),
    Old(
        Check,
        {
            **{"check_id": "c1", "model": "m", "begin": "2026-03-01T10:00:00Z", "end": "2026-03-01T12:00:00Z"},
            **{"outcome": "nothing_to_check", "version": 0, "rows": 0, "worst": []},
        },
        {"outcome": CheckOutcome.NOTHING_TO_CHECK, "files": 0, "predictions": None, "worst_segment": None},
    ),
    Old(Lease, {"holder": None, "token": 4}, {"token": 4, "expires_at": 0, "recent_triggers": ()}),
]


@pytest.mark.parametrize("old", OLD, ids=lambda old: old.kind.__name__)
def test_item_of_an_older_version_is_read(old: Old) -> None:
    found = read(old.kind, old.item)
    assert {name: getattr(found, name) for name in old.expected} == old.expected


# -- places ------------------------------------------------------------------------------------------------------------


def test_keys_and_items_are_looked_at() -> None:
    assert {"run", "lease", "release_lock", "head", "landing_lock", "execution"} <= KEYS.keys()
    assert {"runs", "refusals", "checks", "commits"} <= ITEMS.keys()


def test_every_kind_of_item_has_a_place_of_its_own() -> None:
    places = [(place(function).pk, place(function).sk) for function in KEYS.values()]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("name", ITEMS)
def test_items_are_of_one_kind(name: str) -> None:
    items = place(ITEMS[name])
    for function in KEYS.values():
        key = place(function)
        if key.pk == items.pk and key.sk.startswith(items.prefix):
            assert key.kind is items.kind
    assert items.beginning("a").key("b") == items.key("ab")


@pytest.mark.parametrize("name", [*KEYS, *ITEMS])
def test_type_of_a_place_is_the_kind_that_it_is_read_as(name: str) -> None:
    function = (KEYS | ITEMS)[name]
    [kind] = get_args(get_type_hints(function)["return"])
    assert place(function).kind is kind


@pytest.mark.parametrize("name", KEYS)
@settings(max_examples=10)
@given(data=st.data())
def test_record_of_a_key_survives_the_ledger(ledger: Ledger, name: str, data: st.DataObject) -> None:
    key: Key[Any] = place(KEYS[name])
    record = data.draw(generated.records(key.kind))
    ledger.delete(key, expected={"pk": key.pk})
    assert ledger.get(key) is None
    ledger.create(key, record)
    assert ledger.get(key) == record
    with pytest.raises(ConflictError):
        ledger.create(key, record)
    other = data.draw(generated.records(key.kind))
    ledger.record(key, other)
    assert ledger.get(key) == other


@pytest.mark.parametrize("name", ITEMS)
@settings(max_examples=5)
@given(data=st.data())
def test_items_are_found_in_order_of_their_sort_keys(ledger: Ledger, name: str, data: st.DataObject) -> None:
    items: Items[Any] = place(ITEMS[name]).beginning("order-")
    written = [(f"{number}", data.draw(generated.records(items.kind))) for number in range(3)]
    for rest, record in reversed(written):
        ledger.record(items.key(rest), record)
    assert list(ledger.query(items)) == written
    assert ledger.latest(items, 2) == [record for _, record in reversed(written[1:])]
    assert list(ledger.query(items.beginning("1"))) == [("", written[1][1])]


def test_item_is_replaced_only_while_it_is_what_was_expected(ledger: Ledger) -> None:
    key, lease = keys.lease("replaced"), Lease(holder="one", token=1)
    ledger.create(key, lease)
    second = replace(lease, holder="two", token=2)
    ledger.replace(key, second, expected={"token": 1, "holder": "one"})
    with pytest.raises(ConflictError, match="model#replaced lease"):
        ledger.replace(key, lease, expected={"token": 1, "holder": "one"})
    ledger.delete(key, expected={"token": 1})
    assert ledger.get(key) == second
    ledger.delete(key, expected={"token": 2})
    assert ledger.get(key) is None
    with pytest.raises(ConflictError):
        ledger.replace(key, lease, expected={"token": 2})


def test_item_that_is_no_record_is_refused_with_its_place(ledger: Ledger) -> None:
    key = keys.champion("broken")
    ledger.record(keys.Key(key.pk, key.sk, Lease), Lease(token=1))
    with pytest.raises(InvalidRecordError, match=r"the ledger's model#broken champion: package_arn is missing"):
        ledger.get(key)
