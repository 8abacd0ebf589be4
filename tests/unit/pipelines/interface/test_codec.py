"""Tests that records are read strictly, with every wrong field named, and written canonically."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.interface import events, records, requests
from pipelines.interface import settings as model_settings
from pipelines.interface.codec import InvalidRecordError, canonical, read, read_json, to_json
from tests.support import generated


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    spokes: int
    width: float = 2.5


@dataclass(frozen=True, kw_only=True)
class Trailer:
    load: str


@dataclass(frozen=True, kw_only=True)
class Cart:
    name: str
    colour: Colour
    wheels: tuple[Wheel, ...]
    weights: Mapping[str, float]
    spare: Wheel | None
    sold: bool = False
    sizes: tuple[float, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    pulls: Wheel | Trailer | None = None
    extra: object = None


CART: dict[str, Any] = {
    "name": "first",
    "colour": "red",
    "wheels": [{"spokes": 8}, {"spokes": 10, "width": 3}],
    "weights": {"empty": 10, "full": 20.5},
    "spare": None,
}


def refusal(kind: type[object], document: object, what: str = "") -> list[str]:
    """Return what is wrong with a document, one reason after the other."""
    with pytest.raises(InvalidRecordError) as raised:
        read(kind, document, what)
    about, _, reasons = str(raised.value).partition(": ")
    assert about == (what or kind.__name__)
    return reasons.split("; ")


def test_document_is_read_with_its_parts_and_defaults() -> None:
    cart = read(Cart, CART)
    assert cart == Cart(
        name="first",
        colour=Colour.RED,
        wheels=(Wheel(spokes=8, width=2.5), Wheel(spokes=10, width=3.0)),
        weights={"empty": 10.0, "full": 20.5},
        spare=None,
        sold=False,
        sizes=(),
        notes={},
        pulls=None,
        extra=None,
    )
    assert isinstance(cart.colour, Colour)
    assert isinstance(cart.wheels[1].width, float), "a whole number is a number"


def test_every_wrong_field_is_named_at_once_with_its_path() -> None:
    document = {
        "name": 7,
        "colour": "blue",
        "wheels": [{"spokes": 8}, {"spokes": "ten", "size": 3}, {}],
        "weights": {"empty": None, "full": True},
        "spare": {"spokes": 1.5},
        "price": 12,
        "seller": {"name": "x"},
    }
    assert refusal(Cart, document) == [
        "name is int 7, not str",
        "colour is 'blue', not one of red, green",
        "wheels[1].spokes is str 'ten', not int",
        "wheels[1].size is unknown",
        "wheels[2].spokes is missing",
        "weights.empty is null, not float",
        "weights.full is bool True, not float",
        "spare.spokes is float 1.5, not int",
        "price is unknown",
        "seller is unknown",
    ]


def test_fields_of_a_newer_version_are_ignored_on_request_and_only_they() -> None:
    newer = {
        **CART,
        "price": 12,
        "wheels": [{"spokes": 8, "hub": "steel"}, {"spokes": 10}],
        "pulls": {"load": "hay", "axle": 1},
    }
    cart = read(Cart, newer, ignore_unknown=True)
    assert cart == read(Cart, {**CART, "wheels": [{"spokes": 8}, {"spokes": 10}], "pulls": {"load": "hay"}})
    assert refusal(Cart, newer) == ["wheels[0].hub is unknown", "pulls.axle is unknown", "price is unknown"]
    with pytest.raises(InvalidRecordError, match=r"^Cart: name is int 7, not str$"):
        read(Cart, {**newer, "name": 7}, ignore_unknown=True)


@pytest.mark.parametrize("name", ["name", "colour", "wheels", "weights", "spare"])
def test_field_without_a_default_must_be_there(name: str) -> None:
    """A field that may be null must be there as well."""
    assert refusal(Cart, {key: value for key, value in CART.items() if key != name}) == [f"{name} is missing"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("name", None, "name is null, not str"),
        ("name", ["first"], "name is list ['first'], not str"),
        ("colour", None, "colour is None, not one of red, green"),
        ("colour", "RED", "colour is 'RED', not one of red, green"),
        ("wheels", "spokes", "wheels is str 'spokes', not a list"),
        ("wheels", {"spokes": 1}, "wheels is dict {'spokes': 1}, not a list"),
        ("wheels", None, "wheels is null, not a list"),
        ("wheels", [None], "wheels[0] is null, not an object"),
        ("weights", [1], "weights is list [1], not an object"),
        ("spare", [], "spare is list [], not an object"),
        ("sold", 1, "sold is int 1, not bool"),
        ("sold", "yes", "sold is str 'yes', not bool"),
        ("notes", {"a": 1}, "notes.a is int 1, not str"),
        ("sizes", [1, True], "sizes[1] is bool True, not float"),
        ("sizes", [1.5, None], "sizes[1] is null, not float"),
        ("pulls", {"spokes": "x"}, "pulls.spokes is str 'x', not int"),
        ("pulls", {"load": "hay", "axle": 1}, "pulls.axle is unknown"),
        ("pulls", 3, "pulls is int 3, not one of Wheel, Trailer"),
    ],
)
def test_value_of_another_type_is_refused(name: str, value: object, reason: str) -> None:
    assert refusal(Cart, {**CART, name: value}) == [reason]


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_whole_number_is_an_int_alone(value: object) -> None:
    assert refusal(Wheel, {"spokes": value})[0].startswith("spokes is ")


@pytest.mark.parametrize("document", [None, 3, "spokes", [["spokes", 1]]])
def test_document_that_is_no_object_is_refused(document: object) -> None:
    [reason] = refusal(Wheel, document, "the wheel")
    assert reason.startswith("the document is ")
    assert reason.endswith(", not an object")


def test_long_values_are_shown_in_part() -> None:
    [reason] = refusal(Wheel, {"spokes": "x" * 1000})
    assert len(reason) < 80


def test_list_of_numbers_is_a_tuple_of_floats() -> None:
    sizes = read(Cart, {**CART, "sizes": [1, 2.5]}).sizes
    assert sizes == (1.0, 2.5)
    assert {type(size) for size in sizes} == {float}


def test_union_is_the_first_record_that_fits() -> None:
    assert read(Cart, {**CART, "pulls": {"load": "hay"}}).pulls == Trailer(load="hay")
    assert read(Cart, {**CART, "pulls": {"spokes": 3}}).pulls == Wheel(spokes=3)
    assert read(Cart, {**CART, "pulls": None}).pulls is None


@pytest.mark.parametrize("value", [None, 1, "x", [1, {"a": None}], {"a": [1]}])
def test_object_takes_any_json(value: object) -> None:
    cart = read(Cart, {**CART, "extra": value})
    assert cart.extra == value
    assert read_json(Cart, canonical(cart)) == cart


def test_error_names_the_document_that_it_is_about() -> None:
    with pytest.raises(InvalidRecordError, match=r"^s3://bucket/key: spokes is missing$"):
        read_json(Wheel, b"{}", "s3://bucket/key")
    with pytest.raises(InvalidRecordError, match=r"^Wheel: no JSON: "):
        read_json(Wheel, "<html>")


def test_every_field_is_written() -> None:
    assert to_json(read(Cart, CART)) == {
        "name": "first",
        "colour": "red",
        "wheels": [{"spokes": 8, "width": 2.5}, {"spokes": 10, "width": 3.0}],
        "weights": {"empty": 10.0, "full": 20.5},
        "spare": None,
        "sold": False,
        "sizes": [],
        "notes": {},
        "pulls": None,
        "extra": None,
    }


def test_value_that_is_no_json_is_not_written() -> None:
    with pytest.raises(TypeError, match="set cannot be written as JSON"):
        to_json(Cart(name="x", colour=Colour.RED, wheels=(), weights={}, spare=None, extra={1}))


def test_canonical_text_is_the_same_for_equal_records() -> None:
    one = read(Cart, CART)
    two = read(Cart, dict(reversed({**CART, "weights": {"full": 20.5, "empty": 10.0}}.items())))
    assert one == two
    assert canonical(one) == canonical(two)
    assert canonical(Wheel(spokes=8)) == '{"spokes":8,"width":2.5}'


def test_canonical_text_refuses_numbers_that_are_no_json() -> None:
    for width in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not JSON compliant"):
            canonical(Wheel(spokes=8, width=width))


def modules_of(package: ModuleType) -> list[ModuleType]:
    return [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]


def kinds_in(module: ModuleType) -> Iterator[type[Any]]:
    """The records and enums that a module itself defines."""
    for kind in vars(module).values():
        if isinstance(kind, type) and kind.__module__ == module.__name__:
            yield kind


PACKAGES = (records, requests)
KINDS = sorted(
    {
        kind
        for module in (*(each for package in PACKAGES for each in modules_of(package)), events, model_settings)
        for kind in kinds_in(module)
        if is_dataclass(kind)
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_package_gives_every_type_that_its_modules_define(package: ModuleType) -> None:
    for module in modules_of(package):
        for kind in kinds_in(module):
            assert getattr(package, kind.__name__) is kind
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        getattr(package, "Nothing")  # noqa: B009 - a type checker knows that there is none


def test_records_are_many() -> None:
    assert len(KINDS) > 60


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_record_survives_the_round_trip(kind: type[Any], data: st.DataObject) -> None:
    record = data.draw(generated.records(kind))
    assert read(kind, to_json(record)) == record
    text = canonical(record)
    assert read_json(kind, text) == record
    assert canonical(read_json(kind, text)) == text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_record_is_read_without_its_later_fields_and_not_without_the_others(
    kind: type[Any], data: st.DataObject
) -> None:
    document = to_json(data.draw(generated.records(kind)))
    required = [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]
    read(kind, {name: document[name] for name in required})
    assert refusal(kind, {**document, "not a field": 1}) == ["not a field is unknown"]
    if required:
        assert refusal(kind, {}) == [f"{name} is missing" for name in required]


def test_text_is_read_as_it_came() -> None:
    """Numbers that a text holds stay as exact as JSON's own reader makes them."""
    text = json.dumps({"spokes": 10**30, "width": 0.1})
    assert read_json(Wheel, text) == Wheel(spokes=10**30, width=0.1)
