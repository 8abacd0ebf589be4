"""The app: fleet -> environments -> stacks. The only reader of files and context.

Context: ``fleet=PATH`` chooses another fleet file, ``environment=ID`` narrows to one environment.
"""

import sys
from pathlib import Path
from typing import Any

from aws_cdk import App

from infra.fleet import Fleet, FleetEnvironment, FleetError, load
from infra.stacks.foundation import FoundationStack
from infra.stacks.model import ModelStack
from infra.stacks.operations import OperationsStack
from infra.stacks.serving import ServingStack

ROOT = Path(__file__).resolve().parent.parent
FLAGS = {
    # Access logs are allowed by bucket policy; ACLs do not work on buckets that enforce their owner.
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/core:target-partitions": ["aws"],
}


def build(fleet: Fleet, *, environment_id: str | None = None, outdir: str | None = None) -> App:
    """The app with the stacks of every environment, or of one."""
    app = App(analytics_reporting=False, outdir=outdir, post_cli_context=FLAGS)
    chosen = [fleet.environment(environment_id)] if environment_id else list(fleet.environments())
    for environment in chosen:
        add_environment(app, environment)
    return app


def add_environment(app: App, environment: FleetEnvironment) -> None:
    foundation = FoundationStack(app, environment=environment)
    operations = OperationsStack(app, environment=environment, root=ROOT)
    operations.add_stack_dependency(foundation)
    for model in environment.team.models:
        model_stack = ModelStack(app, environment=environment, model=model, root=ROOT)
        model_stack.add_stack_dependency(operations)
        ServingStack(app, environment=environment, model=model).add_stack_dependency(model_stack)


def main() -> None:
    context: Any = App(analytics_reporting=False).node
    fleet_path = context.try_get_context("fleet") or str(ROOT / "fleet.yaml")
    try:
        build(load(Path(fleet_path)), environment_id=context.try_get_context("environment")).synth()
    except FleetError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
