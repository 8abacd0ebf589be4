"""The properties of all stacks: account, region, tags, description, protection."""

from typing import Any

from aws_cdk import DefaultStackSynthesizer, Environment

from infra.fleet import FleetEnvironment
from pipelines.interface.names import ENVIRONMENT_TAG


def stack_properties(
    environment: FleetEnvironment, what: str, *, stateful: bool, model: str | None = None
) -> dict[str, Any]:
    """Return the keyword arguments of a stack; its tags reach every resource, and so the bill."""
    names = environment.names
    tags = {ENVIRONMENT_TAG: names.id, "mooring:team": names.team, "mooring:stage": names.stage}
    return {
        "env": Environment(account=names.account, region=names.region),
        "description": f"Mooring, {f'{model} in ' if model else ''}{names.id}: {what}",
        "tags": tags | ({"mooring:model": model} if model else {}),
        "termination_protection": stateful and environment.is_production,
        # The CLI checks the bootstrap's version itself. If the stack had it as a parameter, the release role would need
        # the permission to read it.
        "synthesizer": DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
    }
