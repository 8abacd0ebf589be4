"""Run one action of each supported kind, under its role."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_region

from mooring.embedded import identity
from mooring.embedded.services.codebuild import service as codebuild
from mooring.embedded.services.codebuild.errors import CodeBuildError
from mooring.embedded.services.codepipeline.store import ActionRun, Execution, Record, new_id
from mooring.embedded.services.codepipeline.variables import UnresolvedError
from mooring.embedded.sessions import RoleSession

SERVICE = "codepipeline.amazonaws.com"
POLL_S = 0.3
WEEK_MINUTES = 7 * 24 * 60
"""Time after which an approval that nobody gives has failed."""


class ActionFailedError(Exception):
    """Failure of an action, with the code that CodePipeline gives it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AbandonedError(Exception):
    """The execution was stopped, and its actions were abandoned."""


class Action:
    """One run of an action: what it is given, and the clients of its role."""

    def __init__(self, execution: Execution, run: ActionRun) -> None:
        self.execution, self.run = execution, run
        self.configuration: Record = run.resolved
        pipeline = execution.pipeline
        # An action's own role is assumed from the pipeline's: both must allow it.
        self._pipeline = RoleSession(
            execution.declaration["roleArn"], execution.id, service=SERVICE, source_arn=pipeline.arn
        )
        self.role_arn = str(run.action.get("roleArn") or execution.declaration["roleArn"])
        self._own: boto3.Session | None = None
        if run.action.get("roleArn"):
            found = self._pipeline.client("sts").assume_role(RoleArn=self.role_arn, RoleSessionName=execution.id)
            credentials = found["Credentials"]
            self._own = boto3.Session(
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
                region_name=get_region(),
            )

    def client(self, service: str) -> Any:
        """Return a boto3 client that acts under the action's role; the server authorizes every call with IAM."""
        if self._own is None:
            return self._pipeline.client(service)
        environment = self._pipeline.environment()
        return self._own.client(  # type: ignore[call-overload]
            service, endpoint_url=environment["AWS_ENDPOINT_URL"], verify=environment["AWS_CA_BUNDLE"]
        )

    @property
    def store(self) -> Record:
        found: Record = self.execution.declaration["artifactStore"]
        return found

    @property
    def key(self) -> dict[str, str]:
        """The arguments of an upload that encrypt an artifact with the store's key."""
        key = self.store.get("encryptionKey")
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["id"]} if key else {}

    def new_key(self, artifact: str) -> str:
        return f"{self.execution.pipeline.name[:20]}/{artifact[:10]}/{secrets.token_urlsafe(5)}.zip"

    def made(self, artifact: str, key: str) -> None:
        """Record an artifact that the action has written."""
        place = {"bucket": self.store["location"], "key": key}
        self.execution.artifacts[artifact] = place
        self.run.outputs.append({"name": artifact, "s3location": place})

    def wait(self, ended: Callable[[], bool]) -> None:
        """Poll until ``ended``; raise ``AbandonedError`` if the execution is abandoned."""
        minutes = self.run.action.get("timeoutInMinutes")
        end = time.monotonic() + 60 * float(minutes or WEEK_MINUTES)
        while not ended():
            if self.execution.abandoned:
                raise AbandonedError
            if time.monotonic() > end:
                raise ActionFailedError("TimeoutError", f"the action has not ended after {minutes or WEEK_MINUTES} min")
            time.sleep(POLL_S)


def perform(execution: Execution, run: ActionRun) -> None:
    """Run the action to its end.

    Raises
    ------
    ActionFailedError
        It failed; the message is that of the service that it called.
    AbandonedError
        The execution was stopped without waiting for it.
    """
    try:
        _PERFORM[run.action["actionTypeId"]["provider"]](Action(execution, run))
    except UnresolvedError as error:
        raise ActionFailedError("ConfigurationError", str(error)) from error
    except identity.AccessDeniedError as error:
        raise ActionFailedError("PermissionError", str(error)) from error
    except ClientError as error:
        denied = "AccessDenied" in error.response["Error"]["Code"]
        raise ActionFailedError("PermissionError" if denied else "JobFailed", str(error)) from error
    except (CodeBuildError, BotoCoreError) as error:
        denied = isinstance(error, CodeBuildError) and error.code == "AccessDeniedException"
        raise ActionFailedError("PermissionError" if denied else "JobFailed", str(error)) from error


def _s3(action: Action) -> None:
    given, override = action.configuration, action.execution.overrides.get(action.run.action["name"], {})
    bucket, key, chosen = given["S3Bucket"], given["S3ObjectKey"], {}
    if override.get("revisionType") == "S3_OBJECT_KEY":
        if given.get("AllowOverrideForS3ObjectKey", "").lower() != "true":
            raise ActionFailedError("ConfigurationError", "the source does not allow to override its object key")
        key = override["revisionValue"]
    elif override.get("revisionType") == "S3_OBJECT_VERSION_ID":
        chosen = {"VersionId": override["revisionValue"]}
    s3 = action.client("s3")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise ActionFailedError("ConfigurationError", f"the bucket {bucket} has no versioning")
    found = s3.get_object(Bucket=bucket, Key=key, **chosen)
    (artifact,) = [each["name"] for each in action.run.action["outputArtifacts"]]
    place = action.new_key(artifact)
    s3.put_object(Bucket=action.store["location"], Key=place, Body=found["Body"].read(), **action.key)
    action.made(artifact, place)
    version, etag = found.get("VersionId", ""), found["ETag"].strip('"')
    action.run.variables = {"BucketName": bucket, "ObjectKey": key, "ETag": etag, "VersionId": version}
    action.run.external_id = version
    action.run.summary = f"Amazon S3 version id: {version}"
    action.execution.revisions.append(
        {"actionName": action.run.action["name"], "revisionId": version, "revisionSummary": action.run.summary}
    )
    action.execution.artifacts[artifact] |= {"revision": version}


def _connection(_action: Action) -> None:
    raise ActionFailedError(
        "ConfigurationError",
        "the embedded AWS reaches no repository by a connection: use a bucket as the source",
    )


def _codebuild(action: Action) -> None:
    given, run, execution = action.configuration, action.run, action.execution
    inputs = [each["name"] for each in run.action["inputArtifacts"]]
    if not inputs:
        raise ActionFailedError("ConfigurationError", "a build needs an input artifact")
    primary = given.get("PrimarySource") or inputs[0]
    if primary not in inputs:
        raise ActionFailedError("ConfigurationError", f"the primary source {primary} is none of {', '.join(inputs)}")
    places = {name: f"{execution.artifacts[name]['bucket']}/{execution.artifacts[name]['key']}" for name in inputs}
    request: Record = {
        "projectName": given["ProjectName"],
        "sourceTypeOverride": "CODEPIPELINE",
        "sourceLocationOverride": places[primary],
        "sourceVersion": execution.artifacts[primary].get("revision") or f"arn:aws:s3:::{places[primary]}",
        "environmentVariablesOverride": json.loads(given.get("EnvironmentVariables") or "[]"),
    }
    if others := [name for name in inputs if name != primary]:
        request["secondarySourcesOverride"] = [
            {"type": "CODEPIPELINE", "sourceIdentifier": name, "location": places[name]} for name in others
        ]
    outputs = [each["name"] for each in run.action["outputArtifacts"]]
    keys = {name: action.new_key(name) for name in outputs}
    made = [_artifact(action, keys[name]) | {"artifactIdentifier": name} for name in outputs]
    if len(outputs) == 1:
        request["artifactsOverride"] = _artifact(action, keys[outputs[0]])
    elif outputs:
        request["secondaryArtifactsOverride"] = made
    if key := action.store.get("encryptionKey"):
        request["encryptionKeyOverride"] = key["id"]

    def build() -> Record:
        with identity.acting_as(action.role_arn):
            found = codebuild.call("BatchGetBuilds", {"ids": [build_id]})["builds"]
        if not found:
            raise ActionFailedError("JobFailed", f"the build {build_id} does not exist any more")
        record: Record = found[0]
        return record

    with identity.acting_as(action.role_arn):
        started = codebuild.call("StartBuild", request, initiator=f"codepipeline/{execution.pipeline.name}")["build"]
    build_id = run.external_id = started["id"]
    action.wait(lambda: bool(build()["buildComplete"]))
    ended = build()
    run.variables = {each["name"]: each["value"] for each in ended.get("exportedEnvironmentVariables", [])}
    if ended["buildStatus"] != "SUCCEEDED":
        raise ActionFailedError("JobFailed", _why(ended))
    for name in outputs:
        action.made(name, keys[name])


def _artifact(action: Action, key: str) -> Record:
    path, _, name = key.rpartition("/")
    return {"type": "CODEPIPELINE", "location": action.store["location"], "path": path, "name": name}


def _why(build: Record) -> str:
    failed = [phase for phase in build["phases"] if phase.get("phaseStatus") not in (None, "SUCCEEDED")]
    reasons = [f"{each['phaseType']}: {context['message']}" for each in failed for context in each.get("contexts", [])]
    return f"Build {build['buildStatus'].lower().replace('_', ' ')}: {'; '.join(reasons)}"


def _machine(action: Action) -> None:
    given, run = action.configuration, action.run
    if given.get("InputType", "Literal") != "Literal":
        raise ActionFailedError("ConfigurationError", "the embedded AWS supports only literal inputs of state machines")
    states = action.client("stepfunctions")
    prefix = given.get("ExecutionNamePrefix")
    started = states.start_execution(
        stateMachineArn=given["StateMachineArn"],
        name=f"{prefix}-{new_id()}" if prefix else new_id(),
        input=given.get("Input") or "{}",
    )
    arn = run.external_id = started["executionArn"]
    described: list[Record] = [{}]

    def ended() -> bool:
        described[0] = states.describe_execution(executionArn=arn)
        return bool(described[0]["status"] != "RUNNING")

    action.wait(ended)
    run.variables = {"StateMachineArn": given["StateMachineArn"], "ExecutionArn": arn}
    if described[0]["status"] != "SUCCEEDED":
        why = f"{described[0].get('error', described[0]['status'])}: {described[0].get('cause', '')}"
        raise ActionFailedError("JobFailed", f"the execution {arn} has failed: {why}")
    run.summary = "the execution succeeded"


def _approval(action: Action) -> None:
    given, run, execution = action.configuration, action.run, action.execution
    run.external_id = run.id
    if topic := given.get("NotificationArn"):
        name = execution.pipeline.name
        about = {
            "region": get_region(),
            "approval": {
                "pipelineName": name,
                "stageName": run.stage,
                "actionName": run.action["name"],
                "token": run.id,
                "customData": given.get("CustomData"),
                "externalEntityLink": given.get("ExternalEntityLink"),
            },
        }
        subject = f"APPROVAL NEEDED: AWS CodePipeline {name} for action {run.action['name']}"
        action.client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(about))
    action.wait(run.closed.is_set)
    if run.status == "Failed":
        raise ActionFailedError("JobFailed", run.summary or "Rejected")


_PERFORM: dict[str, Callable[[Action], None]] = {
    "S3": _s3,
    "CodeStarSourceConnection": _connection,
    "CodeBuild": _codebuild,
    "StepFunctions": _machine,
    "Manual": _approval,
}
