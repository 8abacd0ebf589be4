"""A team of two environments and its tooling environment in moto: a champion of dev that staging imports."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pipelines.aws.clients import Services
from pipelines.flows.promotion.importing import import_release
from pipelines.flows.promotion.request import request_promotion
from pipelines.interface import keys
from pipelines.interface.codec import canonical
from pipelines.interface.env import Origins
from pipelines.interface.names import Environment
from pipelines.interface.paths import PromotedFiles, RunFiles
from pipelines.interface.records import (
    Champion,
    EvaluationReport,
    Gain,
    GoldenRequest,
    GoldenRequests,
    ReleaseRecord,
    RowCount,
    RunApproval,
    RunStart,
    Trigger,
    ValidationReport,
)
from pipelines.interface.requests import PackageVersion, PromotionRequest, PromotionStep, PromotionTicket, Step
from tests.support.world import ENVIRONMENT, MODEL, World, settings

STAGING = replace(ENVIRONMENT, stage="staging")
PROD = replace(ENVIRONMENT, stage="prod")
TOOLING = replace(ENVIRONMENT, stage="tooling")
STAGES = ("dev", "staging", "prod")
ORIGINS = Origins(trainers=(ENVIRONMENT,), source=ENVIRONMENT, stages=STAGES)
RUN = "20260301T100000Z-0a1b2c3d4e5f"
FILES = RunFiles(MODEL.name, RUN)
ARTIFACT = b"the model's bytes"
GOLDEN = GoldenRequests(
    content_type="text/csv", tolerance=1e-6, requests=(GoldenRequest(body="a\n1\n", expected=(0.5,)),)
)
TRAINER, REQUESTER, APPROVER = "tom", "rita", "arn:aws:sts::123456789012:assumed-role/arrivals-tooling-approver/ann"


@dataclass
class ToolingBus:
    """Fake of EventBridge that keeps the entries of PutEvents."""

    entries: list[dict[str, Any]] = field(default_factory=list)

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.entries += [{**entry, "Detail": json.loads(entry["Detail"])} for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": []}


@dataclass
class Team:
    """The environments of one team; ``bus`` has the events of the tooling environment."""

    world: World
    bus: ToolingBus
    package_arn: str
    hook: Callable[[Any], Any] = lambda client: client

    def at(self, environment: Environment) -> Services:
        """Return an environment's services; ``hook`` wraps each client of those of staging."""

        def clients(service: str) -> Any:
            if service == "events":
                return self.bus
            client = self.world.client(service)
            return self.hook(client) if environment == STAGING else client

        return Services(environment, clients)

    def request(self, *, to: str = "prod", version: int = 1, dry_run: bool = False) -> PromotionTicket:
        asked = PromotionRequest(model=MODEL.name, version=version, to=to, by=REQUESTER, dry_run=dry_run)
        return request_promotion(asked, self.world.services, tooling=self.at(TOOLING), stages=STAGES[1:])

    def step(
        self, ticket: PromotionTicket, *, step: Step = Step.IMPORT, execution: str = "pipeline-1"
    ) -> PromotionStep:
        files, artifacts = PromotedFiles(MODEL.name, ticket.digest), self.world.services.bucket("artifacts")
        return PromotionStep(
            step=step,
            execution=execution,
            digest=ticket.digest,
            record=artifacts.open(files.record).read().decode(),
            signature=artifacts.open(files.signature).read().decode(),
            by=APPROVER,
        )

    def imported(self, step: PromotionStep) -> PackageVersion:
        return import_release(step, self.at(STAGING), ORIGINS, elsewhere=self.at)

    def packages(self) -> list[str]:
        found = self.world.client("sagemaker").list_model_packages(
            ModelPackageGroupName=STAGING.model(MODEL.name).package_group
        )
        return [each["ModelPackageArn"] for each in found["ModelPackageSummaryList"]]

    def everything(self) -> dict[str, object]:
        """Return all that staging stores: objects, items of the ledger, packages."""
        artifacts = self.at(STAGING).bucket("artifacts")
        items = self.world.client("dynamodb").scan(TableName=STAGING.ledger_table)["Items"]
        return {"objects": artifacts.keys(""), "items": items, "packages": self.packages()}


def sign_again(team: Team, record: ReleaseRecord, changes: dict[str, Any]) -> PromotionStep:
    """Return the step of a changed record that the training environment's own key has signed."""
    text = canonical(replace(record, **changes))
    digest = hashlib.sha256(text.encode()).hexdigest()
    key = ENVIRONMENT.signing_key_alias
    answer = team.world.client("kms").sign(
        KeyId=key, Message=bytes.fromhex(digest), MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
    )
    value = base64.b64encode(answer["Signature"]).decode()
    signature = {"key_arn": answer["KeyId"], "algorithm": "ECDSA_SHA_256", "value": value}
    return PromotionStep(
        step=Step.IMPORT,
        execution="pipeline-1",
        digest=digest,
        record=text,
        signature=json.dumps(signature),
        by=APPROVER,
    )


def _champion(world: World) -> str:
    artifacts = world.services.bucket("artifacts")
    artifacts.write(FILES.artifact, ARTIFACT)
    artifacts.write_record(FILES.golden, GOLDEN)
    artifacts.write_json(FILES.baseline, {"rows": 3})
    sha256 = hashlib.sha256(ARTIFACT).hexdigest()
    evaluation = EvaluationReport(
        task="classification",
        target="late",
        metric="auc",
        rows=1000,
        candidate={"auc": 0.71},
        champion={"auc": 0.7},
        gain=Gain(metric="auc", difference=0.01, low=0.001, high=0.02, samples=200, seed=1),
        segments=(),
        baseline=RowCount(rows=1000),
        golden=RowCount(rows=1),
        candidate_sha256=sha256,
    )
    artifacts.write_record(FILES.evaluation, evaluation)
    validation = ValidationReport(
        commit="c" * 64,
        tree="t",
        outcome="passed",
        contract_sha256="d" * 64,
        files=1,
        rows=1000,
        rules=3,
        violations=(),
    )
    artifacts.write_record(FILES.validation, validation)
    trigger = Trigger(kind="person", id="1", by=TRAINER, reason="test")
    start = RunStart(run_id=RUN, execution="e", token=1, started="2026-03-01T10:00:00Z", trigger=trigger)
    world.services.ledger.update(keys.run(MODEL.name, RUN), start)
    arn = world.create_package(
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": settings().image, "ModelDataUrl": artifacts.uri(FILES.artifact)}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        CustomerMetadataProperties={
            "run": RUN,
            "commit": "c" * 64,
            "sha256": sha256,
            "code_sha256": "e" * 64,
            "golden_uri": artifacts.uri(FILES.golden),
            "baseline_uri": artifacts.uri(FILES.baseline),
            "metric_auc": "0.71",
        },
    )
    approval = RunApproval(approved_by="bob", approved_at="2026-03-01T11:00:00Z", approval_comment="looks good")
    world.services.ledger.update(keys.run(MODEL.name, RUN), approval)
    champion = Champion(package_arn=arn, version=1, release_id="r1", since="2026-03-01T12:00:00Z")
    world.services.ledger.record(keys.champion(MODEL.name), champion)
    return arn


@pytest.fixture
def team(world: World) -> Team:
    s3, kms, model = world.client("s3"), world.client("kms"), STAGING.model(MODEL.name)
    for bucket in (TOOLING.bucket("records"), STAGING.bucket("artifacts")):
        s3.create_bucket(Bucket=bucket)
    for bucket in (ENVIRONMENT.bucket("artifacts"), STAGING.bucket("artifacts")):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for environment in (ENVIRONMENT, PROD):
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=environment.signing_key_alias, TargetKeyId=key)
    world.client("dynamodb").create_table(
        TableName=STAGING.ledger_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
    )
    chosen = settings(training_stage="dev")
    for name in (MODEL.settings_parameter, model.settings_parameter):
        world.client("ssm").put_parameter(Name=name, Value=chosen.to_json(), Type="String", Overwrite=True)
    world.client("sagemaker").create_model_package_group(ModelPackageGroupName=model.package_group)
    world.services.put_parameter(model.release_parameter, "none,none,none,0,plain")
    return Team(world=world, bus=ToolingBus(), package_arn=_champion(world))
