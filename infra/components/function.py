"""One Lambda function of ``functions/``: its code by allow-list, its log, its role, and where its failures go."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.policies import allow, service, use_key
from pipelines.interface.env import FunctionEnv

NOT_IN_A_LAMBDA = ("datasets/forgetting", "jobs", "models", "pages", "views")
"""Packages of ``pipelines`` that only jobs, containers and the operator's tool run."""


def code_patterns(name: str) -> list[str]:
    """The allow-list of one function's package, as .gitignore patterns that take everything else away."""
    return [
        "/*",
        "!/functions",
        "/functions/*",
        "!/functions/__init__.py",
        f"!/functions/{name}",
        "!/pipelines",
        *(f"/pipelines/{package}" for package in NOT_IN_A_LAMBDA),
        "__pycache__",
        "*.pyc",
    ]


class Function(Construct):
    """``function``, which may do what ``statements`` say, and use the environment's key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        env: FunctionEnv,
        root: Path,
        statements: Sequence[iam.PolicyStatement],
        key: kms.IKey,
        dead_letters: sqs.IQueue,
        layers: Sequence[lambda_.ILayerVersion],
        timeout_s: int,
        memory_mb: int,
    ) -> None:
        super().__init__(scope, construct_id)
        environment = env.environment
        physical_name = environment.function(name)
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{physical_name}",
            retention=logs.RetentionDays.THREE_MONTHS,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        writes = allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            environment.arn("logs", f"log-group:/aws/lambda/{physical_name}:*"),
        )
        undelivered = allow(["sqs:SendMessage"], dead_letters.queue_arn)
        role = iam.Role(
            self,
            "Role",
            assumed_by=service("lambda", environment.account),
            inline_policies={
                name: iam.PolicyDocument(statements=[*statements, writes, undelivered, use_key(key.key_arn)])
            },
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=physical_name,
            description=f"functions/{name} of {environment.id}",
            runtime=lambda_.Runtime.PYTHON_3_12,
            architecture=lambda_.Architecture.X86_64,
            handler=env.HANDLER,
            code=lambda_.Code.from_asset(str(root), ignore_mode=IgnoreMode.GIT, exclude=code_patterns(name)),
            environment=env.to_environment(),
            # Without this CDK would grant the same rights once more, in a policy of its own.
            role=role.without_policy_updates(),
            layers=list(layers),
            log_group=log,
            timeout=Duration.seconds(timeout_s),
            memory_size=memory_mb,
            dead_letter_queue=dead_letters,
        )
