"""Builds that really run, called with boto3."""

import json
import uuid
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from mooring.embedded.services.codebuild.build import CONCURRENT, MINUTE
from mooring.embedded.services.codebuild.builds import QUEUE
from tests.support.codebuild_world import (
    BUCKET,
    CODEBUILD,
    ENVIRONMENT,
    LOGS,
    OBJECTS,
    PHASES,
    World,
    archive,
    context,
    spec,
    statuses,
    world,
)
from tests.support.embedded_aws import ACCOUNT, REGION
from tests.support.sagemaker_world import wait

__all__ = ["world"]

WHOLE = """
version: 0.2
env:
  variables: {COLOUR: blue, SIZE: 1}
  parameter-store: {SECRET: /NAME/secret}
  exported-variables: [RESULT, COLOUR]
phases:
  install:
    runtime-versions: {python: 3.12}
    commands: [plain=kept, mkdir -p out/deep, cd out]
  build:
    commands:
      - RESULT="$plain $(cat ../data.txt)"
      - |
        for name in a b; do
          echo "$name" > deep/$name.txt
        done
      - env > environment.txt
      - python -c 'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"])' > caller.txt
      - python -c 'import boto3; boto3.client("s3").put_object(Bucket="BUCKET", Key="NAME/direct", Body=b"1")'
artifacts:
  base-directory: out
  files: ['**/*']
"""


@pytest.fixture
def name() -> str:
    return f"build-{uuid.uuid4().hex[:8]}"


def test_build_runs_with_source_variables_and_artifacts(world: World, name: str) -> None:
    world.client("ssm").put_parameter(Name=f"/{name}/secret", Value="hidden", Type="SecureString")
    files = {"buildspec.yml": WHOLE.replace("NAME", name).replace("BUCKET", BUCKET), "data.txt": "from the source"}
    source = world.put(f"{name}/source.zip", archive(files))
    stored = {"name": "STORED", "value": f"/{name}/secret", "type": "PARAMETER_STORE"}
    build = world.build(
        name,
        "",
        source={"type": "S3", "location": source},
        artifacts={"type": "S3", "location": BUCKET, "path": name, "name": "out.zip", "packaging": "ZIP"},
        environment={**ENVIRONMENT, "environmentVariables": [{"name": "SIZE", "value": "2"}, stored]},
    )
    assert build["buildStatus"] == "SUCCEEDED", build
    assert list(statuses(build)) == [*PHASES, "UPLOAD_ARTIFACTS", "FINALIZING"]
    assert [phase["phaseType"] for phase in build["phases"]][-1] == build["currentPhase"] == "COMPLETED"
    exported = {item["name"]: item["value"] for item in build["exportedEnvironmentVariables"]}
    assert exported == {"RESULT": "kept from the source", "COLOUR": "blue"}
    shown = build["artifacts"]
    assert shown["location"] == f"arn:aws:s3:::{BUCKET}/{name}/out.zip"
    assert (len(shown["sha256sum"]), len(shown["md5sum"])) == (64, 32)
    written = world.unpack(f"{name}/out.zip")
    assert set(written) == {"deep/a.txt", "deep/b.txt", "environment.txt", "caller.txt"}
    assert world.client("s3").head_object(Bucket=BUCKET, Key=f"{name}/direct")["ContentLength"] == 1
    session = f"codebuild-world/AWSCodeBuild-{build['id'].partition(':')[2]}"
    assert written["caller.txt"].strip() == f"arn:aws:sts::{ACCOUNT}:assumed-role/{session}"
    _check_environment(written["environment.txt"], build)
    lines = world.log(build)
    assert any("Running command cd out" in line for line in lines)
    assert any("Phase complete: BUILD State: SUCCEEDED" in line for line in lines)


def _check_environment(text: str, build: dict[str, Any]) -> None:
    seen = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert (seen["SIZE"], seen["SECRET"], seen["STORED"]) == ("2", "hidden", "hidden")
    assert (seen["CODEBUILD_BUILD_ID"], seen["CODEBUILD_BUILD_ARN"]) == (build["id"], build["arn"])
    assert (seen["CODEBUILD_INITIATOR"], seen["CODEBUILD_BUILD_NUMBER"]) == ("root", "1")
    assert seen["CODEBUILD_SRC_DIR"] == seen["PWD"].removesuffix("/out")
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert (seen["AWS_REGION"], seen["AWS_DEFAULT_REGION"]) == (REGION, REGION)
    assert not [found for found in seen if found.startswith(("MINISTACK", "GATEWAY", "PERSIST", "DOCKER"))]
    assert "HOME" in seen
    assert seen["HOME"].rpartition("/")[0] == seen["CODEBUILD_SRC_DIR"].rpartition("/")[0]


def test_sources_and_artifacts_may_be_several(world: World, name: str) -> None:
    s3 = world.client("s3")
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    main = world.put(f"{name}/main.zip", archive({"a.txt": "main"}))
    other = world.put(f"{name}/other.zip", archive({"b.txt": "other"}))
    files = {"files": ["a.txt"], "name": "$CODEBUILD_BUILD_NUMBER-named.zip"}
    buildspec = spec(
        build=['cp "$CODEBUILD_SRC_DIR_two/b.txt" .'],
        artifacts=files | {"secondary-artifacts": {"second": {"files": ["b.txt"]}}},
    )
    target = {"type": "S3", "location": BUCKET, "path": name}
    second = target | {"artifactIdentifier": "second", "name": "plain", "encryptionDisabled": True}
    world.project(
        name,
        buildspec,
        source={"type": "S3", "location": main, "buildspec": buildspec},
        secondarySources=[{"type": "S3", "location": other, "sourceIdentifier": "two"}],
        artifacts=target | {"packaging": "ZIP", "overrideArtifactName": True, "namespaceType": "BUILD_ID"},
        secondaryArtifacts=[second],
        encryptionKey=key,
    )
    build = world.end(world.start(name))
    assert build["buildStatus"] == "SUCCEEDED", build
    written = f"{name}/{build['id'].partition(':')[2]}/1-named.zip"
    assert world.unpack(written) == {"a.txt": "main"}
    head = s3.head_object(Bucket=BUCKET, Key=written)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    found = s3.get_object(Bucket=BUCKET, Key=f"{name}/plain/b.txt")
    assert (found["Body"].read(), found.get("SSEKMSKeyId")) == (b"other", None)
    assert [part["artifactIdentifier"] for part in build["secondaryArtifacts"]] == ["second"]


def test_failed_build_still_runs_post_build_and_writes_artifacts(world: World, name: str) -> None:
    buildspec = spec(
        build={"commands": ["echo one", "exit 3", "echo never"], "finally": ["echo finally > finally.txt"]},
        post_build=["echo $CODEBUILD_BUILD_SUCCEEDING > succeeding.txt"],
        artifacts={"files": ["*.txt"]},
    )
    target = {"type": "S3", "location": BUCKET, "name": f"{name}.zip", "packaging": "ZIP"}
    build = world.build(name, buildspec, artifacts=target)
    assert build["buildStatus"] == "FAILED"
    message = "Error while executing command: exit 3. Reason: exit status 3"
    assert context(build, "BUILD") == {"code": "COMMAND_EXECUTION_ERROR", "message": message}
    assert world.unpack(f"{name}.zip") == {"finally.txt": "finally\n", "succeeding.txt": "0\n"}
    assert not [line for line in world.log(build) if "never" in line and "Container" not in line]


@pytest.mark.parametrize(
    ("failing", "action", "goes_on"),
    [
        ("install", None, False),
        ("pre_build", None, False),
        ("pre_build", "CONTINUE", True),
        ("build", "ABORT", False),
        ("build", "CONTINUE", True),
    ],
)
def test_on_failure_says_whether_the_next_phase_runs(
    world: World, name: str, failing: str, action: str | None, goes_on: bool
) -> None:
    phase = {"commands": ["false"]} | ({"on-failure": action} if action else {})
    build = world.build(name, spec(**{failing: phase, "post_build": ["true"]}))
    assert build["buildStatus"] == "FAILED"
    assert ("POST_BUILD" in statuses(build)) == goes_on
    assert ("UPLOAD_ARTIFACTS" in statuses(build)) == goes_on
    assert statuses(build)["FINALIZING"] == "SUCCEEDED"


def test_stop_ends_every_process_of_the_build(world: World, name: str) -> None:
    world.project(name, spec(build=["sleep 600 & echo child=$!", "sleep 600"], post_build=["echo after"]))
    build_id = world.start(name)
    build = wait(lambda: world.get(build_id), until=lambda found: found["currentPhase"] == "BUILD")
    printed = wait(lambda: [line for line in world.log(build) if line.startswith("child=")])
    child = psutil.Process(int(printed[0].removeprefix("child=")))
    world.client("codebuild").stop_build(id=build_id)
    build = world.end(build_id)
    assert (build["buildStatus"], statuses(build)["BUILD"]) == ("STOPPED", "STOPPED")
    assert "POST_BUILD" not in statuses(build)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert world.client("codebuild").stop_build(id=build_id)["build"]["buildStatus"] == "STOPPED"
    assert list((world.aws.server.home / "codebuild" / "builds").iterdir()) == []


def test_build_ends_at_its_time_out(world: World, name: str) -> None:
    minute = world.aws.server.home / "codebuild" / MINUTE
    minute.parent.mkdir(exist_ok=True)
    minute.write_text("0.4")
    try:
        build = world.build(name, spec(build={"commands": ["sleep 600"], "finally": ["echo x"]}), timeoutInMinutes=5)
    finally:
        minute.unlink()
    assert (build["buildStatus"], statuses(build)["BUILD"]) == ("TIMED_OUT", "TIMED_OUT")
    assert context(build, "BUILD")["code"] == "BUILD_TIMED_OUT"


def test_build_waits_in_the_queue_until_another_ends(world: World) -> None:
    account = f"9{uuid.uuid4().int % 10**11:011d}"
    logs = {**LOGS, "Resource": "*"}
    role = world.aws.create_role("builder", [logs], trusted=CODEBUILD, account=account)
    there = World(aws=world.aws, role=role, account=account)
    there.project("queue", spec(build=["sleep 600"]))
    running = [there.start("queue") for _ in range(CONCURRENT)]
    wait(lambda: {there.get(build_id)["currentPhase"] for build_id in running}, until=lambda found: found == {"BUILD"})
    waiting, stopped = there.start("queue", buildspecOverride=spec(build=["true"])), there.start("queue")
    assert wait(lambda: there.get(waiting)["currentPhase"] == "QUEUED")
    there.client("codebuild").stop_build(id=stopped)
    assert statuses(there.end(stopped))["QUEUED"] == "STOPPED"
    assert there.get(waiting)["currentPhase"] == "QUEUED"
    there.client("codebuild").stop_build(id=running[0])
    assert there.end(waiting)["buildStatus"] == "SUCCEEDED"
    running += [there.start("queue") for _ in range(QUEUE + 1)]
    with pytest.raises(ClientError, match=f"AccountLimitExceededException.*more than {QUEUE} builds in queue"):
        there.start("queue")
    for build_id in reversed(running):
        there.client("codebuild").stop_build(id=build_id)
        assert there.end(build_id)["buildStatus"] == "STOPPED"


@pytest.mark.parametrize(
    ("statements", "phase", "code", "named"),
    [
        ([OBJECTS], "QUEUED", "ACCESS_DENIED", "does not allow AWS CodeBuild to create Amazon CloudWatch Logs"),
        ([LOGS], "DOWNLOAD_SOURCE", "CLIENT_ERROR", "AccessDenied"),
        (
            [{**LOGS, "Action": ["logs:CreateLogGroup", "logs:CreateLogStream"]}, OBJECTS],
            "FINALIZING",
            "CLIENT_ERROR",
            "logs:PutLogEvents",
        ),
        ([LOGS, {**OBJECTS, "Action": "s3:GetObject"}], "UPLOAD_ARTIFACTS", "CLIENT_ERROR", "AccessDenied"),
    ],
)
def test_build_whose_role_lacks_a_right_fails_with_the_reason(
    world: World, name: str, statements: list[dict[str, Any]], phase: str, code: str, named: str
) -> None:
    role = world.aws.create_role(name, statements, trusted=CODEBUILD)
    source = world.put(f"{name}.zip", archive({"a.txt": "a"}))
    buildspec = spec(build=["true"], artifacts={"files": ["a.txt"]})
    build = world.build(
        name,
        buildspec,
        serviceRole=role,
        source={"type": "S3", "location": source, "buildspec": buildspec},
        artifacts={"type": "S3", "location": BUCKET, "name": f"{name}-out.zip", "packaging": "ZIP"},
    )
    assert (build["buildStatus"], statuses(build)[phase]) == ("FAILED", "FAILED"), build
    assert context(build, phase)["code"] == code
    assert named in context(build, phase)["message"]


def test_build_fails_without_trust_parameters_or_buildspec(world: World, name: str) -> None:
    role = world.aws.create_role(name, [LOGS, OBJECTS], trusted=CODEBUILD)
    parameters = {"parameter-store": {"A": "/a/b"}}
    build = world.build(name, spec(build=["true"], env=parameters), serviceRole=role)
    assert context(build, "DOWNLOAD_SOURCE")["code"] == "Decrypted Variables Error"
    assert "ssm:GetParameters" in context(build, "DOWNLOAD_SOURCE")["message"]
    build = world.end(world.start(name, serviceRoleOverride=world.role))
    assert context(build, "DOWNLOAD_SOURCE")["message"] == "parameter does not exist: /a/b"
    build = world.end(world.start(name, buildspecOverride=spec(build=["true"], env={"secrets-manager": {"A": "b"}})))
    assert context(build, "DOWNLOAD_SOURCE")["code"] == "YAML_FILE_ERROR"
    assert "secrets-manager" in context(build, "DOWNLOAD_SOURCE")["message"]
    source = {"sourceTypeOverride": "S3", "sourceLocationOverride": world.put(f"{name}.zip", archive({"a": "a"}))}
    build = world.end(world.start(name, **source, buildspecOverride="ci/build.yml"))
    assert context(build, "DOWNLOAD_SOURCE")["message"] == "YAML file does not exist: ci/build.yml"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    world.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
    build = world.end(world.start(name))
    assert context(build, "QUEUED")["code"] == "ACCESS_DENIED"
    assert "is not authorized to perform: sts:AssumeRole" in context(build, "QUEUED")["message"]
