"""The model package group of a model; it and its packages are retained when the stack is deleted."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from pipelines.interface.names import Model


class PackageGroup(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, model: Model) -> None:
        super().__init__(scope, construct_id)
        group = sagemaker.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=model.package_group,
            model_package_group_description=f"Versions of {model.name} in {model.environment.id}",
        )
        group.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
