"""A tooling environment is bootstrapped and deployed, and its machine takes a step in another account.

The machine of the other account's environment is a stand-in here.
"""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infra.assembly import sign
from infra.fleet import parse
from infra.parts import parts_of
from infra.synthesis import ROOT, add_shared, new_app
from mooring.cli import cli
from pipelines.interface.names import Environment
from pipelines.interface.paths import RECORD_MEMBERS, carried_record_key
from tests.support.embedded_aws import EmbeddedAws
from tests.unit.infra.fleet.document import fleet_document

TOOLING = Environment(team="tooled", stage="tooling", account="515151515151", region="us-east-1")
DEV = Environment(team="tooled", stage="dev", account="515151515152", region="us-east-1")
STAGING = Environment(team="tooled", stage="staging", account="515151515153", region="us-east-1")
PROD = [
    Environment(team="tooled", stage="prod", account="515151515154", region=region)
    for region in ("us-east-1", "eu-west-1")
]
DIGEST = "0123" * 16


def document() -> Any:
    found = fleet_document()
    found["tooling"] = {"account": TOOLING.account, "region": TOOLING.region}
    found["stages"] = [{"name": "dev"}, {"name": "staging"}, {"name": "prod", "promotion": {"regions": "parallel"}}]
    team = found["teams"][0]
    team["name"] = TOOLING.team
    team["models"] = []
    team["environments"] = [
        {"stage": each.stage, "account": each.account, "region": each.region} for each in (DEV, STAGING, *PROD)
    ]
    return {**found, "teams": [team]}


def synthesize(folder: Path) -> None:
    """Synthesize the stack of the pipelines."""
    app = new_app(str(folder))
    (part,) = parts_of(parse(document()).deployable()[TOOLING.id])
    add_shared(app, part, ROOT)
    app.synth()
    sign(folder)


def lend(embedded_aws: EmbeddedAws, environment: Environment, end: dict[str, str]) -> None:
    """Give an environment a machine that ends with the state ``end``, and a role for it and for the promoter."""
    machine = environment.state_machine("promotion")
    executions = environment.arn("states", f"execution:{machine}:*")
    states = embedded_aws.client("stepfunctions", environment.account, environment.region)
    role = embedded_aws.create_role(
        machine, [], trusted={"Service": "states.amazonaws.com"}, account=environment.account
    )
    definition = {"StartAt": "End", "States": {"End": end}}
    states.create_state_machine(name=machine, roleArn=role, definition=json.dumps(definition))
    embedded_aws.create_role(
        environment.promoter_role,
        [
            {
                "Effect": "Allow",
                "Action": "states:StartExecution",
                "Resource": environment.state_machine_arn("promotion"),
            },
            {"Effect": "Allow", "Action": "states:DescribeExecution", "Resource": executions},
        ],
        trusted={"AWS": TOOLING.role_arn(TOOLING.function("drive_promotion"))},
        account=environment.account,
    )


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bootstrap the tooling account with the command, and deploy an assembly with the command."""
    folder = tmp_path_factory.mktemp("tooling")
    file, assembly = folder / "fleet.yaml", folder / "assembly"
    file.write_text(json.dumps(document()))
    synthesize(assembly)
    variables = {**embedded_aws.variables(TOOLING.account, TOOLING.region), "MOORING_FLEET": str(file)}
    for arguments in (["bootstrap", TOOLING.id], ["deploy", "--assembly", str(assembly), TOOLING.id]):
        ran = CliRunner().invoke(cli, arguments, env=variables)
        assert ran.exit_code == 0, ran.output
    for each in (DEV, *PROD):
        lend(embedded_aws, each, {"Type": "Succeed"})
    lend(embedded_aws, STAGING, {"Type": "Fail", "Error": "AlteredFileError", "Cause": "another digest"})
    members = io.BytesIO()
    with zipfile.ZipFile(members, "w") as opened:
        for name in RECORD_MEMBERS:
            opened.writestr(name, json.dumps({"name": name}))
    embedded_aws.client("s3", TOOLING.account, TOOLING.region).put_object(
        Bucket=TOOLING.bucket("records"), Key=carried_record_key(DIGEST), Body=members.getvalue()
    )


def run(embedded_aws: EmbeddedAws, **request: str) -> dict[str, Any]:
    """Run the tooling environment's machine, and return its end."""
    states = embedded_aws.client("stepfunctions", TOOLING.account, TOOLING.region)
    whole = {"execution": "e-1", "record_key": "", "environment": "", **request}
    arn = states.start_execution(stateMachineArn=TOOLING.state_machine_arn("promotion"), input=json.dumps(whole))[
        "executionArn"
    ]
    while True:
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.5)


def started(embedded_aws: EmbeddedAws, environment: Environment) -> list[dict[str, Any]]:
    states = embedded_aws.client("stepfunctions", environment.account, environment.region)
    listed = states.list_executions(stateMachineArn=environment.state_machine_arn("promotion"))["executions"]
    return [json.loads(states.describe_execution(executionArn=each["executionArn"])["input"]) for each in listed]


@pytest.mark.usefixtures("deployed")
def test_step_runs_in_the_environment_of_the_other_account(embedded_aws: EmbeddedAws) -> None:
    assert run(embedded_aws, step="smoke", stage="dev", environment=DEV.id)["status"] == "SUCCEEDED"
    (request,) = started(embedded_aws, DEV)
    assert request["step"] == "smoke"
    assert request["execution"] == "e-1"


@pytest.mark.usefixtures("deployed")
def test_failure_in_the_environment_fails_the_step_with_its_cause(embedded_aws: EmbeddedAws) -> None:
    end = run(embedded_aws, step="import", stage="staging", record_key=carried_record_key(DIGEST))
    assert end["status"] == "FAILED"
    assert end["cause"] == f"{STAGING.id}: FAILED: AlteredFileError: another digest"
    (request,) = started(embedded_aws, STAGING)
    assert request["digest"] == DIGEST
    assert json.loads(request["signature"]) == {"name": "signature.json"}


@pytest.mark.usefixtures("deployed")
def test_release_that_fails_is_returned_in_all_regions_of_the_stage(embedded_aws: EmbeddedAws) -> None:
    # No pipeline has this execution, so nobody can be named as the one who approved it.
    end = run(embedded_aws, step="release", stage="prod", record_key=carried_record_key(DIGEST))
    assert end["status"] == "FAILED"
    assert end["error"] == "PromotionFailedError"
    assert "ListActionExecutions" in end["cause"]
    for environment in PROD:
        assert [request["step"] for request in started(embedded_aws, environment)] == ["return"]


@pytest.mark.usefixtures("deployed")
def test_stage_that_the_team_does_not_have_is_refused(embedded_aws: EmbeddedAws) -> None:
    end = run(embedded_aws, step="smoke", stage="other")
    assert (end["status"], end["error"]) == ("FAILED", "UnknownPlaceError")
