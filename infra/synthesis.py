"""Synthesizes stacks with the CDK: whole fleets into one app, or one part into a folder of its own."""

import json
from pathlib import Path

from aws_cdk import App, CfnWaitConditionHandle, Stack

from infra.fleet import Fleet
from infra.parts import Part, parts_of
from infra.stacks.foundation import FoundationStack
from infra.stacks.operations import OperationsStack
from infra.stacks.promotion import PromotionStack
from infra.stacks.registry import RegistryStack
from infra.stacks.serving import ServingStack
from pipelines.interface.names import QUALIFIER

ROOT = Path(__file__).resolve().parent.parent
FLAGS_FILE = Path(__file__).with_name("feature_flags.json")
"""Every feature flag of the CDK with the value that it recommends; ``make golden`` writes the file anew."""
FLAGS = {
    **json.loads(FLAGS_FILE.read_text(encoding="utf-8")),
    "@aws-cdk/core:target-partitions": ["aws"],
    "@aws-cdk/core:bootstrapQualifier": QUALIFIER,
}


def new_app(outdir: str | None = None) -> App:
    return App(analytics_reporting=False, auto_synth=False, outdir=outdir, post_cli_context=FLAGS)


def build(app: App, fleet: Fleet, *, root: Path = ROOT) -> None:
    """Add the stacks of every environment; ``root`` is the folder of ``functions`` and ``pipelines``."""
    for environment in fleet.deployable().values():
        shared, *slots = parts_of(environment)
        operations = add_shared(app, shared, root)
        for slot in slots:
            add_models(app, slot, root, operations)


def synthesize(part: Part, folder: Path, root: Path = ROOT) -> None:
    """Write the cloud assembly of one part; that of a slot has a stand-in for the Operations stack, by its name."""
    app = new_app(str(folder))
    if part.slot is None:
        add_shared(app, part, root)
    else:
        operations = Stack(app, part.environment.names.stack("operations"), description="Stand-in")
        # The CDK's validation refuses an empty template.
        CfnWaitConditionHandle(operations, "Handle")
        add_models(app, part, root, operations)
    app.synth()


def add_shared(app: App, part: Part, root: Path) -> Stack:
    """Add the stacks that all models of an environment share, or a tooling environment's; return the last one."""
    if part.environment.is_tooling:
        return PromotionStack(app, environment=part.environment, root=root)
    foundation = FoundationStack(app, environment=part.environment)
    operations = OperationsStack(app, environment=part.environment, root=root)
    operations.add_stack_dependency(foundation)
    return operations


def add_models(app: App, part: Part, root: Path, operations: Stack) -> None:
    """Add the Registry stack of a slot, and the Serving stacks of its models."""
    environment = part.environment
    for slot, models in environment.registry().items():
        registry = RegistryStack(app, environment=environment, slot=slot, models=models, root=root)
        registry.add_stack_dependency(operations)
        for model in models:
            ServingStack(app, environment=environment, model=model).add_stack_dependency(registry)
