"""Writes the golden templates, the tables of permissions and costs, and the list of instance types: ``make golden``.

One environment is stored as whole templates: the first team's dev. A second team and prod are stored as lists of their
differences from it, after their names are replaced by those of dev. The first team's pipelines are a template too. JSON
in a string is stored parsed, below ``JSON``, for reviews; hashes of assets are masked.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from botocore.loaders import Loader

from infra import instances, permission_table
from infra.cost import Prices, table
from infra.fleet import FleetEnvironment
from infra.synthesis import FLAGS_FILE, new_app
from pipelines.interface.codec import Json
from tests.support.synth import example_fleet, example_stacks, example_templates, promotion_template

FOLDER = Path(__file__).parent / "golden"
README = Path(__file__).parents[2] / "README.md"
WHOLE = "arrivals-dev-us-east-1"
COMPARED = ("network-dev-eu-west-1", "arrivals-prod-us-east-1")
PIPELINES = "arrivals-tooling-eu-west-1-promotion"
OWN_FLAGS = ("@aws-cdk/core:target-partitions",)
"""Flags whose value is ours: the CDK recommends both of its partitions."""
JSON = "<JSON>"
"""Key of the value of a parsed string, which would else look like an object of the template."""

_ASSET = re.compile(r"\b[0-9a-f]{64}\b")
_PATH_HASH = re.compile(r"[0-9A-F]{16}$|[0-9A-F]{8}$")
"""Hash at the end of a logical id that contains the name of a stack or of a model."""


def current() -> dict[str, str]:
    """Return the content of every golden file, by its name."""
    templates = _templates(WHOLE)
    return {
        **{f"{WHOLE}-{kind}.json": _text(template) for kind, template in templates.items()},
        **{f"{name}.differences.json": _text(differences(name)) for name in COMPARED},
        f"{PIPELINES}.json": _text(readable(promotion_template())),
    }


def differences(name: str) -> dict[str, Json]:
    """Return the differences of another environment from ``WHOLE``, by the kind of the stack."""
    whole, names = _names(WHOLE), dict(zip(_names(name), _names(WHOLE), strict=True))
    others = _templates(name)
    return {
        kind: list(compare(_renamed(template, dict(zip(whole, whole, strict=True))), _renamed(others[kind], names)))
        for kind, template in _templates(WHOLE).items()
    }


def compare(dev: Json, other: Json, path: str = "") -> Iterator[dict[str, Json]]:
    """Yield the differences of two documents; ``dev`` or ``other`` is left out if that side has no value."""
    if isinstance(dev, dict) and isinstance(other, dict):
        for name in sorted({*dev, *other}):
            place = f"{path}.{name}" if path else name
            if name not in other:
                yield {"path": place, "dev": dev[name]}
            elif name not in dev:
                yield {"path": place, "other": other[name]}
            else:
                yield from compare(dev[name], other[name], place)
    elif isinstance(dev, list) and isinstance(other, list) and len(dev) == len(other):
        if path.endswith(".Resource"):
            # The CDK sorts the resources of a statement by their names.
            dev, other = sorted(dev, key=str), sorted(other, key=str)
        for number, (one, two) in enumerate(zip(dev, other, strict=True)):
            yield from compare(one, two, f"{path}[{number}]")
    elif dev != other:
        yield {"path": path, "dev": dev, "other": other}


def readable(value: Json) -> Json:
    """Return a part of a template with its JSON strings parsed and its assets' hashes masked."""
    if isinstance(value, dict):
        return {name: readable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return {JSON: readable(json.loads(value))}
        except ValueError:
            pass
    return _ASSET.sub("<asset>", value) if isinstance(value, str) else value


def _text(document: Json) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _environment(name: str) -> FleetEnvironment:
    return example_fleet().environment(name)


def _templates(name: str) -> dict[str, Json]:
    """Return the readable templates of an environment by the kinds of their stacks."""
    (model,) = _environment(name).team.models
    registry = _environment(name).names.model(model.name).stack("registry")
    return {
        ("registry" if stack == registry else stack.removeprefix(f"{name}-{model.name}-").removeprefix(f"{name}-")): (
            readable(template)
        )
        for stack, template in example_templates().items()
        if stack.startswith(name)
    }


def _names(name: str) -> list[str]:
    environment = _environment(name)
    names, (model,) = environment.names, environment.team.models
    # The first two are part of logical ids. The last two are replaced as whole values only.
    ids = [name.replace("-", "") for name in (names.id, model.name)]
    return [*ids, names.id, names.account, names.region, model.name, names.team, names.stage]


def _renamed(value: Json, names: Mapping[str, str]) -> Json:
    """Return a part of a template with the ``names`` of one environment replaced by those of another."""
    if isinstance(value, dict):
        return {_renamed_text(name, names): _renamed(item, names) for name, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return _renamed_text(value, names) if isinstance(value, str) else value


def _renamed_text(text: str, names: Mapping[str, str]) -> str:
    if text in names:
        return names[text]
    in_logical_ids, parts = list(names)[:2], list(names)[2:-2]
    for part in in_logical_ids:
        if part in text:
            return _PATH_HASH.sub("<hash>", text).replace(part, names[part])
    for part in parts:
        text = text.replace(part, names[part])
    return text


def instance_types() -> dict[str, list[str]]:
    """Return botocore's lists of instance types by the fleet file's names of their uses."""
    shapes = Loader().load_service_model("sagemaker", "service-2")["shapes"]
    named = {"training": "Training", "processing": "Processing", "serving": "ProductionVariant"}
    return {use: sorted(shapes[f"{name}InstanceType"]["enum"]) for use, name in named.items()}


def page_of_costs(text: str) -> str:
    """Return README.md with the current table of costs."""
    return table.page(text, example_stacks(), Prices.load(), "arrivals", "us-east-1")


def feature_flags() -> dict[str, bool | str]:
    """Return the CDK's feature flags with their recommended values."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = json.loads((Path(new_app(folder).synth().directory) / "manifest.json").read_text(encoding="utf-8"))
    flags = manifest["artifacts"]["aws-cdk-lib/feature-flag-report"]["properties"]["flags"]
    return {name: flag["recommendedValue"] for name, flag in sorted(flags.items()) if name not in OWN_FLAGS}


def main() -> None:
    os.environ["CDK_VALIDATION"] = "false"
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.json"):
        stale.unlink()
    files = current()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    permission_table.main()
    README.write_text(page_of_costs(README.read_text(encoding="utf-8")), encoding="utf-8")
    FLAGS_FILE.write_text(json.dumps(feature_flags(), indent=1) + "\n", encoding="utf-8")
    instances.FILE.write_text(json.dumps(instance_types(), indent=1) + "\n", encoding="utf-8")
    print(f"Wrote {len(files)} files to {FOLDER}, and the tables in {permission_table.PAGE} and {README}")


if __name__ == "__main__":
    main()
