"""The asset of a model's source."""

from pathlib import Path

from aws_cdk import Stage
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.model_source import bundle


class SourceBundle(Construct):
    """The ``asset`` of a model's source, staged with the templates; ``uri`` is its place after a deployment."""

    def __init__(self, scope: Construct, construct_id: str, *, root: Path, program: str) -> None:
        super().__init__(scope, construct_id)
        stage = Stage.of(self)
        assert stage is not None
        path = Path(stage.outdir) / "source" / f"{program}.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bundle(root, program))
        self.asset = assets.Asset(self, "Asset", path=str(path))

    @property
    def uri(self) -> str:
        return self.asset.s3_object_url
