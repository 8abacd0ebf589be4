"""A CodePipeline of type V2 with its role, and the actions that our pipelines have."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.components.pipeline_grants import keep_artifacts
from infra.components.policies import service, use_key
from pipelines.interface.names import Environment

Action = codepipeline.CfnPipeline.ActionDeclarationProperty
Stage = codepipeline.CfnPipeline.StageDeclarationProperty
Variable = codepipeline.CfnPipeline.VariableDeclarationProperty

SOURCE = "Source"
"""Name of the first stage, of its action, and of the namespace of that action's variables."""
APPROVAL = "Approve"
"""Name of the action of each stage that waits for a person."""
EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"


def action(
    name: str,
    category: str,
    provider: str,
    configuration: Mapping[str, str],
    *,
    order: int = 1,
    takes: Sequence[str] = (),
    gives: Sequence[str] = (),
    namespace: str | None = None,
) -> Action:
    """Return an action of AWS's own; ``takes`` and ``gives`` are the names of its artifacts."""
    return Action(
        name=name,
        action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=dict(configuration),
        run_order=order,
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=each) for each in takes] or None,
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name=each) for each in gives] or None,
        namespace=namespace,
    )


def approve(what: str, topic: sns.ITopic, *, order: int) -> Action:
    """Return the action that waits for a person; it mails the owners."""
    configuration = {"NotificationArn": topic.topic_arn, "CustomData": what}
    return action(APPROVAL, "Approval", "Manual", configuration, order=order)


def run_machine(name: str, machine_arn: str, request: Mapping[str, str], *, order: int) -> Action:
    """Return the action that runs the team's promotion state machine with ``request``."""
    configuration = {"StateMachineArn": machine_arn, "InputType": "Literal", "Input": json.dumps(request)}
    return action(name, "Invoke", "StepFunctions", configuration, order=order)


class Pipeline(Construct):
    """The pipeline ``kind`` of a tooling environment; ``statements`` are what its actions need besides artifacts."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        kind: str,
        mode: str,
        stages: Sequence[Stage],
        artifacts: s3.IBucket,
        key: kms.IKey,
        statements: Sequence[iam.PolicyStatement],
        variables: Sequence[Variable] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        name = environment.pipeline(kind)
        role = iam.Role(
            self,
            "Role",
            role_name=name,
            assumed_by=service("codepipeline", environment.account),
            inline_policies={
                kind: iam.PolicyDocument(statements=[*keep_artifacts(artifacts), use_key(key.key_arn), *statements])
            },
        )
        self.pipeline = codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=name,
            pipeline_type="V2",
            execution_mode=mode,
            role_arn=role.role_arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=artifacts.bucket_name,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(type="KMS", id=key.key_arn),
            ),
            stages=list(stages),
            variables=list(variables) or None,
        )
