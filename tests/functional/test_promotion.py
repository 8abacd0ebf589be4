"""Tests the functions that promote a champion: record, import, release and return, and every refusal."""

import base64
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from pipelines.aws.packages import read_package
from pipelines.flows.promotion.importing import (
    AlteredFileError,
    AlteredRecordError,
    ForeignRecordError,
    OtherImageError,
    ReplayedRecordError,
    import_release,
)
from pipelines.flows.promotion.release import (
    NotImportedError,
    PromotionFailedError,
    ReturnedError,
    conclude_promotion,
    prepare_promotion,
)
from pipelines.flows.promotion.request import (
    FileErasedError,
    NotChampionError,
    NotTrainedHereError,
    UnknownStageError,
)
from pipelines.flows.promotion.signature import SignatureInvalidError, SigningKeyChangedError
from pipelines.flows.release.approve import OwnApprovalError
from pipelines.flows.release.begin import (
    ApprovalConsumedError,
    ArtifactChangedError,
    NotApprovedError,
    begin_release,
)
from pipelines.interface import keys
from pipelines.interface.names import version_of
from pipelines.interface.paths import carried_record_key
from pipelines.interface.records import Champion, PromotionState
from pipelines.interface.requests import BeginReleaseRequest, PromotionStep, Step
from tests.support.crashing import DiedError
from tests.support.promotion_world import (
    APPROVER,
    ARTIFACT,
    FILES,
    ORIGINS,
    PROD,
    REQUESTER,
    STAGING,
    TOOLING,
    TRAINER,
    Team,
    sign_again,
    team,
)
from tests.support.throttling import refusal
from tests.support.world import ENVIRONMENT, MODEL, settings

__all__ = ["team"]

APPROVERS = APPROVER.rpartition("/")[0]


# -- the record ------------------------------------------------------------------------------------------------------


def test_champion_becomes_a_signed_record_that_starts_the_pipeline(team: Team) -> None:
    ticket = team.request(to="prod")
    record = ticket.record
    assert (record.package_arn, record.version, record.stage, record.to) == (team.package_arn, 1, "dev", "prod")
    assert (record.trained_by, record.requested_by, record.approvals[0].by) == (TRAINER, REQUESTER, "bob")
    assert record.metrics == {"auc": 0.71}
    assert record.gains[0].low == 0.001
    assert {file.name: file.size_bytes for file in record.files}["model.tar.gz"] == len(ARTIFACT)
    body = team.at(TOOLING).bucket("records").open(carried_record_key(ticket.digest)).read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        text, signature = archive.read("record.json"), json.loads(archive.read("signature.json"))
    assert hashlib.sha256(text).hexdigest() == ticket.digest
    assert team.world.client("kms").verify(
        KeyId=signature["key_arn"],
        Message=bytes.fromhex(ticket.digest),
        MessageType="DIGEST",
        Signature=base64.b64decode(signature["value"]),
        SigningAlgorithm="ECDSA_SHA_256",
    )["SignatureValid"]
    [event] = team.bus.entries
    assert event["EventBusName"] == TOOLING.arn("events", f"event-bus/{TOOLING.bus}")
    assert event["Detail"] == {"model": MODEL.name, "digest": ticket.digest, "stages": ",staging,prod,"}


def test_two_requests_make_two_records(team: Team) -> None:
    assert team.request().digest != team.request().digest


def test_dry_run_changes_nothing(team: Team) -> None:
    before = team.world.services.bucket("artifacts").keys("")
    assert team.request(dry_run=True).record.version == 1
    assert team.world.services.bucket("artifacts").keys("") == before
    assert team.at(TOOLING).bucket("records").keys("") == []
    assert team.bus.entries == []


def _set_training_stage(team: Team, stage: str) -> None:
    chosen = settings(training_stage=stage)
    team.world.client("ssm").put_parameter(
        Name=MODEL.settings_parameter, Value=chosen.to_json(), Type="String", Overwrite=True
    )


def _disapprove(team: Team) -> None:
    team.world.client("sagemaker").update_model_package(
        ModelPackageArn=team.package_arn, ModelApprovalStatus="Rejected"
    )


def _overwrite(team: Team) -> None:
    team.world.services.bucket("artifacts").write(FILES.artifact, b"other bytes")


def _erase(team: Team) -> None:
    bucket = team.world.services.bucket("artifacts")
    bucket.client.delete_object(Bucket=bucket.name, Key=FILES.golden)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda team: _set_training_stage(team, "staging"), NotTrainedHereError),
        (_disapprove, NotApprovedError),
        (_overwrite, ArtifactChangedError),
        (_erase, FileErasedError),
    ],
    ids=["trained elsewhere", "not approved", "artifact changed", "golden requests erased"],
)
def test_what_may_not_be_promoted_leaves_no_record(team: Team, spoil: Any, error: type[Exception]) -> None:
    spoil(team)
    with pytest.raises(error):
        team.request()
    assert team.at(TOOLING).bucket("records").keys("") == []
    assert team.world.services.bucket("artifacts").keys("releases/") == []
    assert team.bus.entries == []


def test_only_the_champion_is_promoted_and_only_to_a_later_stage(team: Team) -> None:
    with pytest.raises(NotChampionError, match="serves version 1, not version 2"):
        team.request(version=2)
    with pytest.raises(UnknownStageError, match="no later stage"):
        team.request(to="dev")


# -- the import ------------------------------------------------------------------------------------------------------


def test_import_takes_the_same_bytes_and_registers_a_package_that_leads_back(team: Team) -> None:
    ticket = team.request()
    package = team.imported(team.step(ticket))
    assert package.package_arn == STAGING.model(MODEL.name).package_arn(1)
    artifacts = team.at(STAGING).bucket("artifacts")
    assert {file.key: artifacts.sha256_of(file.key) for file in ticket.record.files} == {
        file.key: file.sha256 for file in ticket.record.files
    }
    found = read_package(team.at(STAGING), package.package_arn)
    assert found.status == "PendingManualApproval"
    assert (found.metadata.origin, found.metadata.record) == (team.package_arn, ticket.digest)
    assert found.metadata.golden_uri == artifacts.uri(FILES.golden)
    assert found.metadata.metrics == {"auc": 0.71}
    consumed = team.at(STAGING).ledger.get(keys.consumed_record(MODEL.name, ticket.digest))
    assert consumed is not None
    assert (consumed.state, consumed.origin_arn) == (PromotionState.IMPORTED, team.package_arn)


def test_repeated_import_of_the_same_execution_gives_the_same_package(team: Team) -> None:
    step = team.step(team.request())
    assert team.imported(step) == team.imported(step)
    assert len(team.packages()) == 1


def _flipped(text: str) -> str:
    return text.replace('"version":1', '"version":2')


def _altered_signature(step: PromotionStep) -> PromotionStep:
    signature = json.loads(step.signature)
    raw = bytearray(base64.b64decode(signature["value"]))
    raw[-1] ^= 1
    return replace(step, signature=json.dumps({**signature, "value": base64.b64encode(bytes(raw)).decode()}))


def _signed_by_another(team: Team, step: PromotionStep) -> PromotionStep:
    answer = team.world.client("kms").sign(
        KeyId=PROD.signing_key_alias,
        Message=bytes.fromhex(step.digest),
        MessageType="DIGEST",
        SigningAlgorithm="ECDSA_SHA_256",
    )
    value = base64.b64encode(answer["Signature"]).decode()
    return replace(
        step, signature=json.dumps({"key_arn": answer["KeyId"], "algorithm": "ECDSA_SHA_256", "value": value})
    )


@pytest.mark.parametrize(
    ("alter", "error"),
    [
        (lambda _, step: replace(step, record=_flipped(step.record)), AlteredRecordError),
        (
            lambda _, step: replace(
                step,
                record=_flipped(step.record),
                digest=hashlib.sha256(_flipped(step.record).encode()).hexdigest(),
            ),
            (ForeignRecordError, SignatureInvalidError),
        ),
        (
            lambda _, step: replace(
                step, record=step.record + " ", digest=hashlib.sha256((step.record + " ").encode()).hexdigest()
            ),
            AlteredRecordError,
        ),
        (lambda _, step: _altered_signature(step), SignatureInvalidError),
        (lambda _, step: replace(step, signature="{}"), SignatureInvalidError),
        (lambda _, step: replace(step, signature='{"key_arn":"k","algorithm":"a","value":"%"}'), SignatureInvalidError),
        (_signed_by_another, SignatureInvalidError),
    ],
    ids=[
        "record altered",
        "record and digest altered",
        "record not canonical",
        "signature altered",
        "signature empty",
        "signature no base64",
        "another key",
    ],
)
def test_altered_records_and_signatures_leave_nothing(team: Team, alter: Any, error: Any) -> None:
    step = alter(team, team.step(team.request()))
    before = team.everything()
    with pytest.raises(error):
        team.imported(step)
    assert team.everything() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"team": "network"},
        {"stage": "staging"},
        {"account": "999999999999"},
        {"region": "eu-west-1"},
        {"to": "dev"},
        {"to": "nowhere"},
        {"package_arn": ENVIRONMENT.model("air-time").package_arn(1)},
        {"run_id": "20260301T100000Z-000000000000"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_records_for_others_are_refused_even_if_they_are_signed(team: Team, changes: dict[str, Any]) -> None:
    step = sign_again(team, team.request().record, changes)
    before = team.everything()
    with pytest.raises(ForeignRecordError):
        team.imported(step)
    assert team.everything() == before


@pytest.mark.parametrize("content", [ARTIFACT[::-1], b"shorter"], ids=["same size", "other size"])
def test_altered_artifact_is_refused_before_anything_is_copied(team: Team, content: bytes) -> None:
    step = team.step(team.request())
    before = team.everything()
    team.world.services.bucket("artifacts").write(FILES.artifact, content)
    with pytest.raises(AlteredFileError, match="the record says"):
        team.imported(step)
    assert team.everything() == before


def test_replayed_record_is_refused(team: Team) -> None:
    ticket = team.request()
    team.imported(team.step(ticket))
    before = team.everything()
    with pytest.raises(ReplayedRecordError, match="pipeline-1"):
        team.imported(team.step(ticket, execution="pipeline-2"))
    assert team.everything() == before


def test_records_of_another_key_than_the_pinned_one_are_refused(team: Team) -> None:
    team.imported(team.step(team.request()))
    kms = team.world.client("kms")
    other = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=ENVIRONMENT.signing_key_alias, TargetKeyId=other)
    before = team.everything()
    with pytest.raises(SigningKeyChangedError, match="on purpose"):
        team.imported(team.step(team.request()))
    assert team.everything() == before


def test_other_image_is_refused(team: Team) -> None:
    step = team.step(team.request())
    chosen = settings(training_stage="dev", image="1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:2.0-0")
    team.world.client("ssm").put_parameter(
        Name=STAGING.model(MODEL.name).settings_parameter, Value=chosen.to_json(), Type="String", Overwrite=True
    )
    before = team.everything()
    with pytest.raises(OtherImageError, match=r"2\.0-0"):
        team.imported(step)
    assert team.everything() == before


class _Denying:
    """A client that AWS denies one operation."""

    def __init__(self, inner: Any, operation: str) -> None:
        self.inner, self.operation = inner, operation

    def __getattr__(self, name: str) -> Any:
        if name == self.operation:
            raise refusal("AccessDenied", "not authorized to perform: kms:Decrypt", 403)
        return getattr(self.inner, name)


@pytest.mark.parametrize(("service", "operation"), [("kms", "verify"), ("s3", "get_object"), ("s3", "head_object")])
def test_denied_key_leaves_nothing(team: Team, service: str, operation: str) -> None:
    step = team.step(team.request())
    before = team.everything()
    reached = team.at(ENVIRONMENT)
    denied = type(reached)(
        ENVIRONMENT,
        lambda name: _Denying(reached.client(name), operation) if name == service else reached.client(name),
    )
    with pytest.raises(Exception, match="kms:Decrypt"):
        import_release(step, team.at(STAGING), ORIGINS, elsewhere=lambda _: denied)
    assert team.everything() == before


class _Counting:
    """Clients that die before or after the call of one number."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.count = at, after, 0

    def wrap(self, inner: Any) -> Any:
        return _Mortal(inner, self)


class _Mortal:
    def __init__(self, inner: Any, hook: _Counting) -> None:
        self.inner, self.hook = inner, hook

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found) or name in ("exceptions", "get_paginator"):
            return found

        def call(*positional: Any, **request: Any) -> Any:
            self.hook.count += 1
            dies = self.hook.count >= self.hook.at
            if dies and not (self.hook.after and self.hook.count == self.hook.at):
                raise DiedError
            answer = found(*positional, **request)
            if dies:
                raise DiedError
            return answer

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_import_that_dies_at_any_call_is_finished_by_its_repetition(team: Team, after: bool) -> None:
    counting = _Counting(10**6, after=after)
    team.hook = counting.wrap
    team.imported(team.step(team.request()))
    calls, expected = counting.count, 1
    assert calls > 15
    for number in range(1, calls + 1):
        step = team.step(team.request())
        team.hook = _Counting(number, after=after).wrap
        with pytest.raises(DiedError):
            team.imported(step)
        team.hook = lambda client: client
        found = team.imported(step)
        expected += 1
        assert len(team.packages()) == expected, f"call {number} registered twice or never"
        assert found == team.imported(step)


# -- release and return ----------------------------------------------------------------------------------------------


def _serve(team: Team, arn: str | None) -> None:
    if arn:
        champion = Champion(package_arn=arn, version=version_of(arn), release_id="r", since="2026-03-02T00:00:00Z")
        team.at(STAGING).ledger.record(keys.champion(MODEL.name), champion)


def test_release_needs_another_person_where_two_are_wanted(team: Team) -> None:
    step = replace(team.step(team.request()), step=Step.RELEASE)
    team.imported(step)
    for author in (REQUESTER, TRAINER):
        with pytest.raises(OwnApprovalError, match=author):
            prepare_promotion(replace(step, by=f"{APPROVERS}/{author}"), team.at(STAGING))
    with pytest.raises(OwnApprovalError, match="manual"):
        prepare_promotion(replace(step, by="arn:aws:codepipeline:us-east-1:1:p"), team.at(STAGING))
    found = prepare_promotion(step, team.at(STAGING))
    assert (found.needed, found.rollback, found.by, found.promotion) == (True, False, APPROVER, step.digest)


def test_release_and_return_are_concluded_by_what_serves(team: Team) -> None:
    old = STAGING.model(MODEL.name).package_arn(7)
    step = replace(team.step(team.request()), step=Step.RELEASE)
    package = team.imported(step)
    _serve(team, old)
    prepare_promotion(step, team.at(STAGING))
    with pytest.raises(PromotionFailedError, match="never began"):
        conclude_promotion(step, team.at(STAGING))
    _serve(team, package.package_arn)
    conclude_promotion(step, team.at(STAGING))
    assert not prepare_promotion(step, team.at(STAGING)).needed, "a retry releases nothing again"
    back = replace(step, step=Step.RETURN)
    returning = prepare_promotion(back, team.at(STAGING))
    assert (returning.needed, returning.package_arn, returning.rollback) == (True, old, True)
    with pytest.raises(PromotionFailedError, match="still serves"):
        conclude_promotion(back, team.at(STAGING))
    _serve(team, old)
    conclude_promotion(back, team.at(STAGING))
    with pytest.raises(ReturnedError, match="request it again"):
        prepare_promotion(step, team.at(STAGING))


def test_release_without_an_import_is_refused(team: Team) -> None:
    with pytest.raises(NotImportedError, match="all actions"):
        prepare_promotion(replace(team.step(team.request()), step=Step.RELEASE), team.at(STAGING))


def begin(team: Team, arn: str, execution: str, *, promotion: str = "", by: str = APPROVER) -> Any:
    team.world.executions.running.add(execution)
    request = BeginReleaseRequest(package_arn=arn, by=by, execution=execution, promotion=promotion)
    return begin_release(request, team.at(STAGING))


def test_promoted_release_approves_its_package_and_the_approvals_event_starts_no_second_one(team: Team) -> None:
    step = replace(team.step(team.request()), step=Step.RELEASE)
    arn = team.imported(step).package_arn
    with pytest.raises(NotApprovedError, match="no promotion"):
        begin(team, arn, "release-0", promotion=step.digest)
    prepare_promotion(step, team.at(STAGING))
    with pytest.raises(NotApprovedError, match="not somebody"):
        begin(team, arn, "release-0", promotion=step.digest, by="somebody")
    grant = begin(team, arn, "release-1", promotion=step.digest)
    assert grant.package_arn == arn
    found = read_package(team.at(STAGING), arn)
    assert found.status == "Approved"
    assert APPROVER in found.status_comment
    with pytest.raises(ApprovalConsumedError, match="under way"):
        begin(team, arn, "event", by="approval")


def test_retry_of_a_failed_promoted_release_begins_again_and_a_late_event_does_not(team: Team) -> None:
    step = replace(team.step(team.request()), step=Step.RELEASE)
    arn = team.imported(step).package_arn
    prepare_promotion(step, team.at(STAGING))
    begin(team, arn, "release-1", promotion=step.digest)
    ledger, key = team.at(STAGING).ledger, keys.release_lock(MODEL.name)
    ledger.delete(key, expected={"execution": "release-1"})
    with pytest.raises(ApprovalConsumedError, match="has used the approval"):
        begin(team, arn, "event", by="approval")
    assert begin(team, arn, "release-2", promotion=step.digest).package_arn == arn
