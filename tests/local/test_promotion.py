"""A team's pipelines deploy its code and promote its champion: four accounts, two regions, IAM enforced.

The tests run in order: each continues where the one before has ended.
"""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mooring.demo import chapters
from mooring.demo.story import Story
from mooring.embedded import process
from pipelines.aws.packages import read_package
from pipelines.interface import keys
from pipelines.interface.names import Environment
from pipelines.interface.records import Champion, GoldenRequests, PromotionState
from tests.support.promoted_team import (
    DEV,
    ENVIRONMENTS,
    MODEL,
    PROD,
    PROD_EU,
    STAGING,
    TOOLING,
    PromotedTeam,
    document,
    promoted_team,
    until,
)

LATER = (STAGING, PROD, PROD_EU)
REQUESTER, TRAINER, APPROVER = "rita", "tom", "ann"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PromotedTeam]:
    with promoted_team(tmp_path_factory.mktemp("promotion")) as made, pytest.MonkeyPatch.context() as patch:
        variables = process.variables(made.server, account=DEV.account, region=DEV.region)
        for name, value in variables.items():
            if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, value)
        yield made


def decide(team: PromotedTeam, execution: str, by: str, *, what: str = "approve") -> None:
    """Approve or reject a release in prod with the command."""
    until(lambda: team.waiting("models", execution, "prod"))
    arguments = ("promotions", what, execution, "--stage", "prod", "--comment", "looked at staging", "--by", by)
    team.mooring(TOOLING, *arguments)


def promote(team: PromotedTeam, version: int) -> str:
    """Request a promotion to prod with the command; return the id of the execution that it starts."""
    known = {each["pipelineExecutionId"] for each in team.executions("models")}
    team.mooring(DEV, "promote", MODEL, str(version), "--to", "prod", "--by", REQUESTER)

    def started() -> str | None:
        listed = [str(each["pipelineExecutionId"]) for each in team.executions("models")]
        return next((execution for execution in listed if execution not in known), None)

    return str(until(started, 30))


def champion(team: PromotedTeam, environment: Environment) -> Champion | None:
    return team.deployed(environment).ledger.get(keys.champion(MODEL))


def packages(team: PromotedTeam, environment: Environment) -> list[str]:
    listed = team.root("sagemaker", environment).list_model_packages(
        ModelPackageGroupName=environment.model(MODEL).package_group, SortBy="CreationTime", SortOrder="Ascending"
    )
    return [str(each["ModelPackageArn"]) for each in listed["ModelPackageSummaryList"]]


def answers(team: PromotedTeam, environment: Environment) -> list[bytes]:
    """Return the endpoint's answers to the golden requests of its champion."""
    services = team.deployed(environment).services("auditor")
    found = champion(team, environment)
    assert found
    metadata = read_package(services, found.package_arn).metadata
    artifacts = services.bucket("artifacts")
    golden = artifacts.read_record(GoldenRequests, artifacts.key_of(metadata.golden_uri))
    runtime = team.deployed(environment).client("sagemaker-runtime", "consumer")
    return [
        runtime.invoke_endpoint(
            EndpointName=environment.model(MODEL).endpoint,
            ContentType=golden.content_type,
            Accept="text/csv",
            Body=request.body.encode(),
        )["Body"].read()
        for request in golden.requests
    ]


def stage_of(team: PromotedTeam, folder: Path) -> chapters.Stage:
    return chapters.Stage(
        story=Story(Console(file=io.StringIO())), arrivals=team.deployed(DEV), variables={}, home=folder
    )


def train(team: PromotedTeam, folder: Path, version: int, months: range) -> None:
    """Train and release a version in dev."""
    stage, dev = stage_of(team, folder), team.deployed(DEV)
    chapters.commit_months(stage, dev, months)
    run = dev.wait_for(
        dev.start_retraining(MODEL, by=TRAINER, reason=f"version {version}"), timeout_s=chapters.RUN_TIMEOUT_S
    )
    chapters.accepted(stage, dev, MODEL, run, version=version)
    chapters.release(stage, dev, MODEL, version=version)


def test_code_goes_through_all_stages_by_the_deployed_pipeline(team: PromotedTeam) -> None:
    execution = team.push(document())
    waiting = until(lambda: team.waiting("code", execution, "prod") or team.has_ended("code", execution))
    assert isinstance(waiting, dict), team.failures("code", execution)
    for environment in (PROD, PROD_EU):
        assert team.stack_status(environment, "operations") is None, "nothing reaches prod before a person approves"
    team.mooring(TOOLING, "promotions", "approve", execution, "--stage", "prod", "--comment", "go")
    assert team.end("code", execution) == "Succeeded", team.failures("code", execution)
    for environment in ENVIRONMENTS:
        assert team.stack_status(environment, "operations") == "CREATE_COMPLETE"
        assert team.stack_status(environment.model(MODEL), "serving") == "CREATE_COMPLETE"


def test_champion_reaches_two_prod_regions_with_one_approval(team: PromotedTeam, tmp_path: Path) -> None:
    train(team, tmp_path, 1, range(1, 4))
    execution = promote(team, 1)
    decide(team, execution, APPROVER)
    assert team.end("models", execution) == "Succeeded", team.failures("models", execution)
    approvals = [each for each in team.actions("models", execution) if each["actionName"] == "Approve"]
    assert [each["updatedBy"].rpartition("/")[2] for each in approvals] == [APPROVER]
    digests = set()
    for environment in (DEV, *LATER):
        services, found = team.deployed(environment).services("auditor"), champion(team, environment)
        assert found, environment.id
        package = read_package(services, found.package_arn)
        artifacts = services.bucket("artifacts")
        digests.add(artifacts.sha256_of(artifacts.key_of(package.model_data_url)))
        assert environment == DEV or package.metadata.origin == DEV.model(MODEL).package_arn(1)
    assert len(digests) == 1, "the same bytes in all accounts"
    expected = answers(team, DEV)
    assert expected
    for environment in LATER:
        assert answers(team, environment) == expected, f"{environment.id} answers other bytes"


def test_replayed_record_and_a_record_that_nobody_signed_are_refused(team: PromotedTeam) -> None:
    before = {environment.id: (champion(team, environment), packages(team, environment)) for environment in LATER}
    s3, pipeline = team.root("s3", TOOLING), team.root("codepipeline", TOOLING)
    listed = s3.list_objects_v2(Bucket=TOOLING.bucket("records"), Prefix="records/")["Contents"]
    replayed, forged = listed[0]["Key"], f"records/{'0' * 64}.zip"
    body = s3.get_object(Bucket=TOOLING.bucket("records"), Key=replayed)["Body"].read()
    s3.put_object(Bucket=TOOLING.bucket("records"), Key=forged, Body=body)
    for key, error in ((replayed, "ReplayedRecordError"), (forged, "AlteredRecordError")):
        started = pipeline.start_pipeline_execution(
            name=TOOLING.pipeline("models"),
            variables=[{"name": "stages", "value": ",staging,prod,"}],
            sourceRevisions=[{"actionName": "Source", "revisionType": "S3_OBJECT_KEY", "revisionValue": key}],
        )
        execution = started["pipelineExecutionId"]
        assert team.end("models", execution) == "Failed"
        (failure,) = team.failures("models", execution)
        assert failure.startswith("staging/Import")
        assert error in failure
    after = {environment.id: (champion(team, environment), packages(team, environment)) for environment in LATER}
    assert after == before


def test_author_may_not_approve_and_another_person_may_after_a_retry(team: PromotedTeam, tmp_path: Path) -> None:
    train(team, tmp_path, 2, range(4, 7))
    execution = promote(team, 2)
    waiting = until(lambda: team.waiting("models", execution, "prod"))
    # The command refuses the author; AWS does not, so the environment must.
    arguments = ("promotions", "approve", execution, "--stage", "prod", "--comment", "my own")
    assert "another person" in team.mooring(TOOLING, *arguments, "--by", REQUESTER, fails=True)
    approve_as(team, REQUESTER, waiting["actionExecutionId"])
    assert team.end("models", execution) == "Failed"
    assert "OwnApprovalError" in team.failures("models", execution)[0]
    for environment in (PROD, PROD_EU):
        serving = champion(team, environment)
        assert serving
        assert serving.package_arn == environment.model(MODEL).package_arn(1)
    team.mooring(TOOLING, "promotions", "retry", execution)
    until(lambda: team.waiting("models", execution, "prod"))
    spoil_golden(team, PROD_EU)
    with caller(team, PROD) as failed, caller(team, PROD_EU) as failed_too:
        decide(team, execution, APPROVER)
        assert team.end("models", execution) == "Failed"
    assert (failed, failed_too) == ([], []), "no request of a client without retries failed"
    assert "golden request" in str(team.failures("models", execution))
    for environment in (PROD, PROD_EU):
        found = champion(team, environment)
        assert found
        assert found.package_arn == environment.model(MODEL).package_arn(1), "both regions returned"
        assert len(packages(team, environment)) == 2, "the second version is registered once"
    states = {
        environment.id: [record.state for _, record in team.deployed(environment).ledger.query(consumed())]
        for environment in (PROD, PROD_EU)
    }
    assert PromotionState.RETURNED in states[PROD.id]
    assert PromotionState.FAILED in states[PROD_EU.id]


def consumed() -> Any:
    return keys.consumed_records(MODEL)


def approve_as(team: PromotedTeam, person: str, token: str) -> None:
    """Approve with a session of the approver's role, past the command."""
    role = TOOLING.role_arn(TOOLING.persona_role("approver"))
    credentials = team.root("sts", TOOLING).assume_role(RoleArn=role, RoleSessionName=person)["Credentials"]
    team.client("codepipeline", TOOLING, credentials).put_approval_result(
        pipelineName=TOOLING.pipeline("models"),
        stageName="prod",
        actionName="Approve",
        result={"summary": "my own", "status": "Approved"},
        token=token,
    )


def spoil_golden(team: PromotedTeam, environment: Environment) -> None:
    """Let the environment's newest package expect other answers, so that its release fails there."""
    services = team.deployed(environment).services("auditor")
    uri = read_package(services, packages(team, environment)[-1]).metadata.golden_uri
    key = services.bucket("artifacts").key_of(uri)
    document = services.bucket("artifacts").read_json(key)
    for request in document["requests"]:
        request["expected"] = [value + 0.5 for value in request["expected"]]
    team.write_artifact(environment, key, document)


class caller:  # noqa: N801 - a context manager
    """A client that calls an endpoint all the time without retries; it yields the list of its failures."""

    def __init__(self, team: PromotedTeam, environment: Environment) -> None:
        self._client = team.root("sagemaker-runtime", environment)
        self._endpoint = environment.model(MODEL).endpoint
        services, found = team.deployed(environment).services("auditor"), champion(team, environment)
        assert found
        artifacts = services.bucket("artifacts")
        uri = read_package(services, found.package_arn).metadata.golden_uri
        self._request = artifacts.read_record(GoldenRequests, artifacts.key_of(uri)).requests[0]
        self._failures: list[str] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._call)

    def __enter__(self) -> list[str]:
        self._thread.start()
        return self._failures

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _call(self) -> None:
        while not self._done.is_set():
            try:
                self._client.invoke_endpoint(
                    EndpointName=self._endpoint, ContentType="text/csv", Body=self._request.body.encode()
                )
            except Exception as error:
                self._failures.append(str(error))
            time.sleep(0.1)
