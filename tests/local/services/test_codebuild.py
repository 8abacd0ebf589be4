"""CodeBuild: builds that run, called with boto3."""

import uuid

from tests.support.codebuild_world import BUCKET, PHASES, World, archive, context, spec, statuses, world

__all__ = ["world"]


def test_build_runs_with_source_variables_and_artifacts(world: World) -> None:
    name = f"whole-{uuid.uuid4().hex[:8]}"
    world.client("ssm").put_parameter(Name=f"/{name}/secret", Value="hidden", Type="SecureString")
    buildspec = """
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
artifacts:
  base-directory: out
  files: ['**/*']
""".replace("NAME", name)
    source = world.put(f"{name}/source.zip", archive({"buildspec.yml": buildspec, "data.txt": "from the source"}))
    target = {"type": "S3", "location": BUCKET, "path": name, "name": "out.zip", "packaging": "ZIP"}
    variables = [
        {"name": "SIZE", "value": "2"},
        {"name": "STORED", "value": f"/{name}/secret", "type": "PARAMETER_STORE"},
    ]
    build = world.build(
        name,
        "",
        source={"type": "S3", "location": source},
        artifacts=target,
        environment=world.environment(variables),
    )
    assert build["buildStatus"] == "SUCCEEDED", build
    assert list(statuses(build)) == [*PHASES, "UPLOAD_ARTIFACTS", "FINALIZING"]
    exported = {item["name"]: item["value"] for item in build["exportedEnvironmentVariables"]}
    assert exported == {"RESULT": "kept from the source", "COLOUR": "blue"}
    files = world.unpack(f"{name}/out.zip")
    assert set(files) == {"deep/a.txt", "deep/b.txt", "environment.txt", "caller.txt"}
    assert (
        files["caller.txt"]
        .strip()
        .endswith(f"assumed-role/codebuild-world/AWSCodeBuild-{build['id'].partition(':')[2]}")
    )
    seen = dict(line.split("=", 1) for line in files["environment.txt"].splitlines() if "=" in line)
    assert (seen["SIZE"], seen["SECRET"], seen["STORED"]) == ("2", "hidden", "hidden")
    assert seen["CODEBUILD_BUILD_ID"] == build["id"]
    assert build["logs"]["groupName"] == f"/aws/codebuild/{name}"
    assert any("Running command cd out" in line for line in world.log(build))


def test_on_failure(world: World) -> None:
    name = f"fail-{uuid.uuid4().hex[:8]}"
    build = world.build(
        name, spec(build=["echo one", "exit 3", "echo never"], post_build=["echo $CODEBUILD_BUILD_SUCCEEDING > x"])
    )
    assert build["buildStatus"] == "FAILED"
    assert context(build, "BUILD") == {
        "code": "COMMAND_EXECUTION_ERROR",
        "message": "Error while executing command: exit 3. Reason: exit status 3",
    }
