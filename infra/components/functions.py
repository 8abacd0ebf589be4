"""All functions of an environment, each with what it needs and no more."""

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import layer
from infra.components.function import Function
from infra.components.job_packages import JobPackages
from infra.components.permissions import Permissions
from pipelines.interface.env import FUNCTIONS, ConcludeCheckEnv, CountBatchEnv, DriftCheckEnv, FunctionEnv, PlanRunEnv
from pipelines.interface.landing import LONGEST_S
from pipelines.interface.names import Environment


@dataclass(frozen=True, kw_only=True)
class Size:
    timeout_s: int = 60
    memory_mb: int = 256


SIZES = {
    "verify_release": Size(timeout_s=120),
    "drift_check": Size(timeout_s=300, memory_mb=2048),
    "count_batch": Size(timeout_s=300, memory_mb=2048),
    "conclude_check": Size(timeout_s=300, memory_mb=2048),
    "create_release_states": Size(timeout_s=300),
    # With a whole processor: it hashes, unpacks and counts what arrives.
    "land_files": Size(timeout_s=LONGEST_S, memory_mb=1769),
}
"""Of the functions that need more than the others."""
WITH_LAYER = ("drift_check", "count_batch", "conclude_check")
"""The functions that import numpy or msgspec."""


class Functions(Construct):
    """``by_name``: the function of each folder of ``functions/``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        root: Path,
        key: kms.IKey,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        wheels = lambda_.LayerVersion(
            self,
            "Wheels",
            description="numpy and msgspec for the functions that compute",
            code=lambda_.Code.from_asset(
                str(layer.WHEELS.built()), asset_hash=layer.WHEELS.asset_hash, asset_hash_type=AssetHashType.CUSTOM
            ),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_12],
            compatible_architectures=[lambda_.Architecture.X86_64],
        )
        permissions = Permissions(environment)
        common = {
            "team": environment.team,
            "stage": environment.stage,
            "account": environment.account,
            "region": environment.region,
        }
        own: dict[type[FunctionEnv], dict[str, str]] = {
            DriftCheckEnv: {"key_arn": key.key_arn},
            CountBatchEnv: {"key_arn": key.key_arn},
            ConcludeCheckEnv: {"key_arn": key.key_arn},
            PlanRunEnv: {"packages_uri": JobPackages(self, "JobPackages").uri},
        }
        self.by_name: dict[str, lambda_.Function] = {}
        for name, env_type in FUNCTIONS.items():
            size = SIZES.get(name, Size())
            self.by_name[name] = Function(
                self,
                "".join(word.capitalize() for word in name.split("_")),
                name=name,
                env=env_type(**common, **own.get(env_type, {})),
                root=root,
                statements=permissions.of(name),
                key=key,
                dead_letters=dead_letters,
                layers=[wheels] if name in WITH_LAYER else [],
                timeout_s=size.timeout_s,
                memory_mb=size.memory_mb,
            ).function
