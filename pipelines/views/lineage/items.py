"""Reads items of the ledger one by one, so that a damaged item neither stops a view nor hides the others."""

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from pipelines.aws.ledger import Ledger
from pipelines.interface import keys
from pipelines.interface.codec import InvalidRecordError, Json, JsonObject, read
from pipelines.interface.keys import Items, Key
from pipelines.interface.records import Champion, Check, QualityHour, Release, Run

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class LedgerItem(Generic[R_co]):
    """An item's record; or None, and ``damage`` says why the item cannot be read as one."""

    sk: str
    record: R_co | None
    damage: str
    document: JsonObject

    @property
    def id(self) -> str:
        """The part of the sort key after the item's kind.

        Examples
        --------
        >>> LedgerItem(sk="check#c1", record=None, damage="", document={}).id
        'c1'
        """
        return self.sk.partition("#")[2]

    def value(self, name: str) -> Json:
        """Return an attribute of the item, damaged or not; None if there is none of this name."""
        return self.document.get(name)


class ModelItems:
    """The items of one model; each kind is read once."""

    def __init__(self, ledger: Ledger, model: str) -> None:
        self._ledger, self._model = ledger, model

    @cached_property
    def champion(self) -> LedgerItem[Champion] | None:
        return read_item(self._ledger, keys.champion(self._model))

    @cached_property
    def runs(self) -> list[LedgerItem[Run]]:
        return read_items(self._ledger, keys.runs(self._model))

    @cached_property
    def releases(self) -> list[LedgerItem[Release]]:
        return read_items(self._ledger, keys.releases(self._model))

    @cached_property
    def checks(self) -> list[LedgerItem[Check]]:
        return read_items(self._ledger, keys.checks(self._model))

    @cached_property
    def quality_hours(self) -> list[LedgerItem[QualityHour]]:
        return read_items(self._ledger, keys.quality_hours(self._model))


def read_item(ledger: Ledger, key: Key[R]) -> LedgerItem[R] | None:
    """Return the item of a key, or None if there is none."""
    # Any item is an object, so the ledger itself refuses none.
    found = ledger.get(Key(key.pk, key.sk, object))
    return None if found is None else _item(key, found)


def read_items(ledger: Ledger, items: Items[R]) -> list[LedgerItem[R]]:
    """Return the items in order of their sort keys."""
    found = ledger.query(Items(items.pk, items.prefix, object))
    return [_item(items.key(rest), document) for rest, document in found]


def _item(key: Key[R], found: object) -> LedgerItem[R]:
    assert isinstance(found, dict)
    try:
        record = read(key.kind, found, f"the ledger's {key.pk} {key.sk} is damaged")
    except InvalidRecordError as error:
        return LedgerItem(sk=key.sk, record=None, damage=str(error), document=found)
    return LedgerItem(sk=key.sk, record=record, damage="", document=found)
