"""Checks of the stacks: their states, leftovers of earlier deployments, and stacks of models that left the fleet."""

from collections.abc import Callable, Iterator, Mapping

from botocore.exceptions import ClientError

from mooring.preflight.findings import Finding, blocks, warns
from mooring.preflight.target import Target, code_of, found
from pipelines.interface.names import BUCKETS

CANNOT_BE_UPDATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")


def stack_states(target: Target) -> Iterator[Finding]:
    """Every stack of the environment can be updated."""
    for name, stack in sorted(target.stacks.items()):
        status = stack["StackStatus"]
        if not name.startswith(f"{target.names.id}-"):
            continue
        if status in CANNOT_BE_UPDATED:
            repair = "continue-update-rollback" if status == "UPDATE_ROLLBACK_FAILED" else "delete-stack"
            yield blocks(
                f"the stack {name} is {status}",
                why="CloudFormation refuses to update it",
                remedy=f"read why in its events, then: aws cloudformation {repair} --stack-name {name}",
            )
        elif status.endswith("_IN_PROGRESS"):
            yield warns(
                f"the stack {name} is {status}",
                why="CloudFormation refuses another update until it has ended",
                remedy=f"wait: aws cloudformation wait stack-update-complete --stack-name {name}",
            )


def foreign_stacks(target: Target) -> Iterator[Finding]:
    """Every stack of the environment is one of the fleet's."""
    expected = set(target.assembly.templates)
    for name in sorted(target.stacks):
        if name.startswith(f"{target.names.id}-") and name not in expected:
            yield warns(
                f"the stack {name} is of no model in the fleet's file",
                why="no deployment updates or deletes it any more; its endpoint is still billed",
                remedy=f"put the model back, or retire it; mooring retire {target.names.id} lists how",
            )


def leftovers(target: Target) -> Iterator[Finding]:
    """Nothing has a name that a stack which is not deployed yet will give."""
    for stack, kind, name in _fixed_names(target):
        if not target.is_deployed(stack) and EXISTS[kind](target, name):
            yield blocks(
                f"the {kind} {name} exists, but its stack {stack} does not",
                why="the stack would fail: the name is taken",
                remedy="keep it: cdk deploy --import-existing-resources; or delete it, if nobody needs what it holds",
            )


def _fixed_names(target: Target) -> Iterator[tuple[str, str, str]]:
    """Yield (stack, kind, name) of what the templates name, if it can outlive its stack."""
    names, resources = target.names, target.assembly.resources
    foundation = names.stack("foundation")
    for bucket in BUCKETS:
        yield foundation, "bucket", names.bucket(bucket)
    yield foundation, "table", names.ledger_table
    yield foundation, "key alias", names.key_alias
    for kind, type_name, name in (
        ("log group", "AWS::Logs::LogGroup", "LogGroupName"),
        ("model package group", "AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupName"),
        ("endpoint", "AWS::SageMaker::Endpoint", "EndpointName"),
    ):
        for stack, _, properties in resources(type_name):
            if isinstance(properties.get(name), str):
                yield stack, kind, properties[name]


def _bucket_exists(target: Target, name: str) -> bool:
    try:
        return found(target.client("s3").head_bucket, Bucket=name) is not None
    except ClientError as error:
        # Names of buckets are global: another account may have this one, and S3 then denies.
        if code_of(error) in ("403", "AccessDenied", "Forbidden"):
            return True
        raise


def _log_group_exists(target: Target, name: str) -> bool:
    groups = target.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in groups)


EXISTS: Mapping[str, Callable[[Target, str], bool]] = {
    "bucket": _bucket_exists,
    "table": lambda target, name: found(target.client("dynamodb").describe_table, TableName=name) is not None,
    "key alias": lambda target, name: found(target.client("kms").describe_key, KeyId=name) is not None,
    "log group": _log_group_exists,
    "model package group": lambda target, name: (
        found(target.client("sagemaker").describe_model_package_group, ModelPackageGroupName=name) is not None
    ),
    "endpoint": lambda target, name: found(target.client("sagemaker").describe_endpoint, EndpointName=name) is not None,
}
"""Whether a thing of a kind exists under a name."""
