"""People watch, approve, reject, retry and stop the executions of a real pipeline, each under the role for it."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.fleet import parse
from mooring import cli
from pipelines.interface.codec import canonical, to_json
from pipelines.interface.names import TOOLING_PERSONAS, Environment
from pipelines.interface.paths import carried_record_key
from pipelines.interface.requests import PromotionTicket
from tests.support.embedded_aws import EmbeddedAws
from tests.support.pipeline_world import archive, record
from tests.support.sagemaker_world import wait
from tests.support.synth import FLEET, promotion_template_of, resources

DEV = Environment(team="anglers", stage="dev", account="111111111111", region="us-east-1")
TOOLING = Environment(team="anglers", stage="tooling", account="333333333377", region="eu-west-1")
DIGEST = "ab" * 32
REFUSED = json.dumps({"errorType": "OwnApprovalError", "errorMessage": "ann requested the promotion"})

FUNCTION = """
import json

class NotChampionError(RuntimeError):
    pass

def handle(request, context):
    if request["version"] != 7:
        raise NotChampionError("the champion is version 7")
    with open(__file__.replace("handler.py", "ticket.json")) as opened:
        ticket = json.load(opened)
    ticket["record"]["requested_by"] = request["by"]
    return ticket
"""


def machine(release: dict[str, Any]) -> str:
    choice = {"Variable": "$.step", "StringEquals": "release", "Next": "Release"}
    states = {
        "Which?": {"Type": "Choice", "Choices": [choice], "Default": "Import"},
        "Import": {"Type": "Succeed"},
        "Release": release,
    }
    return json.dumps({"StartAt": "Which?", "States": states})


def action(name: str, category: str, provider: str, order: int, **configuration: str) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "runOrder": order, "configuration": configuration}


def step(name: str, order: int) -> dict[str, Any]:
    request = json.dumps({"step": name.lower(), "stage": "prod"})
    arn = TOOLING.state_machine_arn("promotion")
    return action(name, "Invoke", "StepFunctions", order, StateMachineArn=arn, InputType="Literal", Input=request)


def pipeline(role: str) -> dict[str, Any]:
    source = {
        **action(
            "Source",
            "Source",
            "S3",
            1,
            S3Bucket=TOOLING.bucket("records"),
            S3ObjectKey=carried_record_key("none"),
            AllowOverrideForS3ObjectKey="true",
            PollForSourceChanges="false",
        ),
        "outputArtifacts": [{"name": "Record"}],
        "namespace": "Source",
    }
    staging, prod = (_asked(name) for name in ("staging", "prod"))
    return {
        "name": TOOLING.pipeline("models"),
        "roleArn": role,
        "pipelineType": "V2",
        "executionMode": "PARALLEL",
        "artifactStore": {"type": "S3", "location": TOOLING.bucket("pipeline")},
        "variables": [{"name": "stages", "defaultValue": ","}],
        "stages": [
            {"name": "Source", "actions": [source]},
            {"name": "staging", "actions": [step("Import", 1)], **staging},
            {
                "name": "prod",
                "actions": [step("Import", 1), action("Approve", "Approval", "Manual", 2), step("Release", 3)],
                **prod,
            },
        ],
    }


def _asked(stage: str) -> dict[str, Any]:
    rule = {
        "name": "IsAskedFor",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
        "configuration": {"Variable": "#{variables.stages}", "Value": f",{stage},", "Operator": "CONTAINS"},
    }
    return {"beforeEntry": {"conditions": [{"result": "SKIP", "rules": [rule]}]}}


@dataclass
class Promotions:
    """The pipeline in the embedded AWS, and the command line beside it."""

    aws: EmbeddedAws
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def use(self, account: str) -> None:
        """Use the account's credentials from now on."""
        for name, value in self.aws.variables(account, TOOLING.region).items():
            self.monkeypatch.setenv(name, value)

    def client(self, service: str) -> Any:
        return self.aws.client(service, TOOLING.account, TOOLING.region)

    def release_ends(self, state: dict[str, Any]) -> None:
        self.client("stepfunctions").update_state_machine(
            stateMachineArn=TOOLING.state_machine_arn("promotion"), definition=machine(state)
        )

    def start(self) -> str:
        revision = {
            "actionName": "Source",
            "revisionType": "S3_OBJECT_KEY",
            "revisionValue": carried_record_key(DIGEST),
        }
        started = self.client("codepipeline").start_pipeline_execution(
            name=TOOLING.pipeline("models"),
            sourceRevisions=[revision],
            variables=[{"name": "stages", "value": ",prod,"}],
        )
        return str(started["pipelineExecutionId"])

    def run(self, *arguments: str, command: str = "promotions") -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main([command, *arguments])
        printed = self.capsys.readouterr()
        assert ended.value.code in (0, None), printed.err
        return printed.out

    def refused(self, *arguments: str, command: str = "promotions") -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main([command, *arguments])
        assert ended.value.code == 1
        return self.capsys.readouterr().err

    def stage(self, execution: str, name: str = "prod") -> dict[str, Any]:
        listed = json.loads(self.run("late-arrival", "--json"))["releases"]
        (found,) = (each for each in listed if each["execution"] == execution)
        return dict(next(stage for stage in found["stages"] if stage["stage"] == name))

    def wait_for(self, execution: str, state: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            found = self.stage(execution)
            return found if found["state"] == state else None

        return dict(wait(reached))


def document() -> dict[str, Any]:
    """Return the fleet of a team of this module's own."""
    found: dict[str, Any] = yaml.safe_load(FLEET.read_text(encoding="utf-8").replace("arrivals", TOOLING.team))
    found["tooling"] = {"account": TOOLING.account, "region": TOOLING.region}
    found["stages"][2]["promotion"] = {"approval": "manual"}
    return {**found, "teams": found["teams"][:1]}


def create_personas(aws: EmbeddedAws) -> None:
    """Create the roles of the team's template, with the key's ARN replaced."""
    iam = aws.client("iam", TOOLING.account)
    template = resources(promotion_template_of(parse(document())), "AWS::IAM::Role")
    roles = {each["Properties"].get("RoleName"): each["Properties"] for each in template.values()}
    for persona in TOOLING_PERSONAS:
        role = roles[TOOLING.persona_role(persona)]
        iam.create_role(
            RoleName=role["RoleName"], AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"])
        )
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                if not isinstance(statement["Resource"], (str, list)):
                    statement["Resource"] = TOOLING.arn("kms", "key/none")
            iam.put_role_policy(
                RoleName=role["RoleName"],
                PolicyName=policy["PolicyName"],
                PolicyDocument=json.dumps(policy["PolicyDocument"]),
            )


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws) -> EmbeddedAws:
    """Return the AWS with the team's pipeline of models, its record, its machine and its people's roles."""
    s3 = embedded_aws.client("s3", TOOLING.account)
    for kind in ("records", "pipeline"):
        bucket = TOOLING.bucket(kind)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": TOOLING.region})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=TOOLING.bucket("records"), Key=carried_record_key(DIGEST), Body=archive(canonical(record())))
    create_personas(embedded_aws)
    machine_role = embedded_aws.create_role(
        TOOLING.state_machine("promotion"),
        [],
        trusted={"Service": "states.amazonaws.com"},
        account=TOOLING.account,
    )
    embedded_aws.client("stepfunctions", TOOLING.account).create_state_machine(
        name=TOOLING.state_machine("promotion"), definition=machine({"Type": "Succeed"}), roleArn=machine_role
    )
    actions = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetBucketVersioning", "s3:ListBucket", "s3:PutObject"]
    actions += ["states:StartExecution", "states:DescribeExecution", "states:DescribeStateMachine"]
    role = embedded_aws.create_role(
        TOOLING.pipeline("models"),
        [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
        trusted={"Service": "codepipeline.amazonaws.com"},
        account=TOOLING.account,
    )
    embedded_aws.client("codepipeline", TOOLING.account).create_pipeline(pipeline=pipeline(role))
    return embedded_aws


@pytest.fixture
def promotions(
    deployed: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Promotions:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(yaml.safe_dump(document()), encoding="utf-8")
    monkeypatch.setenv("MOORING_FLEET", str(fleet))
    found = Promotions(aws=deployed, capsys=capsys, monkeypatch=monkeypatch)
    found.use(TOOLING.account)
    return found


def test_author_is_refused_and_another_person_releases(promotions: Promotions) -> None:
    promotions.release_ends({"Type": "Succeed"})
    execution = promotions.start()
    stage = promotions.wait_for(execution, "waiting for approval")
    assert "other than ann (requested it) and ben (trained it)" in stage["approver"]
    assert promotions.stage(execution, "staging")["state"] == "skipped"
    approve = ("approve", execution[:8], "--stage", "prod", "--comment", "checked", "--by")
    assert "ann requested the promotion of late-arrival v3" in promotions.refused(*approve, "ann")
    assert "is approved for prod by cleo" in promotions.run(*approve, "cleo")
    promotions.wait_for(execution, "released")
    actions = promotions.client("codepipeline").list_action_executions(
        pipelineName=TOOLING.pipeline("models"), filter={"pipelineExecutionId": execution}
    )["actionExecutionDetails"]
    (by,) = (each["updatedBy"] for each in actions if each["actionName"] == "Approve")
    assert by == f"arn:aws:sts::{TOOLING.account}:assumed-role/{TOOLING.persona_role('approver')}/cleo"


def test_refused_approver_is_followed_by_a_retry_that_asks_anew(promotions: Promotions) -> None:
    cause = f"anglers-prod-us-east-1: FAILED: OwnApprovalError: {REFUSED}"
    promotions.release_ends({"Type": "Fail", "Error": "PromotionFailedError", "Cause": cause})
    execution = promotions.start()
    promotions.wait_for(execution, "waiting for approval")
    approve = ("approve", execution, "--stage", "prod", "--comment", "checked", "--by", "cleo")
    promotions.run(*approve)
    stage = promotions.wait_for(execution, "failed")
    assert stage["cause"] == "anglers-prod-us-east-1: FAILED: OwnApprovalError: ann requested the promotion"
    promotions.release_ends({"Type": "Succeed"})
    assert "another person must approve it" in promotions.run("retry", execution, "--by", "dora")
    promotions.wait_for(execution, "waiting for approval")
    promotions.run(*approve)
    promotions.wait_for(execution, "released")


def test_failed_release_is_shown_as_returned_and_its_action_alone_retried(promotions: Promotions) -> None:
    promotions.release_ends({"Type": "Fail", "Error": "PromotionFailedError", "Cause": "no capacity"})
    execution = promotions.start()
    promotions.wait_for(execution, "waiting for approval")
    promotions.run("approve", execution, "--stage", "prod", "--comment", "checked", "--by", "cleo")
    assert promotions.wait_for(execution, "returned")["cause"] == "no capacity"
    promotions.release_ends({"Type": "Succeed"})
    assert "another person" not in promotions.run("retry", execution, "--by", "dora")
    promotions.wait_for(execution, "released")


def test_rejection_is_shown_with_its_reason(promotions: Promotions) -> None:
    execution = promotions.start()
    promotions.wait_for(execution, "waiting for approval")
    promotions.run("reject", execution, "--stage", "prod", "--comment", "wait for the audit", "--by", "ann")
    assert promotions.wait_for(execution, "failed")["cause"] == "rejected by ann: wait for the audit"


def test_abandoned_execution_is_stopped(promotions: Promotions) -> None:
    execution = promotions.start()
    promotions.wait_for(execution, "waiting for approval")
    promotions.run("stop", execution, "--abandon", "--by", "ann")
    promotions.wait_for(execution, "stopped")
    assert "is not under way" in promotions.refused("stop", execution, "--by", "ann")


def test_account_that_requests_promotions_reads_and_does_nothing_else(promotions: Promotions) -> None:
    execution = promotions.start()
    promotions.wait_for(execution, "waiting for approval")
    promotions.use("111111111111")
    assert promotions.stage(execution)["state"] == "waiting for approval"
    assert f"mooring promotions approve {execution[:8]} --stage prod" in promotions.run()
    assert "there is no pipeline anglers-tooling-eu-west-1-code" in promotions.refused("--code")
    approve = ("approve", execution, "--stage", "prod", "--comment", "x", "--by", "cleo")
    assert f"is in account {TOOLING.account}" in promotions.refused(*approve)


@pytest.fixture(scope="module")
def training(deployed: EmbeddedAws) -> EmbeddedAws:
    """Return the AWS with an operator of the training environment, and a function that answers as its own would."""
    statements = [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": DEV.function_arn("request_promotion")}
    ]
    deployed.create_role(DEV.persona_role("operator"), statements, account=DEV.account)
    service = {"Service": "lambda.amazonaws.com"}
    role = deployed.create_role(DEV.function("request_promotion"), [], trusted=service, account=DEV.account)
    ticket = PromotionTicket(digest=DIGEST, record=record(version=7, package_arn="arn:7"))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        opened.writestr("handler.py", FUNCTION)
        opened.writestr("ticket.json", json.dumps(to_json(ticket)))
    deployed.client("lambda", DEV.account, DEV.region).create_function(
        FunctionName=DEV.function("request_promotion"),
        Runtime="python3.12",
        Handler="handler.handle",
        Role=role,
        Code={"ZipFile": written.getvalue()},
    )
    return deployed


@pytest.mark.usefixtures("training")
def test_promotion_is_requested_as_the_operator_and_tells_what_it_enters(promotions: Promotions) -> None:
    promotions.use(DEV.account)
    promote = ("late-arrival", "7", "--to", "prod", "--by", "emil")
    printed = promotions.run(*promote, command="promote")
    assert f"late-arrival v7 of {DEV.id} is being promoted to prod: record {DIGEST}" in printed
    assert "1. staging: imported, then released without a person's approval" in printed
    assert "other than emil (requested it) and ben (trained it)" in printed
    assert "in anglers-prod-us-east-1; if one fails" in printed
    dry = promotions.run(*promote, "--dry-run", command="promote")
    assert "would be promoted" in dry
    assert "auc 0.81" in dry
    assert "Nothing was changed" in dry
    as_json = json.loads(promotions.run(*promote, "--json", command="promote"))
    assert [stage["stage"] for stage in as_json["stages"]] == ["staging", "prod"]


@pytest.mark.usefixtures("training")
def test_refusal_of_the_function_comes_with_its_own_remedy(promotions: Promotions) -> None:
    promotions.use(DEV.account)
    refused = promotions.refused("late-arrival", "8", "--to", "prod", "--by", "emil", command="promote")
    assert "late-arrival v8 is not promoted: NotChampionError: the champion is version 7" in refused
    assert f"Do this: see the champion: mooring show {DEV.id} late-arrival" in refused


@pytest.mark.usefixtures("training")
def test_second_promotion_of_the_same_version_is_refused(promotions: Promotions) -> None:
    execution = promotions.start()
    promotions.wait_for(execution, "waiting for approval")
    promotions.use(DEV.account)
    refused = promotions.refused("late-arrival", "3", "--to", "prod", "--by", "emil", command="promote")
    assert "a promotion of late-arrival v3 to prod is under way" in refused
    assert "stop it first: mooring promotions stop" in refused
