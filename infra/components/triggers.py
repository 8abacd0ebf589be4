"""The rules that start the flows, and those that record the end of a flow that died."""

import re
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.components.policies import allow, service, use_key
from pipelines.interface.events import SOURCE, DriftFound, QualityLost, RetrainingRequested
from pipelines.interface.names import Environment

ENDED_BADLY = ["FAILED", "ABORTED", "TIMED_OUT"]
RETRY_ATTEMPTS = 60
MAX_AGE = Duration.hours(6)


class Triggers(Construct):
    """Rules: drift, lost quality and requests start a retraining, an approval starts a release.

    Three more call the ``finish`` functions when a flow fails, times out or is aborted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        retraining: sfn.IStateMachine,
        release: sfn.IStateMachine,
        checks: sfn.IStateMachine,
        finish_run: lambda_.IFunction,
        finish_release: lambda_.IFunction,
        finish_check: lambda_.IFunction,
        key: kms.IKey,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self._dead_letters = dead_letters
        self._role = iam.Role(
            self,
            "Role",
            role_name=environment.trigger_role,
            assumed_by=service("events", environment.account),
            inline_policies={
                "start": iam.PolicyDocument(
                    statements=[
                        allow(["states:StartExecution"], retraining.state_machine_arn, release.state_machine_arn),
                        use_key(key.key_arn),
                    ]
                )
            },
        ).without_policy_updates()
        at = events.EventField.from_path
        bus = events.EventBus.from_event_bus_name(self, "Bus", environment.bus)
        drift = {"kind": "drift", "id": at("$.id"), "by": "drift_check", "reason": at("$.detail.check_id")}
        self._start(
            "DriftFound",
            retraining,
            {"model": at("$.detail.model"), "trigger": drift},
            pattern=self._finding(DriftFound.DETAIL_TYPE),
            bus=bus,
        )
        quality = {"kind": "quality", "id": at("$.id"), "by": "drift_check", "reason": at("$.detail.window")}
        self._start(
            "QualityLost",
            retraining,
            {"model": at("$.detail.model"), "trigger": quality},
            pattern=self._finding(QualityLost.DETAIL_TYPE),
            bus=bus,
        )
        self._start(
            "RetrainingRequested",
            retraining,
            # Only these fields pass: an event must not name the package of a reproduction.
            {
                "model": at("$.detail.model"),
                "trigger": {name: at(f"$.detail.trigger.{name}") for name in ("kind", "id", "by", "reason")},
            },
            pattern=events.EventPattern(source=[SOURCE], detail_type=[RetrainingRequested.DETAIL_TYPE]),
            bus=bus,
        )
        self._start(
            "PackageApproved",
            release,
            {"package_arn": at("$.detail.ModelPackageArn"), "by": "approval", "rollback": False},
            pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={
                    "ModelApprovalStatus": ["Approved"],
                    "ModelPackageGroupName": [{"prefix": f"{environment.id}-"}],
                },
            ),
        )
        self._record_end("RetrainingEnded", retraining, finish_run)
        self._record_end("ReleaseEnded", release, finish_release)
        self._record_end("ChecksEnded", checks, finish_check)

    def _finding(self, detail_type: str) -> events.EventPattern:
        """Match findings about models that are trained here; settings of older versions do not name the stage."""
        return events.EventPattern(
            source=[SOURCE], detail_type=[detail_type], detail={"training_stage": [self._environment.stage, ""]}
        )

    def _start(
        self,
        construct_id: str,
        machine: sfn.IStateMachine,
        request: dict[str, Any],
        *,
        pattern: events.EventPattern,
        bus: events.IEventBus | None = None,
    ) -> None:
        target = targets.SfnStateMachine(
            machine,
            input=events.RuleTargetInput.from_object(request),
            role=self._role,
            dead_letter_queue=self._dead_letters,
            retry_attempts=RETRY_ATTEMPTS,
            max_event_age=MAX_AGE,
        )
        events.Rule(
            self,
            construct_id,
            rule_name=self._name(construct_id),
            event_bus=bus,
            event_pattern=pattern,
            targets=[target],
        )

    def _record_end(self, construct_id: str, machine: sfn.IStateMachine, function: lambda_.IFunction) -> None:
        request = {
            "execution": events.EventField.from_path("$.detail.executionArn"),
            "status": events.EventField.from_path("$.detail.status"),
        }
        target = targets.LambdaFunction(
            function,
            event=events.RuleTargetInput.from_object(request),
            dead_letter_queue=self._dead_letters,
            retry_attempts=RETRY_ATTEMPTS,
            max_event_age=MAX_AGE,
        )
        pattern = events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"stateMachineArn": [machine.state_machine_arn], "status": ENDED_BADLY},
        )
        events.Rule(self, construct_id, rule_name=self._name(construct_id), event_pattern=pattern, targets=[target])

    def _name(self, construct_id: str) -> str:
        """Return a rule's name: ``DriftFound`` becomes ``{environment}-drift-found``."""
        return self._environment.rule(re.sub(r"(?<!^)(?=[A-Z])", "-", construct_id).lower())
