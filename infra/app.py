"""The CDK app: writes the cloud assembly of the fleet's environments. It alone reads files and context.

Context: ``fleet=PATH`` chooses another fleet file; ``environment=ID``, or several as ``ID,ID``, selects environments.
``cdk --exclusively`` tells the app which stacks it will use: then only their environments are synthesized.
"""

import json
import os
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infra.archives import Archives
from infra.cache import write_assembly
from infra.cost import Prices, over_budget, read_assembly
from infra.fleet import Fleet, FleetEnvironment, FleetError, load
from infra.fleet.problems import Problem
from infra.fleet.quotas import exceeded
from infra.model_source import SourceMissingError
from infra.parts import digest_inputs
from infra.wheels import WheelsNotBuiltError

ROOT = Path(__file__).resolve().parent.parent
ARCHIVES = ROOT / "build" / "synthesis"
EXCLUSIVE = "aws:cdk:bundling-stacks"
"""Context in which the CDK CLI lists the patterns of ``--exclusively``, else ``**`` or nothing."""
COMPLEX = frozenset("!(){}+@|")
"""Characters of the patterns of the CLI that have a meaning there only: with one of them, everything is asked for."""


def read_context(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the context that the CDK CLI gives to an app, in a variable and, what does not fit there, in a file."""
    context = dict(json.loads(variables.get("CDK_CONTEXT_JSON") or "{}"))
    if rest := variables.get("CONTEXT_OVERFLOW_LOCATION_ENV"):
        context |= json.loads(Path(rest).read_text(encoding="utf-8"))
    return context


def select(fleet: Fleet, context: Mapping[str, Any]) -> list[FleetEnvironment]:
    """Return the environments that are asked for; all of them if the context names none.

    Raises
    ------
    FleetError
        The context names an environment that the fleet does not have.
    """
    found = fleet.deployable()
    if named := context.get("environment"):
        names = str(named).split(",")
        if absent := [name for name in names if name not in found]:
            raise FleetError([Problem("environment", name, f"one of {', '.join(found)}") for name in absent])
        return [found[name] for name in names]
    environments = list(found.values())
    patterns = [str(pattern) for pattern in context.get(EXCLUSIVE) or ()]
    if any(COMPLEX & set(pattern) for pattern in patterns):
        return environments
    return [each for each in environments if _matches(each, patterns)] or environments


def _matches(environment: FleetEnvironment, patterns: list[str]) -> bool:
    return any(fnmatchcase(stack, pattern) for stack in environment.stacks() for pattern in patterns)


def main() -> None:
    context = read_context(os.environ)
    path = Path(context.get("fleet") or ROOT / "fleet.yaml")
    folder = Path(os.environ.get("CDK_OUTDIR") or "cdk.out")
    try:
        fleet = load(path)
        for need in exceeded(fleet):
            print(f"Quota: {need}", file=sys.stderr)
        write_assembly(
            select(fleet, context),
            folder,
            root=ROOT,
            inputs=digest_inputs(ROOT, context, os.environ),
            archives=Archives(ARCHIVES),
            on_line=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except (FleetError, WheelsNotBuiltError, SourceMissingError) as error:
        sys.exit(str(error))
    warn_of_cost(fleet, folder)


def warn_of_cost(fleet: Fleet, assembly: Path) -> None:
    """Print a warning for each synthesized environment that costs more than its budget before it has any traffic."""
    budgets = {name: environment.team.monthly_budget_usd for name, environment in fleet.deployable().items()}
    for warning in over_budget(read_assembly(assembly), budgets, Prices.load()):
        print(warning, file=sys.stderr)


if __name__ == "__main__":
    main()
