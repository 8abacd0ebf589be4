"""The rules that start the pipelines: a request for a promotion, and a push of code to the source bucket."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.code_source import SOURCE_KEY
from infra.components.models_pipeline import STAGES
from infra.components.pipeline import SOURCE
from infra.components.policies import allow, service
from infra.components.triggers import MAX_AGE, RETRY_ATTEMPTS
from pipelines.interface.events import SOURCE as OURS
from pipelines.interface.events import PromotionRequested
from pipelines.interface.names import Environment
from pipelines.interface.paths import carried_record_key


class PipelineTriggers(Construct):
    """The role under which events start the pipelines, and the rules that are added with the methods."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, dead_letters: sqs.IQueue
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment, self._dead_letters = environment, dead_letters
        pipelines = [environment.pipeline_arn(kind) for kind in ("code", "models")]
        self._role = iam.Role(
            self,
            "Role",
            role_name=environment.trigger_role,
            assumed_by=service("events", environment.account),
            inline_policies={
                "start": iam.PolicyDocument(statements=[allow(["codepipeline:StartPipelineExecution"], *pipelines)])
            },
        )

    def on_request(self, pipeline: codepipeline.CfnPipeline, bus: events.IEventBus) -> None:
        """Start the models' pipeline for the record and the stages of each request that comes to ``bus``."""
        pattern = {"source": [OURS], "detail-type": [PromotionRequested.DETAIL_TYPE]}
        record = {
            "actionName": SOURCE,
            "revisionType": "S3_OBJECT_KEY",
            "revisionValue": carried_record_key("<digest>"),
        }
        request = {"sourceRevisions": [record], "variables": [{"name": STAGES, "value": "<stages>"}]}
        paths = {"digest": "$.detail.digest", "stages": "$.detail.stages"}
        self._rule("promotion-requested", pipeline, pattern, paths, request, bus=bus)

    def on_push(self, pipeline: codepipeline.CfnPipeline) -> None:
        """Start the code's pipeline for each version of the source bucket's archive."""
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [self._environment.bucket("source")]}, "object": {"key": [SOURCE_KEY]}},
        }
        pushed = {"actionName": SOURCE, "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<version>"}
        self._rule(
            "source-pushed",
            pipeline,
            pattern,
            {"version": "$.detail.object.version-id"},
            {"sourceRevisions": [pushed]},
        )

    def _rule(
        self,
        name: str,
        pipeline: codepipeline.CfnPipeline,
        pattern: Mapping[str, Any],
        paths: Mapping[str, str],
        request: Mapping[str, Any],
        *,
        bus: events.IEventBus | None = None,
    ) -> None:
        assert pipeline.name
        # The CDK's own target of this kind takes no input.
        target = events.CfnRule.TargetProperty(
            id="Pipeline",
            arn=self._environment.arn("codepipeline", pipeline.name),
            role_arn=self._role.role_arn,
            input_transformer=events.CfnRule.InputTransformerProperty(
                input_paths_map=dict(paths), input_template=json.dumps(request)
            ),
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._dead_letters.queue_arn),
            retry_policy=events.CfnRule.RetryPolicyProperty(
                maximum_retry_attempts=RETRY_ATTEMPTS, maximum_event_age_in_seconds=int(MAX_AGE.to_seconds())
            ),
        )
        rule = events.CfnRule(
            self,
            "".join(part.capitalize() for part in name.split("-")),
            name=self._environment.rule(name),
            event_bus_name=bus.event_bus_name if bus else None,
            event_pattern=dict(pattern),
            targets=[target],
        )
        rule.node.add_dependency(pipeline)
