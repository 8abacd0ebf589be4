"""One Lambda function of ``functions/``, with its code, log, role and dead-letter queue."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Duration, IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.log_group import log_group
from infra.components.policies import allow, service, use_key
from infra.functions import FunctionSpec
from pipelines.interface.env import FunctionEnv


def code_patterns(spec: FunctionSpec) -> list[str]:
    """Return the allow-list of one function's package, as .gitignore patterns that leave everything else out."""
    patterns = ["/*", *_only("functions", [spec.name]), *_only("pipelines", sorted(spec.packages))]
    return [*patterns, "__pycache__", "*.pyc"]


def _only(folder: str, inside: list[str]) -> list[str]:
    """Return patterns that include a folder's __init__.py and the folders ``inside``, which may be paths."""
    patterns = [f"!/{folder}", f"/{folder}/*", f"!/{folder}/__init__.py"]
    for name in dict.fromkeys(path.partition("/")[0] for path in inside):
        deeper = [path.partition("/")[2] for path in inside if path.partition("/")[0] == name]
        patterns += _only(f"{folder}/{name}", deeper) if all(deeper) else [f"!/{folder}/{name}"]
    return patterns


class Function(Construct):
    """The ``function`` with its log and its role; ``env`` holds the values of its variables.

    ``statements`` are its permissions, besides writing its log and using the environment's key.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: FunctionSpec,
        statements: Sequence[iam.PolicyStatement],
        env: FunctionEnv,
        root: Path,
        key: kms.IKey,
        dead_letters: sqs.IQueue,
        layers: Sequence[lambda_.ILayerVersion],
        log_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        environment = env.environment
        physical_name = environment.function(spec.name)
        log = log_group(self, name=f"/aws/lambda/{physical_name}", key=key, days=log_days)
        writes = allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            environment.arn("logs", f"log-group:/aws/lambda/{physical_name}:*"),
        )
        undelivered = allow(["sqs:SendMessage"], dead_letters.queue_arn)
        role = iam.Role(
            self,
            "Role",
            role_name=physical_name,
            assumed_by=service("lambda", environment.account),
            inline_policies={
                spec.name: iam.PolicyDocument(statements=[*statements, writes, undelivered, use_key(key.key_arn)])
            },
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=physical_name,
            description=f"functions/{spec.name} of {environment.id}",
            runtime=lambda_.Runtime.PYTHON_3_12,
            architecture=lambda_.Architecture.X86_64,
            handler=spec.handler,
            code=lambda_.Code.from_asset(str(root), ignore_mode=IgnoreMode.GIT, exclude=code_patterns(spec)),
            environment=env.to_environment(),
            # Otherwise CDK would add a second policy with the same permissions.
            role=role.without_policy_updates(),
            layers=layers,
            log_group=log,
            timeout=Duration.seconds(spec.timeout_s),
            memory_size=spec.memory_mb,
            dead_letter_queue=dead_letters,
        )
