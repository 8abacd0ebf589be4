"""Accounts in which a check finds something: what differs from a healthy one, and what the finding says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mooring.preflight.findings import Verdict
from tests.support.fake_aws import refusal
from tests.unit.mooring.preflight import world
from tests.unit.mooring.preflight.world import MODEL, NAMES, OPERATIONS, SERVING, TEMPLATES

BLOCKS, WARNS = Verdict.BLOCKS, Verdict.WARNS
NO_STACKS = {"cloudformation.describe_stacks": world.stacks()}
MISSING = refusal("NotFoundException", "it does not exist")
NOTHING_LEFT = {
    "s3.head_bucket": refusal("404"),
    "dynamodb.describe_table": refusal("ResourceNotFoundException"),
    "kms.describe_key": refusal("NotFoundException"),
    "logs.describe_log_groups": {"logGroups": []},
    "sagemaker.describe_model_package_group": refusal("ValidationException", "the group does not exist."),
    "sagemaker.describe_endpoint": refusal("ValidationException", 'Could not find endpoint "arn".'),
}


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An account in which ``check`` finds something: what differs from a healthy one, and what the finding says."""

    check: str
    says: str
    verdict: Verdict = BLOCKS
    answers: dict[str, Any] = field(default_factory=dict)
    fleet: tuple[tuple[str, str], ...] = ()
    templates: dict[str, Any] = field(default_factory=dict)


def one_more(kind: str, count: int = 1, **properties: Any) -> dict[str, Any]:
    """Return the templates with more resources of a type in Operations."""
    more = {f"More{number}": {"Type": kind, "Properties": properties} for number in range(count)}
    template = {**TEMPLATES[OPERATIONS], "Resources": {**TEMPLATES[OPERATIONS]["Resources"], **more}}
    return {**TEMPLATES, OPERATIONS: template}


BROKEN = [
    Broken(check="credentials", says="of account 9", answers={"sts.get_caller_identity": world.identity(account="9")}),
    Broken(
        check="region", says="is DISABLED", answers={"account.get_region_opt_status": {"RegionOptStatus": "DISABLED"}}
    ),
    Broken(
        check="clock",
        says="differs from AWS's by",
        answers={"sts.get_caller_identity": lambda _: world.identity(moment=datetime.now(UTC) - timedelta(minutes=6))},
    ),
    Broken(
        check="clock",
        verdict=WARNS,
        says="differs from AWS's by",
        answers={"sts.get_caller_identity": lambda _: world.identity(moment=datetime.now(UTC) + timedelta(minutes=2))},
    ),
    Broken(check="templates", says="501 resources", templates=one_more("AWS::Events::Rule", 496)),
    Broken(
        check="parameter-sizes",
        says="4,097 bytes",
        templates=one_more("AWS::SSM::Parameter", Name="/p", Value="x" * 4097),
    ),
    Broken(
        check="endpoint-quota",
        says="'ml.m5.large for endpoint usage' is 1, 0 of it in use by others; the fleet needs 2",
        answers={"service-quotas.list_service_quotas": world.instance_quotas(1, "ml.m5.large")},
    ),
    Broken(
        check="endpoint-quota",
        says="no quota 'ml.m5.large for endpoint usage'",
        answers={
            "service-quotas.list_service_quotas": {"Quotas": []},
            "service-quotas.list_aws_default_service_quotas": world.instance_quotas(1, "ml.c5.large"),
        },
    ),
    Broken(
        check="endpoint-quota",
        says="is 20, 19 of it in use by others; the fleet needs 2",
        answers={
            "sagemaker.list_endpoints": {"Endpoints": [{"EndpointName": "theirs"}, {"EndpointName": MODEL.endpoint}]},
            "sagemaker.describe_endpoint": {
                "EndpointConfigName": "config",
                "ProductionVariants": [{"VariantName": "v", "CurrentInstanceCount": 19}],
            },
            "sagemaker.describe_endpoint_config": {
                "ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.m5.large"}]
            },
        },
    ),
    Broken(
        check="endpoint-quota",
        verdict=WARNS,
        says="the fleet needs 24",
        fleet=(("{instance_type: ml.m5.large}", "{instance_type: ml.m5.large, min_instances: 2, max_instances: 12}"),),
    ),
    Broken(
        check="training-quota",
        says="training job usage' is 0, 0 of it in use by others; the fleet needs 1",
        answers={"service-quotas.list_service_quotas": world.instance_quotas(0, "ml.m5.large")},
    ),
    Broken(
        check="training-quota",
        says="is 20, 20 of it in use by others",
        answers={
            "sagemaker.list_training_jobs": {"TrainingJobSummaries": [{"TrainingJobName": "theirs"}]},
            "sagemaker.describe_training_job": {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 20}},
        },
    ),
    Broken(
        check="processing-quota",
        says="is 20, 20 of it in use by others",
        fleet=(("defaults:\n  serving", "defaults:\n  processing: {instance_type: ml.m5.large}\n  serving"),),
        answers={
            "sagemaker.list_processing_jobs": {"ProcessingJobSummaries": [{"ProcessingJobName": "theirs"}]},
            "sagemaker.describe_processing_job": {
                "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 20}}
            },
        },
    ),
    Broken(
        check="stack-quota",
        says="1 stacks of 3 are in use, and arrivals-dev-us-east-1 needs 3 more",
        answers={**NO_STACKS, "service-quotas.get_service_quota": {"Quota": {"Value": 3}}},
    ),
    Broken(
        check="role-quota",
        says="1000 IAM roles of 1000 are in use, and arrivals-dev-us-east-1 needs 1 more",
        answers={**NO_STACKS, "iam.get_account_summary": {"SummaryMap": {"Roles": 1000, "RolesQuota": 1000}}},
    ),
    Broken(
        check="rule-quota",
        says="7 rules on the default event bus of 7",
        answers={**NO_STACKS, "service-quotas.get_service_quota": {"Quota": {"Value": 7}}},
    ),
    Broken(
        check="parameter-quota",
        says="10000 standard parameters of 10000",
        answers={**NO_STACKS, "ssm.describe_parameters": {"Parameters": [{}] * 10_000}},
    ),
    Broken(
        check="scaling-quota",
        says="500 scaling targets of SageMaker of 500",
        answers={
            **NO_STACKS,
            "service-quotas.get_service_quota": {"Quota": {"Value": 500}},
            "application-autoscaling.describe_scalable_targets": {"ScalableTargets": [{}] * 500},
        },
    ),
    Broken(
        check="concurrency",
        verdict=WARNS,
        says="at most 10 functions",
        answers={"lambda.get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 10}}},
    ),
    Broken(
        check="instance-types",
        says="does not offer m5.large in us-east-1",
        answers={"ec2.describe_instance_type_offerings": {"InstanceTypeOfferings": [{"InstanceType": "t3.medium"}]}},
    ),
    Broken(check="image", says="there is no image 683313688378", answers={"ecr.batch_get_image": {"images": []}}),
    Broken(
        check="bootstrap",
        says="stack MooringToolkit is absent",
        answers={"cloudformation.describe_stacks": refusal("ValidationError", "Stack does not exist")},
    ),
    Broken(
        check="bootstrap",
        says="has Qualifier 'hnb659fds' instead of 'mooring'",
        answers={"cloudformation.describe_stacks": world.toolkit(qualifier="hnb659fds")},
    ),
    Broken(
        check="bootstrap",
        says="has the foreign policies arn:aws:iam::aws:policy/AdministratorAccess",
        answers={"iam.list_attached_role_policies": world.attached("arn:aws:iam::aws:policy/AdministratorAccess")},
    ),
    Broken(
        check="bootstrap",
        says=f"{NAMES.boundary} is absent",
        answers={"iam.get_policy": world.policies_without(NAMES.boundary)},
    ),
    Broken(
        check="bootstrap",
        verdict=WARNS,
        says="has other statements",
        answers={"iam.get_policy_version": {"PolicyVersion": {"Document": {"Statement": []}}}},
    ),
    Broken(
        check="bootstrap-version",
        says="has version 7, the templates need 8",
        answers={"cloudformation.describe_stacks": world.stacks(version="7")},
    ),
    Broken(
        check="stacks",
        says=f"the stack {SERVING} is UPDATE_ROLLBACK_FAILED",
        answers={"cloudformation.describe_stacks": world.stacks(SERVING, status="UPDATE_ROLLBACK_FAILED")},
    ),
    Broken(
        check="stacks",
        verdict=WARNS,
        says="is UPDATE_IN_PROGRESS",
        answers={"cloudformation.describe_stacks": world.stacks(SERVING, status="UPDATE_IN_PROGRESS")},
    ),
    Broken(
        check="foreign-stacks",
        verdict=WARNS,
        says="arrivals-dev-us-east-1-gone-serving is of no model",
        answers={"cloudformation.describe_stacks": world.stacks(*TEMPLATES, f"{NAMES.id}-gone-serving")},
    ),
    *(
        Broken(check="leftovers", says=says, answers={**NO_STACKS, **NOTHING_LEFT, call: answer})
        for says, call, answer in (
            (f"the bucket {NAMES.bucket('data')} exists", "s3.head_bucket", {}),
            (f"the bucket {NAMES.bucket('data')} exists", "s3.head_bucket", refusal("403")),
            (f"the table {NAMES.ledger_table} exists", "dynamodb.describe_table", {}),
            (f"the key alias {NAMES.key_alias} exists", "kms.describe_key", {}),
            (f"the endpoint {MODEL.endpoint} exists", "sagemaker.describe_endpoint", {}),
            (f"group {MODEL.package_group} exists", "sagemaker.describe_model_package_group", {}),
            (
                f"the log group /aws/lambda/{world.FUNCTION} exists",
                "logs.describe_log_groups",
                {"logGroups": [{"logGroupName": f"/aws/lambda/{world.FUNCTION}"}]},
            ),
        )
    ),
    Broken(
        check="roles",
        says="the role the-Role may not iam:PassRole on arn:aws:iam::111111111111:role/jobs",
        answers={"iam.simulate_principal_policy": world.simulated("explicitDeny")},
    ),
    Broken(
        check="scaling-role",
        verdict=WARNS,
        says="no service-linked role",
        fleet=(("{instance_type: ml.m5.large}", "{instance_type: ml.m5.large, min_instances: 1, max_instances: 2}"),),
        answers={"iam.get_role": refusal("NoSuchEntity")},
    ),
    Broken(
        check="state-machines",
        says="MISSING_TRANSITION_TARGET at /States/A: no B",
        answers={
            "stepfunctions.validate_state_machine_definition": {
                "diagnostics": [
                    {
                        "severity": "ERROR",
                        "code": "MISSING_TRANSITION_TARGET",
                        "location": "/States/A",
                        "message": "no B",
                    }
                ]
            }
        },
    ),
    Broken(
        check="functions",
        says="is missing",
        answers={"lambda.get_function_configuration": refusal("ResourceNotFoundException")},
    ),
    Broken(
        check="functions",
        says="its last update Failed: no room",
        answers={
            "lambda.get_function_configuration": {
                "Runtime": "python3.12",
                "LastUpdateStatus": "Failed",
                "LastUpdateStatusReason": "no room",
            }
        },
    ),
    Broken(
        check="functions",
        verdict=WARNS,
        says="runs on python3.9",
        answers={"lambda.get_function_configuration": {"Runtime": "python3.9"}},
    ),
    Broken(check="key", says="there is no key", answers={"kms.describe_key": MISSING}),
    Broken(
        check="key",
        says="is PendingDeletion",
        answers={"kms.describe_key": {"KeyMetadata": {"KeyId": "k", "KeyState": "PendingDeletion"}}},
    ),
    Broken(
        check="key",
        says="does not admit budgets.amazonaws.com",
        answers={"kms.get_key_policy": world.key_policy("cloudwatch", "events", "scheduler")},
    ),
    Broken(
        check="parameters",
        says=f"{MODEL.settings_parameter} is missing",
        answers={"ssm.get_parameters_by_path": world.parameters(settings=None)},
    ),
    Broken(
        check="parameters",
        says=f"{MODEL.release_parameter} is missing",
        answers={"ssm.get_parameters_by_path": world.parameters(release=None)},
    ),
    Broken(
        check="parameters",
        says=MODEL.settings_parameter,
        answers={"ssm.get_parameters_by_path": world.parameters(settings='{"model": 1}')},
    ),
    Broken(
        check="parameters",
        says="release state 'none,none': 2 items",
        answers={"ssm.get_parameters_by_path": world.parameters(release="none,none")},
    ),
    Broken(
        check="alerts",
        verdict=WARNS,
        says="arrivals@example.com has not confirmed",
        answers={
            "sns.list_subscriptions_by_topic": {
                "Subscriptions": [{"Endpoint": "arrivals@example.com", "SubscriptionArn": "PendingConfirmation"}]
            }
        },
    ),
    Broken(
        check="budget",
        verdict=WARNS,
        says="is missing, in the fleet $800",
        answers={"budgets.describe_budget": refusal("NotFoundException")},
    ),
    Broken(
        check="budget",
        verdict=WARNS,
        says="is $10, in the fleet $800",
        answers={"budgets.describe_budget": {"Budget": {"BudgetLimit": {"Amount": "10"}}}},
    ),
    Broken(
        check="cost-tag",
        verdict=WARNS,
        says="is Inactive, not Active",
        answers={
            "ce.list_cost_allocation_tags": {
                "CostAllocationTags": [{"TagKey": "mooring:environment", "Status": "Inactive"}]
            }
        },
    ),
    Broken(
        check="audit-trail",
        verdict=WARNS,
        says="no trail of CloudTrail logs",
        answers={"cloudtrail.get_trail_status": {"IsLogging": False}},
    ),
]
