"""An environment's two execution roles: one for the jobs of all models, one for their endpoints.

SageMaker uses these roles itself, to fetch inputs and to store outputs. The containers never have their credentials:
jobs and endpoints run with network isolation, which the conditions of ``job_statements`` and of the release deployer
demand, and a request for a job is made by the retraining flow alone. docs/decisions/0020-shared-roles-and-stacks.md
says what the models of a team share.
"""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.policies import allow, pull_image, service, use_key
from pipelines.interface.names import JOB_ROLES, Environment
from pipelines.interface.paths import RunFiles, capture_prefix, code_key, object_key, packages_key


class JobRoles(Construct):
    """The roles ``training`` and ``serving``."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        artifacts, capture, data = (
            f"arn:aws:s3:::{environment.bucket(kind)}" for kind in ("artifacts", "capture", "data")
        )
        files, objects = RunFiles("*", "*"), object_key("*", "*")
        runs, scratch, sources = f"{files.prefix}*", f"{files.scratch}*", (code_key("*"), packages_key("*"))
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
            # SageMaker encrypts the instances' volumes by a grant on the key.
            allow(["kms:CreateGrant"], key.key_arn, conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        ]
        statements = {
            "training": [
                allow(
                    ["s3:GetObject"], f"{data}/{objects}", *(f"{artifacts}/{key}" for key in (runs, scratch, *sources))
                ),
                allow(["s3:PutObject"], f"{artifacts}/{runs}", f"{artifacts}/{scratch}"),
                self._list(data, objects),
                self._list(artifacts, runs, scratch, *sources),
            ],
            "serving": [
                allow(["s3:GetObject"], f"{artifacts}/{runs}"),
                self._list(artifacts, runs),
                allow(["s3:PutObject"], f"{capture}/{capture_prefix('*', '*')}/*"),
            ],
        }
        for job in JOB_ROLES:
            iam.Role(
                self,
                job.capitalize(),
                role_name=environment.job_role(job),
                description=f"SageMaker's role for {job} in {environment.id}",
                assumed_by=service("sagemaker", environment.account),
                inline_policies={job: iam.PolicyDocument(statements=[*statements[job], *common])},
            )

    def _list(self, bucket: str, *prefixes: str) -> iam.PolicyStatement:
        return allow(["s3:ListBucket"], bucket, conditions={"StringLike": {"s3:prefix": list(prefixes)}})
