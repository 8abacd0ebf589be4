"""A layer of the functions: wheels that a lock file pins."""

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.wheels import Wheels
from pipelines.interface.names import Environment


def function_layer(
    scope: Construct, construct_id: str, *, environment: Environment, description: str, wheels: Wheels
) -> lambda_.LayerVersion:
    return lambda_.LayerVersion(
        scope,
        construct_id,
        layer_version_name=environment.layer(construct_id.lower()),
        description=description,
        code=lambda_.Code.from_asset(
            str(wheels.built()), asset_hash=wheels.asset_hash, asset_hash_type=AssetHashType.CUSTOM
        ),
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_12],
        compatible_architectures=[lambda_.Architecture.X86_64],
    )
