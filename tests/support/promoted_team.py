"""A team whose pipelines deploy its code and promote its models, in four accounts and two regions."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.synthesis import ROOT
from mooring.deployed import DeployedEnvironment
from mooring.embedded import process
from pipelines.interface.names import Environment, Model

MODEL = "late-arrival"
TEAM = "arrivals"
TOOLING = Environment(team=TEAM, stage="tooling", account="717171717170", region="us-east-1")
DEV = Environment(team=TEAM, stage="dev", account="717171717171", region="us-east-1")
STAGING = Environment(team=TEAM, stage="staging", account="717171717172", region="us-east-1")
PROD, PROD_EU = (
    Environment(team=TEAM, stage="prod", account="717171717173", region=region) for region in ("us-east-1", "eu-west-1")
)
ENVIRONMENTS = (DEV, STAGING, PROD, PROD_EU)
FOLDERS = ("functions", "infra", "mooring", "pipelines")
FILES = ("README.md", "LICENSE", "pyproject.toml", "cdk.json", "package.json", "package-lock.json")
MAKEFILE = """\
# The tools of the checkout under test, instead of a download in each build.
setup:
\tmkdir -p .venv/bin
\tln -sfn {root}/node_modules node_modules
\tln -sfn {root}/build build
\tprintf '#!/bin/sh\\nexec {root}/.venv/bin/python -m mooring "$$@"\\n' > .venv/bin/mooring
\tprintf '#!/bin/sh\\nexec {root}/.venv/bin/python "$$@"\\n' > .venv/bin/python
\tchmod +x .venv/bin/python .venv/bin/mooring
\tln -sfn {root}/node_modules/.bin/cdk .venv/bin/cdk

check: setup
\t.venv/bin/python -m infra.fleet
"""


def document(*, bound: float = 0.6) -> dict[str, Any]:
    """Return the team's fleet; ``bound`` is the gate's."""
    with (ROOT / "fleet.yaml").open() as file:
        found: dict[str, Any] = yaml.safe_load(file)
    team = next(each for each in found["teams"] if each["name"] == TEAM)
    team["environments"] = [
        {"stage": each.stage, "account": each.account, "region": each.region} for each in ENVIRONMENTS
    ]
    (model,) = team["models"]
    model["gate"]["bound"] = bound
    found["teams"] = [team]
    found["tooling"] = {"account": TOOLING.account, "region": TOOLING.region}
    found["stages"] = [
        {"name": "dev", "defaults": {"retraining": {"cooldown_s": 0, "max_runs_per_day": 20}}},
        {"name": "staging"},
        {
            "name": "prod",
            "promotion": {"approval": "manual", "regions": "ordered"},
            "defaults": {"two_people": True, "serving": {"min_instances": 2, "max_instances": 2}},
        },
    ]
    return found


def bundle(fleet: dict[str, Any], root: Path = ROOT) -> bytes:
    """Return source.zip: this checkout's code with that fleet, and a Makefile that uses this checkout's tools."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in FOLDERS:
            for path in sorted((root / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(root))
        for name in (*FILES, *(path.name for path in root.glob("requirements*.lock"))):
            archive.write(root / name, name)
        archive.writestr("fleet.yaml", yaml.safe_dump(fleet))
        archive.writestr("Makefile", MAKEFILE.format(root=root))
    return buffer.getvalue()


@dataclass(frozen=True, kw_only=True)
class PromotedTeam:
    """The server, with the clients of each environment's account."""

    server: process.Server
    fleet: Path

    def root(self, service: str, environment: Environment) -> Any:
        """Return a client of the account's root in the environment's region."""
        options = process.client_options(self.server, account=environment.account, region=environment.region)
        return boto3.client(service, config=Config(retries={"total_max_attempts": 1}), **options)  # type: ignore[call-overload]

    def client(self, service: str, environment: Environment, credentials: dict[str, Any]) -> Any:
        """Return a client of a role's session."""
        options = process.client_options(self.server, account=environment.account, region=environment.region)
        options |= {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        return boto3.client(service, **options)  # type: ignore[call-overload]

    def stack_status(self, of: Environment | Model, kind: str) -> str | None:
        """Return the status of a stack of an environment or of a model, None without such a stack."""
        environment = of.environment if isinstance(of, Model) else of
        client = self.root("cloudformation", environment)
        try:
            (found,) = client.describe_stacks(StackName=of.stack(kind))["Stacks"]
        except ClientError:
            return None
        return str(found["StackStatus"])

    def write_artifact(self, environment: Environment, key: str, document: Any) -> None:
        """Overwrite a document in an artifacts bucket, as the account's root."""
        body = json.dumps(document).encode()
        self.root("s3", environment).put_object(Bucket=environment.bucket("artifacts"), Key=key, Body=body)

    def deployed(self, environment: Environment) -> DeployedEnvironment:
        options = process.client_options(self.server, account=environment.account, region=environment.region)
        session = boto3.Session(
            aws_access_key_id=options["aws_access_key_id"],
            aws_secret_access_key=options["aws_secret_access_key"],
            region_name=environment.region,
        )
        return DeployedEnvironment(environment, session=session)

    def mooring(self, environment: Environment, *arguments: str, fails: bool = False) -> str:
        """Run a command with the credentials of the environment's account; return its output."""
        variables = process.variables(self.server, account=environment.account, region=environment.region)
        ran = subprocess.run(
            [sys.executable, "-m", "mooring", *arguments],
            cwd=ROOT,
            env={**os.environ, **variables, "MOORING_FLEET": str(self.fleet), "MOORING_HOME": str(self.fleet.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        output = ran.stdout + ran.stderr
        assert (ran.returncode != 0) is fails, f"{arguments}: {output}"
        return output

    def push(self, fleet: dict[str, Any]) -> str:
        """Upload the team's code; return the id of the execution of its pipeline that this starts."""
        self.fleet.write_text(yaml.safe_dump(fleet))
        known = {each["pipelineExecutionId"] for each in self.executions("code")}
        self.root("s3", TOOLING).put_object(Bucket=TOOLING.bucket("source"), Key="source.zip", Body=bundle(fleet))

        def started() -> str | None:
            listed = [str(each["pipelineExecutionId"]) for each in self.executions("code")]
            return next((execution for execution in listed if execution not in known), None)

        return str(until(started))

    def executions(self, kind: str) -> list[dict[str, Any]]:
        listed = self.root("codepipeline", TOOLING).list_pipeline_executions(pipelineName=TOOLING.pipeline(kind))
        return list(listed["pipelineExecutionSummaries"])

    def actions(self, kind: str, execution: str) -> list[dict[str, Any]]:
        """Return the runs of an execution's actions, newest first."""
        listed = self.root("codepipeline", TOOLING).list_action_executions(
            pipelineName=TOOLING.pipeline(kind), filter={"pipelineExecutionId": execution}
        )
        return list(listed["actionExecutionDetails"])

    def waiting(self, kind: str, execution: str, stage: str) -> dict[str, Any] | None:
        """Return the approval of a stage that waits."""
        for action in self.actions(kind, execution):
            if (action["stageName"], action["actionName"], action["status"]) == (stage, "Approve", "InProgress"):
                return action
        return None

    def status(self, kind: str, execution: str) -> str:
        found = self.root("codepipeline", TOOLING).get_pipeline_execution(
            pipelineName=TOOLING.pipeline(kind), pipelineExecutionId=execution
        )
        return str(found["pipelineExecution"]["status"])

    def end(self, kind: str, execution: str, timeout_s: float = 600) -> str:
        """Wait for the end of a pipeline's execution; return its status."""
        return str(
            until(
                lambda: found if (found := self.status(kind, execution)) not in ("InProgress", "Stopping") else None,
                timeout_s,
            )
        )

    def has_ended(self, kind: str, execution: str) -> bool | None:
        return None if self.status(kind, execution) in ("InProgress", "Stopping") else True

    def failures(self, kind: str, execution: str) -> list[str]:
        return [
            f"{each['stageName']}/{each['actionName']}: {each['output']['executionResult'].get('errorDetails')}"
            for each in self.actions(kind, execution)
            if each["status"] == "Failed"
        ]


def until(found: Callable[[], Any], timeout_s: float = 600) -> Any:
    """Return the first value that is not None."""
    end = time.monotonic() + timeout_s
    while (value := found()) is None:
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.5)
    return value


@contextmanager
def promoted_team(folder: Path) -> Iterator[PromotedTeam]:
    """Start a server, and bootstrap all accounts; nothing is deployed but the pipelines."""
    server = process.start(home=folder / "aws", port=process.free_port())
    team = PromotedTeam(server=server, fleet=folder / "fleet.yaml")
    team.fleet.write_text(json.dumps(document()))
    try:
        for environment in (TOOLING, *ENVIRONMENTS):
            team.mooring(environment, "bootstrap", environment.id)
        team.mooring(TOOLING, "deploy", TOOLING.id)
        yield team
    finally:
        process.stop(home=folder / "aws")
