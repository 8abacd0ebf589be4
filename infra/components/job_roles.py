"""A model's two execution roles: one for its jobs, one for its endpoint."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.policies import allow, pull_image, service, use_key
from pipelines.interface.names import Model
from pipelines.interface.paths import RunFiles


class JobRoles(Construct):
    """The roles ``training`` and ``serving``, which reach the objects of this model only."""

    def __init__(self, scope: Construct, construct_id: str, *, model: Model, dataset: str, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        environment = model.environment
        artifacts, capture, data = (
            f"arn:aws:s3:::{environment.bucket(kind)}" for kind in ("artifacts", "capture", "data")
        )
        runs = RunFiles(model.name, "*").prefix.removesuffix("/")
        objects = f"datasets/{dataset}/objects/*"
        common = [
            allow(["ecr:GetAuthorizationToken"], "*"),
            pull_image(environment),
            allow(
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                environment.arn("logs", "log-group:/aws/sagemaker/*"),
            ),
            allow(
                ["cloudwatch:PutMetricData"],
                "*",
                conditions={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
            ),
            use_key(key.key_arn),
            # SageMaker needs these as well, for outputs and captured traffic.
            allow(["kms:DescribeKey", "kms:Encrypt"], key.key_arn),
            # SageMaker encrypts the instances' volumes by a grant on the key. It is not among the services whose grants
            # fulfil kms:GrantIsForAWSResource.
            allow(["kms:CreateGrant"], key.key_arn),
        ]
        self.training = self._role(
            "training",
            model,
            [
                allow(["s3:GetObject"], f"{data}/{objects}", f"{artifacts}/{runs}"),
                allow(["s3:PutObject"], f"{artifacts}/{runs}"),
                self._list(data, f"datasets/{dataset}/objects/*"),
                self._list(artifacts, runs),
                *common,
            ],
        )
        self.serving = self._role(
            "serving",
            model,
            [
                allow(["s3:GetObject"], f"{artifacts}/{runs}"),
                self._list(artifacts, runs),
                allow(["s3:PutObject"], f"{capture}/{model.name}/*"),
                *common,
            ],
        )

    def _list(self, bucket: str, prefix: str) -> iam.PolicyStatement:
        return allow(["s3:ListBucket"], bucket, conditions={"StringLike": {"s3:prefix": [prefix]}})

    def _role(self, job: str, model: Model, statements: list[iam.PolicyStatement]) -> iam.Role:
        return iam.Role(
            self,
            job.capitalize(),
            role_name=model.role(job),
            assumed_by=service("sagemaker", model.environment.account),
            inline_policies={job: iam.PolicyDocument(statements=statements)},
        )
