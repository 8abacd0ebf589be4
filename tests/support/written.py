"""Keeps what a release writes, so that later ones can be tested on it.

``python -m tests.support.written 0.1.0`` writes ``tests/fixtures/written_by_0.1.0/``. Run it last before a release is
made; after that its files are never changed.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from moto import mock_aws

from pipelines.interface import events, records, requests, settings
from pipelines.interface.codec import to_json
from pipelines.interface.records import CheckOutcome, QualityOutcome
from tests.support.life import Life
from tests.support.world import ENVIRONMENT, MODEL, World, world

FIXTURES = Path(__file__).parents[1] / "fixtures"
PARAMETERS = (MODEL.settings_parameter, MODEL.release_parameter)
TEXT_SUFFIXES = (".json",)
MODULES = (records, requests, settings, events)
PLAIN: dict[object, Any] = {str: "text", int: 7, float: 0.5, bool: True, object: {"any": [1]}, type(None): None}


def types_of(module: ModuleType) -> Iterator[type[Any]]:
    """Yield the record types of a module, or of the modules of a package."""
    names = [entry.name for entry in iter_modules(getattr(module, "__path__", []))]
    modules = [import_module(f"{module.__name__}.{name}") for name in names] or [module]
    for each in modules:
        for found in vars(each).values():
            if isinstance(found, type) and is_dataclass(found) and found.__module__ == each.__name__:
                yield found


def example(hint: Any) -> Any:
    """Return a value of a type with every field set; the same one each time."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return example(next(each for each in arguments if each is not type(None)))
    if origin is tuple:
        return (example(arguments[0]),)
    if origin in (dict, Mapping):
        return {"key": example(arguments[1])}
    if is_dataclass(hint):
        assert isinstance(hint, type)
        hints = get_type_hints(hint)
        return hint(**{field.name: example(hints[field.name]) for field in fields(hint)})
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return next(iter(hint))
    return PLAIN[hint]


def record_documents() -> dict[str, Any]:
    """Return an example of each record type as JSON, by the type's module and name."""
    kinds = [kind for module in MODULES for kind in types_of(module)]
    return {f"{kind.__module__}.{kind.__qualname__}": to_json(example(kind)) for kind in kinds}


def live(found: World, folder: Path) -> None:
    """Let a model have everything that the flows and checks record."""
    life = Life(world=found, folder=folder)
    life.commit("2013-01.csv")
    life.released(life.registered())
    life.commit("2013-02.csv.gz")
    life.failed()
    life.checked(1, 1, CheckOutcome.STABLE)
    life.checked(1, 2, CheckOutcome.DRIFT)
    life.measured(1, "w1", QualityOutcome.HELD)


def contents(found: World) -> dict[str, Any]:
    """Return the ledger's items, the parameters, and the objects whose keys end in ``TEXT_SUFFIXES``."""
    s3, ssm = found.client("s3"), found.client("ssm")
    items = found.client("dynamodb").scan(TableName=ENVIRONMENT.ledger_table)["Items"]
    objects = {
        kind: {
            key: s3.get_object(Bucket=ENVIRONMENT.bucket(kind), Key=key)["Body"].read().decode()
            for key in found.services.bucket(kind).keys("")
            if key.endswith(TEXT_SUFFIXES)
        }
        for kind in ("data", "artifacts")
    }
    parameters = ssm.get_parameters(Names=list(PARAMETERS))["Parameters"]
    return {
        "ledger": sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])),
        "objects": objects,
        "parameters": {entry["Name"]: {"Type": entry["Type"], "Value": entry["Value"]} for entry in parameters},
    }


def restore(found: World, kept: Mapping[str, Any]) -> None:
    """Put what ``contents`` returned into an environment."""
    for item in kept["ledger"]:
        found.client("dynamodb").put_item(TableName=ENVIRONMENT.ledger_table, Item=item)
    for kind, objects in kept["objects"].items():
        for key, text in objects.items():
            found.client("s3").put_object(Bucket=ENVIRONMENT.bucket(kind), Key=key, Body=text.encode())
    for name, entry in kept["parameters"].items():
        found.client("ssm").put_parameter(Name=name, Overwrite=True, **entry)


def main(version: str) -> None:
    folder = FIXTURES / f"written_by_{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with mock_aws(), pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as temporary:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", ENVIRONMENT.region)
        made = world.__wrapped__()  # type: ignore[attr-defined]
        found = next(made)
        live(found, Path(temporary))
        documents = {"records.json": record_documents(), "environment.json": contents(found)}
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
