"""One of the environment's state machines, with its log and its role."""

import json
from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.components.asl import State, states_of
from infra.components.log_group import log_group
from infra.components.policies import ISOLATED, allow, pass_role, service
from pipelines.interface.names import Environment

LOG_DELIVERY = [
    f"logs:{action}"
    for action in (
        "CreateLogDelivery",
        "GetLogDelivery",
        "UpdateLogDelivery",
        "DeleteLogDelivery",
        "ListLogDeliveries",
        "PutResourcePolicy",
        "DescribeResourcePolicies",
        "DescribeLogGroups",
    )
]
TRACING = [
    f"xray:{action}" for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
]


class StateMachine(Construct):
    """The ``machine``, which may invoke the functions that its definition names; ``statements`` allow more."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        kind: str,
        definition: State,
        key: kms.IKey,
        log_days: int,
        statements: Sequence[iam.PolicyStatement] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        name = environment.state_machine(kind)
        # AWS adds each log group with another prefix to one policy of the account, which has room for some forty.
        log = log_group(self, name=f"/aws/vendedlogs/states/{name}", key=key, days=log_days)
        resources = {state.get("Resource", "") for state in states_of(definition)}
        functions = sorted(resource for resource in resources if ":function:" in resource)
        role = iam.Role(
            self,
            "Role",
            role_name=name,
            assumed_by=service("states", environment.account),
            inline_policies={
                kind: iam.PolicyDocument(
                    statements=[
                        allow(["lambda:InvokeFunction"], *functions),
                        # AWS has no resource for these two groups of actions.
                        allow(LOG_DELIVERY, "*"),
                        allow(TRACING, "*"),
                        allow(["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn),
                        *statements,
                    ]
                )
            },
        )
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(json.dumps(definition)),
            role=role.without_policy_updates(),
            logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
            encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(key),
            removal_policy=RemovalPolicy.DESTROY,
        )


def map_statements(environment: Environment, kind: str) -> list[iam.PolicyStatement]:
    """Return the permissions of a distributed map: its items are executions of the same machine."""
    return [
        allow(["states:StartExecution"], environment.state_machine_arn(kind)),
        allow(["states:DescribeExecution", "states:StopExecution"], *executions(environment, kind)),
    ]


def executions(environment: Environment, kind: str) -> list[str]:
    """Return the ARNs of a state machine's executions; those of its distributed maps have another form."""
    machine = environment.state_machine(kind)
    return [environment.arn("states", f"execution:{machine}{rest}") for rest in (":*", "/*")]


def job_statements(environment: Environment) -> list[iam.PolicyStatement]:
    """Return the permissions of ``.sync`` for training and processing jobs that are isolated from every network."""
    jobs = [environment.arn("sagemaker", f"{kind}-job/*") for kind in ("training", "processing")]
    rules = (
        "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    )
    return [
        allow(["sagemaker:CreateTrainingJob", "sagemaker:CreateProcessingJob"], *jobs, conditions=ISOLATED),
        allow(
            [
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:StopProcessingJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            *jobs,
        ),
        pass_role(environment.role_arn(environment.job_role("training")), "sagemaker"),
        allow(
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            *(environment.arn("events", f"rule/{rule}") for rule in rules),
        ),
    ]
