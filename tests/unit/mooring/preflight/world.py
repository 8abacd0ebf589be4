"""A healthy account as a table of answers, with every stack of one environment deployed."""

import json
from concurrent.futures import Future
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from infra import fleet
from infra.fleet import FleetEnvironment
from mooring import permissions
from mooring.bootstrap import TOOLKIT_STACK
from mooring.preflight.assembly import Assembly
from mooring.preflight.target import Target
from pipelines.interface.names import QUALIFIER
from pipelines.interface.release_state import ReleaseState
from tests.support.fake_aws import FakeAws, refusal

FLEET = Path(__file__).parents[3] / "support" / "fleet.yaml"
ENVIRONMENT = fleet.load(FLEET).environment("arrivals-dev-us-east-1")
NAMES = ENVIRONMENT.names
MODEL = NAMES.model("late-arrival")
FOUNDATION, OPERATIONS, SERVING = NAMES.stack("foundation"), NAMES.stack("operations"), MODEL.stack("serving")
FUNCTION = NAMES.function("take_lease")
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}

TEMPLATES: dict[str, Any] = {
    FOUNDATION: {
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
            "Budget": {"Type": "AWS::Budgets::Budget", "Properties": {}},
        }
    },
    OPERATIONS: {
        "Parameters": {"KeyArn": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": NAMES.key_parameter}},
        "Resources": {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"FunctionName": FUNCTION, "Runtime": "python3.12"},
            },
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Policies": [
                        {
                            "PolicyDocument": {
                                "Statement": [
                                    {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Ref": "KeyArn"}},
                                    {
                                        "Effect": "Allow",
                                        "Action": ["iam:PassRole"],
                                        "Resource": "arn:aws:iam::111111111111:role/jobs",
                                        "Condition": {
                                            "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
                                        },
                                    },
                                ]
                            }
                        }
                    ]
                },
            },
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"DefinitionString": {"Fn::Join": ["", [json.dumps(MACHINE)]]}},
            },
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/aws/lambda/{FUNCTION}"}},
            "Rule": {"Type": "AWS::Events::Rule", "Properties": {}},
        },
    },
    MODEL.stack("serving"): {
        "Resources": {
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": MODEL.package_group},
            },
            "Settings": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": MODEL.settings_parameter, "Value": "{}"},
            },
            "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointName": MODEL.endpoint}},
            "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {}},
        }
    },
}


def settings() -> str:
    return ENVIRONMENT.model_settings(ENVIRONMENT.team.models[0], code_uri="s3://code/source.tar.gz").to_json()


POLICIES = {
    f"arn:aws:iam::{NAMES.account}:policy/{name}": document
    for name, document in (
        (permissions.COMMON, permissions.common(NAMES.account)),
        (NAMES.boundary, permissions.boundary(NAMES, ENVIRONMENT.trainers())),
        (NAMES.deployer, permissions.deployer(NAMES)),
    )
}
"""Documents of the bootstrap's policies by ARN."""
ATTACHED = [arn for arn in POLICIES if not arn.endswith(NAMES.boundary)]


def toolkit(*, version: str = "32", qualifier: str = QUALIFIER) -> Any:
    """Return the stack of the bootstrap alone."""
    parameters = {"Qualifier": qualifier, "CloudFormationExecutionPolicies": ",".join(ATTACHED)}
    stack = {
        "StackName": TOOLKIT_STACK,
        "StackStatus": "CREATE_COMPLETE",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Outputs": [{"OutputKey": "BootstrapVersion", "OutputValue": version}],
    }
    return {"Stacks": [stack]}


def stacks(*names: str, status: str = "UPDATE_COMPLETE", version: str = "32") -> Any:
    """Return a function that describes all stacks, or the one that a request names."""
    found = [*toolkit(version=version)["Stacks"], *({"StackName": name, "StackStatus": status} for name in names)]
    return lambda request: {"Stacks": [one for one in found if request.get("StackName") in (None, one["StackName"])]}


def attached(*more: str) -> Any:
    return {"AttachedPolicies": [{"PolicyArn": arn} for arn in (*ATTACHED, *more)]}


def policies_without(missing: str) -> Any:
    def get_policy(request: Any) -> Any:
        if request["PolicyArn"].endswith(missing):
            raise refusal("NoSuchEntity")
        return {"Policy": {"DefaultVersionId": "v1"}}

    return get_policy


def instance_quotas(value: float, *kinds: str) -> Any:
    uses = ("training job usage", "processing job usage", "endpoint usage")
    names = [f"{kind} for {use}" for kind in kinds for use in uses]
    return {"Quotas": [{"QuotaName": name, "QuotaCode": "L-1", "Value": value} for name in names]}


def parameters(**changed: str | None) -> Any:
    values = {"settings": settings(), "release": ReleaseState().to_value()} | changed
    found = [("settings", MODEL.settings_parameter), ("release", MODEL.release_parameter)]
    return {"Parameters": [{"Name": name, "Value": values[what]} for what, name in found if values[what] is not None]}


def key_policy(*services: str) -> Any:
    principals = [{"Service": f"{name}.amazonaws.com"} for name in services]
    statements = [{"Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt"} for principal in principals]
    root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*"}
    return {"Policy": json.dumps({"Statement": [root, *statements]})}


def simulated(decision: str) -> Any:
    return lambda request: {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision}
            for action in request["ActionNames"]
            for resource in request["ResourceArns"]
        ]
    }


def identity(*, account: str = NAMES.account, moment: datetime | None = None) -> Any:
    date = format_datetime(moment or datetime.now(UTC), usegmt=True)
    return {"Account": account, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}


HEALTHY: dict[str, Any] = {
    "sts.get_caller_identity": lambda _: identity(),
    "account.get_region_opt_status": {"RegionOptStatus": "ENABLED_BY_DEFAULT"},
    "lambda.get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
    "lambda.get_function_configuration": {"Runtime": "python3.12", "State": "Active", "LastUpdateStatus": "Successful"},
    "cloudtrail.describe_trails": {"trailList": [{"TrailARN": "trail"}]},
    "cloudtrail.get_trail_status": {"IsLogging": True},
    "ce.list_cost_allocation_tags": {"CostAllocationTags": [{"TagKey": "mooring:environment", "Status": "Active"}]},
    "cloudformation.describe_stacks": stacks(*TEMPLATES),
    "cloudformation.list_stack_resources": lambda request: {
        "StackResourceSummaries": [
            {"LogicalResourceId": name, "PhysicalResourceId": f"the-{name}", "ResourceType": resource["Type"]}
            for name, resource in TEMPLATES[request["StackName"]]["Resources"].items()
        ]
    },
    "service-quotas.list_aws_default_service_quotas": instance_quotas(0, "ml.m5.large", "ml.t3.medium"),
    "service-quotas.list_service_quotas": instance_quotas(20, "ml.m5.large", "ml.t3.medium"),
    "service-quotas.get_service_quota": {"Quota": {"Value": 300}},
    "sagemaker.list_endpoints": {"Endpoints": []},
    "sagemaker.list_training_jobs": {"TrainingJobSummaries": []},
    "sagemaker.list_processing_jobs": {"ProcessingJobSummaries": []},
    "iam.get_account_summary": {"SummaryMap": {"Roles": 40, "RolesQuota": 1000}},
    "iam.list_attached_role_policies": attached(),
    "iam.list_role_policies": {"PolicyNames": []},
    "iam.get_policy": {"Policy": {"DefaultVersionId": "v1"}},
    "iam.get_policy_version": lambda request: {"PolicyVersion": {"Document": POLICIES[request["PolicyArn"]]}},
    "iam.get_role": {
        "Role": {
            "AssumeRolePolicyDocument": {"Statement": [{"Principal": {"Service": "cloudformation.amazonaws.com"}}]}
        }
    },
    "iam.simulate_principal_policy": simulated("allowed"),
    "events.list_rules": {"Rules": [{}] * 7},
    "ssm.describe_parameters": {"Parameters": [{}] * 3},
    "ssm.get_service_setting": {"ServiceSetting": {"SettingValue": "false"}},
    "ssm.get_parameter": {"Parameter": {"Value": "arn:aws:kms:us-east-1:111111111111:key/k"}},
    "ssm.get_parameters_by_path": parameters(),
    "application-autoscaling.describe_scalable_targets": {"ScalableTargets": []},
    "ec2.describe_instance_type_offerings": {
        "InstanceTypeOfferings": [{"InstanceType": "m5.large"}, {"InstanceType": "t3.medium"}]
    },
    "ecr.batch_get_image": {"images": [{}]},
    "stepfunctions.validate_state_machine_definition": {"diagnostics": []},
    "kms.describe_key": {"KeyMetadata": {"KeyId": "k", "KeyState": "Enabled"}},
    "kms.get_key_policy": key_policy("cloudwatch", "events", "budgets", "scheduler"),
    "sns.list_subscriptions_by_topic": {
        "Subscriptions": [{"Endpoint": "arrivals@example.com", "SubscriptionArn": "arn:aws:sns:s"}]
    },
    "budgets.describe_budget": {"Budget": {"BudgetLimit": {"Amount": "800"}}},
}


def target(
    answers: dict[str, Any] | None = None,
    *,
    environment: FleetEnvironment = ENVIRONMENT,
    templates: dict[str, Any] = TEMPLATES,
) -> Target:
    """Return the environment in a healthy account, apart from ``answers``."""
    assembly: Future[Assembly] = Future()
    assembly.set_result(Assembly(templates=templates, bootstrap_version=8))
    return Target(environment, clients=FakeAws({**HEALTHY, **(answers or {})}), assembly=assembly)


def changed_fleet(tmp_path: Path, *changes: tuple[str, str]) -> FleetEnvironment:
    """Return the environment of a fleet whose file differs."""
    text = FLEET.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file = tmp_path / "fleet.yaml"
    file.write_text(text)
    return fleet.load(file).environment(NAMES.id)
