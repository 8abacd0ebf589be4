"""The archive of the packages that jobs need and their container lacks, published once per environment."""

from aws_cdk import AssetHashType
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.job_packages import NAME, WHEELS


class JobPackages(Construct):
    """The archive's asset; ``uri`` is its place after a deployment."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._asset = assets.Asset(
            self,
            "Asset",
            path=str(WHEELS.built() / NAME),
            asset_hash=WHEELS.asset_hash,
            asset_hash_type=AssetHashType.CUSTOM,
        )

    @property
    def uri(self) -> str:
        return self._asset.s3_object_url
