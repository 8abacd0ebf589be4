"""The definition of the retraining state machine; see docs/reference/flows.md."""

from functools import partial
from typing import Any

from infra.components.asl import EXECUTION, SAY_NO_QUOTA, State, call, catch, choose, fail, run_job, say_no_quota
from pipelines.interface import jobs
from pipelines.interface.log import VARIABLE_PREFIX
from pipelines.interface.names import ENVIRONMENT_TAG, Environment
from pipelines.interface.records import TriggerKind

REFUSALS = ("LeaseHeldError", "CooldownError", "BudgetSpentError", "TriggerRefusedError")
LONGEST_JOB_S = 86400
"""Largest ``max_runtime_s`` that the fleet's file allows."""
JOB_TIMEOUT_S = LONGEST_JOB_S + 3600
"""Seconds that a task waits for a job: an hour more, for its instance and its data."""

PROCESS_VARIABLES = {"PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""Variables of every job. Threads that wait leave the cores to other jobs; boosting then trains many times as fast."""


def retraining_flow(environment: Environment) -> State:
    """Return the definition, which serves all models: the model is in the input and the plan."""
    failed = [catch("Record failure")]
    return {
        "Comment": f"Retrains a model of {environment.id}",
        "StartAt": "Take lease",
        "TimeoutSeconds": 4 * JOB_TIMEOUT_S,
        "States": {
            "Take lease": call(
                environment,
                "take_lease",
                {
                    "model.$": "$.model",
                    "trigger.$": "$.trigger",
                    "execution.$": EXECUTION,
                    "started.$": "$$.Execution.StartTime",
                },
                keep="lease",
                then="Plan run",
                catches=[catch("Refuse", *REFUSALS), *failed],
            ),
            "Plan run": call(
                environment,
                "plan_run",
                {"model.$": "$.model", "trigger.$": "$.trigger", "lease.$": "$.lease", "execution.$": EXECUTION},
                keep="plan",
                then="Validate data",
                catches=failed,
            ),
            **run_job(
                "Validate data",
                "Processing",
                partial(_processing, "validate", "$.plan.validate.inputs", environment),
                keep="jobs.validate",
                then="Train candidate",
                on_failure="Record failure",
                timeout_s=JOB_TIMEOUT_S,
            ),
            **run_job(
                "Train candidate",
                "Training",
                partial(_training, environment),
                keep="jobs.train",
                then="Add candidate",
                on_failure="Record failure",
                timeout_s=JOB_TIMEOUT_S,
            ),
            # Intrinsic functions cannot join two arrays, but a path through both can.
            "Add candidate": {
                "Type": "Pass",
                "Parameters": {"planned.$": "$.plan.evaluate.inputs", "candidate": [_candidate()]},
                "ResultPath": "$.inputs",
                "Next": "Evaluate candidate",
            },
            **run_job(
                "Evaluate candidate",
                "Processing",
                partial(_processing, "evaluate", "$.inputs[*][*]", environment),
                keep="jobs.evaluate",
                then="Is it a reproduction?",
                on_failure="Record failure",
                timeout_s=JOB_TIMEOUT_S,
            ),
            "Is it a reproduction?": choose(
                "$.trigger.kind", {TriggerKind.REPRODUCTION: "Compare reproduction"}, otherwise="Judge candidate"
            ),
            "Compare reproduction": call(
                environment,
                "compare_reproduction",
                {"model.$": "$.model", "plan.$": "$.plan"},
                keep="comparison",
                then="Record reproduction",
                catches=failed,
            ),
            "Judge candidate": call(
                environment,
                "judge_candidate",
                {"model.$": "$.model", "plan.$": "$.plan"},
                keep="verdict",
                then="Is it accepted?",
                catches=failed,
            ),
            "Is it accepted?": choose("$.verdict.accepted", {True: "Register candidate"}, otherwise="Record rejection"),
            "Register candidate": call(
                environment,
                "register_candidate",
                {"model.$": "$.model", "plan.$": "$.plan", "verdict.$": "$.verdict", "lease.$": "$.lease"}
                | {"execution.$": EXECUTION},
                keep="package",
                then="Is approval automatic?",
                catches=failed,
            ),
            "Is approval automatic?": choose(
                "$.plan.approval", {"automatic": "Approve candidate"}, otherwise="Record registration"
            ),
            "Approve candidate": call(
                environment,
                "approve_package",
                {
                    "package_arn.$": "$.package.package_arn",
                    "by.$": EXECUTION,
                    "comment": "Approved by the flow: this stage's approval is automatic",
                },
                then="Record registration",
                catches=failed,
            ),
            "Record registration": _finish(
                environment, "registered", {"package_arn.$": "$.package.package_arn"}, then=None
            ),
            "Record reproduction": _finish(
                environment,
                "$.comparison.outcome",
                {"cause.$": "$.comparison.differences", "comparison.$": "$.comparison"},
                then=None,
            ),
            "Record rejection": _finish(environment, "rejected", {"cause.$": "$.verdict.reasons"}, then=None),
            SAY_NO_QUOTA: say_no_quota("Record failure"),
            "Record failure": _finish(environment, "failed", {"cause.$": "$.failure"}, then="Failed"),
            "Failed": fail(),
            "Refuse": {"Type": "Succeed"},
        },
    }


def _finish(environment: Environment, outcome: str, details: State, *, then: str | None) -> State:
    """Return a task that records the run's end; ``outcome`` is a word, or the path to one."""
    named = {"outcome.$" if outcome.startswith("$") else "outcome": outcome}
    # The whole state is given, because its fields depend on how far the flow came.
    payload = {"model.$": "$.model", "execution.$": EXECUTION, "state.$": "$", **named, **details}
    return call(environment, "finish_run", payload, then=then, catches=[catch("Failed")])


def _variables(environment: Environment) -> State:
    """Return a job's variables; those with ``log.VARIABLE_PREFIX`` become ids of its log lines."""
    subject = {"MODEL": "$.model", "RUN": "$.plan.run_id", "COMMIT": "$.plan.commit"}
    return {
        **PROCESS_VARIABLES,
        f"{VARIABLE_PREFIX}ENVIRONMENT": environment.id,
        **{f"{VARIABLE_PREFIX}{name}.$": path for name, path in subject.items()},
    }


def _name(step: str, task: str) -> str:
    return f"States.Format('{{}}-{step}-{{}}-{task}{{}}', $.model, $.plan.job_id, $$.State.RetryCount)"


def _tags(environment: Environment) -> list[State]:
    return [
        {"Key": ENVIRONMENT_TAG, "Value": environment.id},
        {"Key": "mooring:team", "Value": environment.team},
        {"Key": "mooring:stage", "Value": environment.stage},
        {"Key": "mooring:model", "Value.$": "$.model"},
        {"Key": "mooring:run", "Value.$": "$.plan.run_id"},
    ]


def _processing(step: str, inputs_path: str, environment: Environment, task: str) -> State:
    outputs = [
        {
            "OutputName": name,
            "S3Output": {
                "S3Uri.$": f"States.Format('{{}}{place}', $.plan.{base})",
                "LocalPath": jobs.output_dir(name),
                "S3UploadMode": "Continuous" if name in jobs.KEPT_OF_FAILURES else "EndOfJob",
            },
        }
        for name, (base, place) in jobs.OUTPUTS[step].items()
    ]
    return {
        "ProcessingJobName.$": _name(step, task),
        "RoleArn.$": "$.plan.training_role",
        "AppSpecification": {
            "ImageUri.$": "$.plan.image",
            "ContainerEntrypoint": jobs.entrypoint(step),
            "ContainerArguments.$": f"$.plan.{step}.arguments",
        },
        "Environment": _variables(environment),
        "ProcessingInputs.$": inputs_path,
        "ProcessingOutputConfig": {"Outputs": outputs, "KmsKeyId.$": "$.plan.key_arn"},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType.$": "$.plan.processing.instance_type",
                "VolumeSizeInGB.$": "$.plan.processing.volume_gb",
                "VolumeKmsKeyId.$": "$.plan.key_arn",
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds.$": "$.plan.processing.max_runtime_s"},
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "Tags": _tags(environment),
    }


def _training(environment: Environment, task: str) -> State:
    # With network isolation a program cannot fetch its source, so the source is a channel.
    channels = [_channel("training", "$.plan.training_data_uri"), _channel("code", "$.plan.code_uri")]
    return {
        "TrainingJobName.$": _name("train", task),
        "RoleArn.$": "$.plan.training_role",
        "AlgorithmSpecification": {"TrainingImage.$": "$.plan.image", "TrainingInputMode": "File"},
        "HyperParameters.$": "$.plan.hyperparameters",
        "Environment": _variables(environment),
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath.$": "$.plan.training_output_uri", "KmsKeyId.$": "$.plan.key_arn"},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType.$": "$.plan.training.instance_type",
            "VolumeSizeInGB.$": "$.plan.training.volume_gb",
            "VolumeKmsKeyId.$": "$.plan.key_arn",
        },
        "StoppingCondition": {"MaxRuntimeInSeconds.$": "$.plan.training.max_runtime_s"},
        "EnableNetworkIsolation": True,
        "Tags": _tags(environment),
    }


def _channel(name: str, uri_path: str) -> State:
    source = {"S3DataType": "S3Prefix", "S3Uri.$": uri_path, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}


def _candidate() -> dict[str, Any]:
    return {
        "InputName": jobs.CANDIDATE_INPUT,
        "S3Input": {
            "S3Uri.$": "$.jobs.train.ModelArtifacts.S3ModelArtifacts",
            "LocalPath": jobs.input_dir(jobs.CANDIDATE_INPUT),
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }
