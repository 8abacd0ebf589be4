"""The table of Lambda functions: one row holds all that infra knows of a function.

To add one, write ``functions/<name>/handler.py`` and a row here; CONTRIBUTING.md says how. The table of permissions in
docs/reference/flows.md is made from these rows (``make golden``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from infra.fleet.promotion import Promotion
from infra.grants import Grants
from pipelines.interface.env import (
    BeginReleaseEnv,
    CheckEnv,
    FunctionEnv,
    ImportReleaseEnv,
    PlanRunEnv,
    RequestPromotionEnv,
)
from pipelines.interface.landing import LONGEST_S

Statements = Sequence[iam.PolicyStatement]

CORE = ("aws", "interface")
"""Packages of ``pipelines`` that every function has."""
RETRAINING = (*CORE, "flows/retraining")
RELEASE = (*CORE, "flows/release")
MONITORING = (*CORE, "monitoring", "pages", "statistics")
PROMOTION = (*RELEASE, "flows/promotion")


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """One Lambda function.

    ``name`` is its folder in ``functions/``, ``flow`` its caller. ``packages`` are the folders of ``pipelines`` that
    its code imports: no other goes into its package. ``may`` returns its permissions, besides writing its own log and
    using the environment's key. ``has`` says which environments have the function. The fields of ``env`` are its
    variables; ``layer`` says that it imports numpy or msgspec; all functions have the layer of boto3.
    """

    name: str
    flow: str
    packages: tuple[str, ...]
    may: Callable[[Grants], Statements]
    has: Callable[[Promotion | None], bool] = lambda _: True
    env: type[FunctionEnv] = FunctionEnv
    timeout_s: int = 60
    memory_mb: int = 256
    layer: bool = False

    @property
    def handler(self) -> str:
        return f"functions.{self.name}.handler.handle"


def _promotes(promotion: Promotion | None) -> bool:
    return promotion is not None and bool(promotion.following)


def _imports(promotion: Promotion | None) -> bool:
    return promotion is not None and promotion.source is not None


def _count_traffic(grants: Grants) -> list[iam.PolicyStatement]:
    return [
        grants.read_settings_and_release(),
        grants.describe_package(),
        grants.list_artifacts(),
        grants.read_capture(),
        grants.quarantine_capture(),
        grants.read_runs(),
        grants.keep_checks(),
    ]


FUNCTIONS = (
    FunctionSpec(
        name="take_lease",
        flow="retraining",
        packages=RETRAINING,
        may=lambda grants: [grants.read_settings(), grants.ledger("UpdateItem", "PutItem")],
    ),
    FunctionSpec(
        name="plan_run",
        flow="retraining",
        packages=(*RETRAINING, "datasets/commits", "tables"),
        env=PlanRunEnv,
        may=lambda grants: [
            grants.read_plan_parameters(),
            grants.ledger("UpdateItem"),
            grants.read_datasets(),
            grants.list_data(),
            grants.write_scratch(),
            # The code is the newest deployment's, or that of the run that it reproduces.
            grants.read_code_bundles(),
            grants.keep_sources(),
            grants.read_runs(),
            grants.list_artifacts(),
            grants.describe_package(),
        ],
    ),
    FunctionSpec(
        name="judge_candidate",
        flow="retraining",
        packages=RETRAINING,
        may=lambda grants: [grants.read_settings(), grants.read_runs(), grants.list_artifacts()],
    ),
    FunctionSpec(
        name="compare_reproduction",
        flow="retraining",
        packages=RETRAINING,
        may=lambda grants: [grants.read_runs(), grants.list_artifacts()],
    ),
    FunctionSpec(
        name="register_candidate",
        flow="retraining",
        packages=RETRAINING,
        # It hashes the model's artifact, at most some gigabytes: one whole processor comes with 1,769 MB.
        timeout_s=300,
        memory_mb=1769,
        may=lambda grants: [
            grants.read_settings(),
            grants.read_runs(),
            *grants.keep_artifact(),
            grants.list_artifacts(),
            grants.ledger("UpdateItem"),
            *grants.register_package(),
            grants.describe_package(),
        ],
    ),
    FunctionSpec(
        name="finish_run",
        flow="retraining",
        packages=RETRAINING,
        may=lambda grants: [grants.ledger("UpdateItem", "PutItem", "Query"), grants.publish(), grants.alert()],
    ),
    FunctionSpec(
        name="approve_package",
        flow="release",
        packages=RELEASE,
        may=lambda grants: [
            grants.update_package(),
            grants.describe_package(),
            grants.read_settings(),
            grants.ledger("UpdateItem"),
        ],
    ),
    FunctionSpec(
        name="begin_release",
        flow="release",
        packages=RELEASE,
        env=BeginReleaseEnv,
        # It hashes the model's artifact, at most some gigabytes: one whole processor comes with 1,769 MB.
        timeout_s=300,
        memory_mb=1769,
        may=lambda grants: [
            grants.describe_package(),
            grants.read_runs(),
            grants.list_artifacts(),
            grants.ledger("UpdateItem", "PutItem", "DeleteItem"),
            grants.write_release(),
            grants.describe_releases(),
            grants.stacks("DescribeStacks"),
            grants.describe_chain(),
            *grants.keep_endpoint_logs(),
            *grants.approve_promoted(),
        ],
    ),
    FunctionSpec(
        name="update_serving",
        flow="release",
        packages=RELEASE,
        may=lambda grants: [
            grants.stacks("DescribeStacks", "ContinueUpdateRollback"),
            *grants.update_stacks(),
            grants.write_release(),
            grants.resolve_release(),
            grants.ledger("UpdateItem"),
            grants.describe_chain(),
        ],
    ),
    FunctionSpec(
        name="read_serving",
        flow="release",
        packages=RELEASE,
        may=lambda grants: [grants.stacks("DescribeStacks", "DescribeStackEvents"), grants.read_release()],
    ),
    FunctionSpec(
        name="verify_release",
        flow="release",
        packages=RELEASE,
        timeout_s=120,
        may=lambda grants: [
            grants.stacks("DescribeStacks"),
            grants.describe_chain(),
            grants.describe_package(),
            grants.invoke_endpoint(),
            grants.read_runs(),
            grants.list_artifacts(),
        ],
    ),
    FunctionSpec(
        name="finish_release",
        flow="release",
        packages=RELEASE,
        may=lambda grants: [
            grants.ledger("UpdateItem", "PutItem", "DeleteItem", "Query"),
            grants.write_release(),
            grants.stacks("DescribeStacks"),
            grants.describe_releases(),
            grants.describe_chain(),
            grants.sweep(),
            grants.publish(),
            grants.alert(),
        ],
    ),
    FunctionSpec(
        name="request_promotion",
        flow="mooring promote",
        packages=PROMOTION,
        has=_promotes,
        env=RequestPromotionEnv,
        # It hashes the model's artifact, at most some gigabytes: one whole processor comes with 1,769 MB.
        timeout_s=300,
        memory_mb=1769,
        may=lambda grants: [
            grants.read_settings(),
            grants.ledger(),
            grants.describe_package(),
            grants.read_run_versions(),
            grants.list_artifacts(),
            grants.keep_records(),
            grants.sign_records(),
            *grants.hand_over(),
        ],
    ),
    FunctionSpec(
        name="import_release",
        flow="promotion",
        packages=(*CORE, "flows/promotion"),
        has=_imports,
        env=ImportReleaseEnv,
        # It reads the artifact in the other account, copies it, and may read a copy of an earlier attempt.
        timeout_s=900,
        memory_mb=1769,
        may=lambda grants: [
            grants.read_settings(),
            grants.ledger("PutItem"),
            *grants.take_releases(),
            grants.list_artifacts(),
            grants.keep_records(),
            *grants.register_package(),
            grants.describe_package(),
        ],
    ),
    FunctionSpec(
        name="prepare_promotion",
        flow="promotion",
        packages=PROMOTION,
        has=_imports,
        may=lambda grants: [
            grants.read_settings(),
            grants.ledger("UpdateItem"),
            grants.keep_records(),
            grants.list_artifacts(),
        ],
    ),
    FunctionSpec(
        name="conclude_promotion",
        flow="promotion",
        packages=PROMOTION,
        has=_imports,
        may=lambda grants: [
            grants.ledger("UpdateItem", "Query"),
            grants.keep_records(),
            grants.list_artifacts(),
        ],
    ),
    FunctionSpec(
        name="smoke_test",
        flow="promotion",
        packages=PROMOTION,
        has=lambda promotion: promotion is not None,
        timeout_s=300,
        may=lambda grants: [
            grants.ledger("Query"),
            grants.describe_flows(),
            grants.describe_chain(),
            grants.describe_package(),
            grants.invoke_endpoint(),
            grants.read_runs(),
            grants.list_artifacts(),
        ],
    ),
    FunctionSpec(
        name="drift_check",
        flow="schedule of each model",
        packages=MONITORING,
        env=CheckEnv,
        timeout_s=300,
        memory_mb=2048,
        layer=True,
        may=lambda grants: [
            *_count_traffic(grants),
            grants.list_capture(),
            grants.start_checks(),
            grants.ledger("PutItem", "Query"),
            grants.publish(),
            grants.alert(),
        ],
    ),
    FunctionSpec(
        name="count_batch",
        flow="checks",
        packages=MONITORING,
        env=CheckEnv,
        timeout_s=300,
        memory_mb=2048,
        layer=True,
        may=_count_traffic,
    ),
    FunctionSpec(
        name="conclude_check",
        flow="checks",
        packages=MONITORING,
        env=CheckEnv,
        timeout_s=300,
        memory_mb=2048,
        layer=True,
        may=lambda grants: [
            grants.read_settings_and_release(),
            grants.describe_package(),
            grants.list_artifacts(),
            grants.read_runs(),
            grants.keep_checks(),
            grants.ledger("PutItem", "Query"),
            grants.publish(),
            grants.alert(),
        ],
    ),
    FunctionSpec(
        name="finish_check",
        flow="checks",
        packages=(*CORE, "monitoring/drift"),
        may=lambda grants: [grants.describe_checks(), grants.ledger("PutItem"), grants.alert()],
    ),
    FunctionSpec(
        name="land_files",
        flow="landing queue and schedule",
        packages=(*CORE, "datasets/commits", "datasets/landing", "tables"),
        timeout_s=LONGEST_S,
        # 1,769 MB come with one whole processor, for hashing, unpacking and counting the files.
        memory_mb=1769,
        may=lambda grants: [
            grants.list_data(),
            *grants.land_files(),
            grants.read_all_settings(),
            grants.ledger("Query", "UpdateItem", "PutItem"),
            grants.publish(),
            grants.alert(),
        ],
    ),
    FunctionSpec(
        name="create_release_states",
        flow="deployment (custom resource)",
        packages=RELEASE,
        timeout_s=300,
        may=lambda grants: [grants.write_release(), grants.resolve_release(), grants.describe_endpoint()],
    ),
    FunctionSpec(
        name="create_log_groups",
        flow="deployment (custom resource)",
        packages=CORE,
        timeout_s=300,
        may=lambda grants: grants.keep_job_logs(),
    ),
)

DRIVE_PROMOTION = FunctionSpec(
    name="drive_promotion",
    flow="promotion, in a tooling environment",
    packages=(*CORE, "flows/promotion"),
    may=lambda grants: grants.drive_promotions(),
)
"""The one function of a tooling environment."""
