"""The role under which EventBridge Scheduler calls the drift check and landing and starts retrainings."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.policies import allow, service, use_key
from pipelines.interface.names import Environment


class SchedulerRole(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        statements = [
            allow(
                ["lambda:InvokeFunction"],
                environment.function_arn("drift_check"),
                environment.function_arn("land_files"),
            ),
            allow(["states:StartExecution"], environment.state_machine_arn("retraining")),
            allow(["sqs:SendMessage"], environment.arn("sqs", environment.dead_letter_queue)),
            use_key(key.key_arn),
        ]
        iam.Role(
            self,
            "Role",
            role_name=environment.scheduler_role,
            assumed_by=service("scheduler", environment.account),
            inline_policies={"start": iam.PolicyDocument(statements=statements)},
        )
