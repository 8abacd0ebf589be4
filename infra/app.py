"""The CDK app: adds the stacks of each environment of the fleet. It alone reads files and context.

Context: ``fleet=PATH`` chooses another fleet file, ``environment=ID`` selects one environment.
"""

import sys
from pathlib import Path

from aws_cdk import App

from infra.components.source_bundle import SourceMissingError
from infra.fleet import Fleet, FleetEnvironment, FleetError, load
from infra.fleet.quotas import exceeded
from infra.stacks.foundation import FoundationStack
from infra.stacks.operations import OperationsStack
from infra.stacks.registry import RegistryStack
from infra.stacks.serving import ServingStack
from infra.wheels import WheelsNotBuiltError
from pipelines.interface.names import QUALIFIER

ROOT = Path(__file__).resolve().parent.parent
FLAGS = {
    # Access logs are allowed by bucket policy; ACLs do not work on buckets that enforce their owner.
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    # Without this an encrypted queue would admit the rules of every account.
    "@aws-cdk/aws-events:eventsTargetQueueSameAccount": True,
    "@aws-cdk/core:target-partitions": ["aws"],
    "@aws-cdk/core:bootstrapQualifier": QUALIFIER,
}


def new_app(outdir: str | None = None) -> App:
    return App(analytics_reporting=False, auto_synth=False, outdir=outdir, post_cli_context=FLAGS)


def build(app: App, fleet: Fleet, *, environment_id: str | None = None, root: Path = ROOT) -> None:
    """Add the stacks of every environment, or of one; ``root`` is the folder of ``functions`` and ``pipelines``."""
    chosen = [fleet.environment(environment_id)] if environment_id else fleet.environments()
    for environment in chosen:
        add_environment(app, environment, root)


def add_environment(app: App, environment: FleetEnvironment, root: Path) -> None:
    foundation = FoundationStack(app, environment=environment)
    operations = OperationsStack(app, environment=environment, root=root)
    operations.add_stack_dependency(foundation)
    for slot, models in environment.registry().items():
        registry = RegistryStack(app, environment=environment, slot=slot, models=models, root=root)
        registry.add_stack_dependency(operations)
        for model in models:
            ServingStack(app, environment=environment, model=model).add_stack_dependency(registry)


def main() -> None:
    app = new_app()
    path = app.node.try_get_context("fleet") or str(ROOT / "fleet.yaml")
    try:
        fleet = load(Path(path))
        for need in exceeded(fleet):
            print(f"Quota: {need}", file=sys.stderr)
        build(app, fleet, environment_id=app.node.try_get_context("environment"))
    except (FleetError, WheelsNotBuiltError, SourceMissingError) as error:
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
