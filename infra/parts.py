"""The parts in which an environment is synthesized, each on its own, and the key of a part's finished result.

A part cannot read what its key does not cover: its environment is cut down to the part's models and stage.
"""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from infra.fleet import FleetEnvironment

CODE = ("functions", "infra", "pipelines")
"""Folders whose files decide what the templates and the assets hold."""
LOCKS = "requirements-*.lock"
"""Locks of the wheels that layers and jobs get; an asset's name is the digest of its lock."""
LIBRARIES = ("aws-cdk-lib", "constructs", "jsii")
VARIABLES = ("CDK_DEBUG", "CDK_DISABLE_STACK_TRACE", "CDK_VALIDATION", "JSII_HOST_STACK_TRACES")
"""Variables by which the CDK library writes other files."""
SELECTING = ("aws:cdk:bundling-stacks", "environment", "fleet")
"""Context that chooses what is synthesized, and never changes how."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Stacks of one environment that are synthesized together; a tooling environment is one part.

    ``slot`` is the number of a Registry stack, which comes with the Serving stacks of its models; it is None for the
    stacks that all models share. Those see no model: a model's change leaves them as they are.
    """

    environment: FleetEnvironment
    slot: int | None = None

    def key(self, inputs: str) -> str:
        """Return the digest of all that decides the part's files; ``inputs`` is that of ``digest_inputs``."""
        fleet = self.environment.fleet.model_dump(mode="json", exclude_unset=True)
        text = json.dumps([inputs, self.environment.names.id, self.slot, fleet], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def parts_of(environment: FleetEnvironment) -> Iterator[Part]:
    """Yield an environment's parts in the order of their stacks."""
    if environment.is_tooling:
        yield Part(environment=environment.of_pipelines())
        return
    yield Part(environment=environment.narrowed(()))
    for slot, models in environment.registry().items():
        yield Part(environment=environment.narrowed(models), slot=slot)


def digest_inputs(root: Path, context: Mapping[str, object], variables: Mapping[str, str]) -> str:
    """Return the digest of what decides every part's files: code, locks, versions, context and variables."""
    found = hashlib.sha256()
    files = list(root.glob(LOCKS))
    files += [path for folder in CODE for path in (root / folder).rglob("*") if "__pycache__" not in path.parts]
    for path in sorted(files):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    settings = {
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
        "context": {name: value for name, value in context.items() if name not in SELECTING},
        "variables": {name: variables.get(name) for name in VARIABLES},
    }
    found.update(json.dumps(settings, sort_keys=True).encode())
    return found.hexdigest()
