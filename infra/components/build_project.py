"""A CodeBuild project of a tooling environment, with its log and its role."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.log_group import log_group
from infra.components.pipeline_grants import keep_artifacts
from infra.components.policies import allow, service, use_key
from pipelines.interface.names import CDK_ROLES, Environment

RUNTIMES = {"python": "3.12", "nodejs": "22"}
OWN_TOOLS = 'export PATH="$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH"'
"""Command after which the checkout's own programs come first."""
QUEUED_AT_MOST = Duration.hours(8)


def buildspec(*commands: str, files: Sequence[str] = ()) -> dict[str, Any]:
    """Return the buildspec that runs ``commands`` in one shell; ``files`` become the artifact."""
    return {
        "version": "0.2",
        "env": {"shell": "bash"},
        "phases": {
            "install": {"runtime-versions": RUNTIMES, "commands": ["make setup"]},
            "build": {"commands": [OWN_TOOLS, *commands]},
        },
        **({"artifacts": {"files": list(files)}} if files else {}),
    }


class BuildProject(Construct):
    """The ``project`` that runs a buildspec; ``statements`` are its permissions besides log and artifacts."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        name: str,
        description: str,
        spec: Mapping[str, Any],
        timeout: Duration,
        compute: codebuild.ComputeType,
        artifacts: s3.IBucket,
        key: kms.IKey,
        log_days: int,
        statements: Sequence[iam.PolicyStatement] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        log = log_group(self, name=f"/aws/codebuild/{name}", key=key, days=log_days)
        lines = environment.arn("logs", f"log-group:/aws/codebuild/{name}:*")
        role = iam.Role(
            self,
            "Role",
            role_name=name,
            assumed_by=service("codebuild", environment.account),
            inline_policies={
                "build": iam.PolicyDocument(
                    statements=[
                        allow(["logs:CreateLogStream", "logs:PutLogEvents"], lines),
                        *keep_artifacts(artifacts),
                        use_key(key.key_arn),
                        *statements,
                    ]
                )
            },
        )
        self.project = codebuild.PipelineProject(
            self,
            "Project",
            project_name=name,
            description=description,
            # Otherwise the CDK would add permissions for reports and for logs of other names.
            role=role.without_policy_updates(),
            environment=codebuild.BuildEnvironment(
                build_image=codebuild.LinuxBuildImage.AMAZON_LINUX_2_5, compute_type=compute, privileged=False
            ),
            build_spec=codebuild.BuildSpec.from_object(dict(spec)),
            encryption_key=key,
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log)),
            timeout=timeout,
            queued_timeout=QUEUED_AT_MOST,
        )


def deploy_to(place: Environment) -> iam.PolicyStatement:
    """Allow deploying to one account and region, and to no other, by the roles of its bootstrap."""
    return allow(["sts:AssumeRole"], *(place.cdk_role_arn(kind) for kind in CDK_ROLES))
