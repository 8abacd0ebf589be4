"""A bucket, a service role and calls that the tests of CodeBuild make."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.sagemaker_world import wait

BUCKET = "codebuild-world"
CODEBUILD = {"Service": "codebuild.amazonaws.com"}
PHASES = ("SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD")
ENVIRONMENT = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}


def spec(*, artifacts: Any = None, env: Any = None, **phases: Any) -> str:
    """Return an inline buildspec; a phase is a list of its commands, or the phase itself."""
    document: dict[str, Any] = {
        "version": "0.2",
        "phases": {name: {"commands": phase} if isinstance(phase, list) else phase for name, phase in phases.items()},
    }
    document |= {"artifacts": artifacts} if artifacts else {}
    document |= {"env": env} if env else {}
    return json.dumps(document, indent=1)


def archive(files: dict[str, str]) -> bytes:
    """Return a zip archive of the files."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return sink.getvalue()


@dataclass(frozen=True, kw_only=True)
class World:
    """A server with a bucket and a service role, and calls that many tests make."""

    aws: EmbeddedAws
    role: str
    account: str = ACCOUNT

    def client(self, service: str, role: str | None = None) -> Any:
        return self.aws.client(service, self.account, role=role)

    def put(self, key: str, body: bytes) -> str:
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"{BUCKET}/{key}"

    def unpack(self, key: str) -> dict[str, str]:
        """Return the files of an archive in the bucket by their names."""
        body = self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as opened:
            return {name: opened.read(name).decode() for name in opened.namelist()}

    def project(self, name: str, buildspec: str, **changes: Any) -> dict[str, Any]:
        """Create a project without source and artifacts, if ``changes`` do not say otherwise."""
        request = {
            "name": name,
            "source": {"type": "NO_SOURCE", "buildspec": buildspec},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": ENVIRONMENT,
            "serviceRole": self.role,
            **changes,
        }
        project: dict[str, Any] = self.client("codebuild").create_project(**request)["project"]
        return project

    def start(self, name: str, **overrides: Any) -> str:
        return str(self.client("codebuild").start_build(projectName=name, **overrides)["build"]["id"])

    def get(self, build_id: str) -> dict[str, Any]:
        build: dict[str, Any] = self.client("codebuild").batch_get_builds(ids=[build_id])["builds"][0]
        return build

    def end(self, build_id: str) -> dict[str, Any]:
        """Wait until a build has ended and return it."""
        build: dict[str, Any] = wait(
            lambda: self.get(build_id), until=lambda found: bool(found["buildComplete"]), timeout_s=60
        )
        return build

    def build(self, name: str, buildspec: str, **changes: Any) -> dict[str, Any]:
        """Create a project, run one build of it, and return the build."""
        self.project(name, buildspec, **changes)
        return self.end(self.start(name))

    def log(self, build: dict[str, Any]) -> list[str]:
        """Return the lines of a build's log."""
        place = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
        return [event["message"] for event in self.client("logs").get_log_events(**place)["events"]]


def statuses(build: dict[str, Any]) -> dict[str, str]:
    """Return the status of each phase that has ended."""
    return {phase["phaseType"]: phase["phaseStatus"] for phase in build["phases"] if "phaseStatus" in phase}


def context(build: dict[str, Any], kind: str) -> dict[str, str]:
    """Return the context of a phase."""
    (found,) = [phase["contexts"][0] for phase in build["phases"] if phase["phaseType"] == kind]
    return {"code": found["statusCode"], "message": found["message"]}


LOGS: dict[str, Any] = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/*",
}
OBJECTS: dict[str, Any] = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
    "Resource": f"arn:aws:s3:::{BUCKET}/*",
}


@pytest.fixture(scope="module")
def world(embedded_aws: EmbeddedAws) -> World:
    s3 = embedded_aws.client("s3")
    if BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:  # another test module has created it
        return World(aws=embedded_aws, role=f"arn:aws:iam::{ACCOUNT}:role/codebuild-world")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    parameters = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:*"}
    role = embedded_aws.create_role("codebuild-world", [LOGS, OBJECTS, parameters], trusted=CODEBUILD)
    return World(aws=embedded_aws, role=role)
