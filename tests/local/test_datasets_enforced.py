"""Datasets under the Foundation stack's policies, which the embedded AWS enforces."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.datasets.commits.restore import restore
from pipelines.datasets.commits.versions import erase, list_versions
from pipelines.datasets.forgetting.forget import Forgetting
from pipelines.datasets.forgetting.plan import Planner
from pipelines.datasets.forgetting.subject import Rows
from pipelines.interface import keys
from pipelines.interface.names import Environment
from pipelines.interface.paths import RunFiles, commit_key, object_key
from pipelines.interface.records import CommitUse, Run, RunOutcome, Trigger
from tests.support.embedded_aws import EmbeddedAws
from tests.support.synth import example_templates

ENVIRONMENT = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")
DENIED = ("AccessDenied", "AccessDeniedException", "403")
SUBJECT = "canary-51c0"


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """A deployed Foundation stack; clients act as the account's root, or as a persona."""

    aws: EmbeddedAws

    def client(self, service: str, persona: str = "") -> Any:
        role = ENVIRONMENT.role_arn(ENVIRONMENT.persona_role(persona)) if persona else None
        return self.aws.client(service, ENVIRONMENT.account, ENVIRONMENT.region, role)

    def services(self, persona: str) -> Services:
        made: dict[str, Any] = {}
        return Services(ENVIRONMENT, lambda service: made.setdefault(service, self.client(service, persona)))

    def dataset(self, persona: str, name: str = "flights") -> Dataset:
        services = self.services(persona)
        s3, dynamodb = services.client("s3"), services.client("dynamodb")
        return Dataset.in_environment(ENVIRONMENT, name, s3=s3, dynamodb=dynamodb)


@pytest.fixture(scope="session")
def foundation(embedded_aws: EmbeddedAws) -> Foundation:
    found = Foundation(aws=embedded_aws)
    embedded_aws.create_boundary(ENVIRONMENT)
    cloudformation, stack = found.client("cloudformation"), ENVIRONMENT.stack("foundation")
    template = json.dumps(example_templates()[stack])
    cloudformation.create_stack(StackName=stack, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    while (status := _status(cloudformation, stack)).endswith("_IN_PROGRESS"):
        time.sleep(0.1)
    assert status == "CREATE_COMPLETE"
    return found


def _status(cloudformation: Any, stack: str) -> str:
    return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def commit(foundation: Foundation, folder: Path, name: str, *passengers: str) -> Commit:
    place = folder / "january.csv"
    place.write_text("passenger,delay\n" + "".join(f"{each},1\n" for each in passengers))
    return foundation.dataset("engineer", name).commit({"january.csv": place}, author="ann", message="m")


def refused(act: Callable[[], Any]) -> bool:
    with pytest.raises(ClientError) as error:
        act()
    return error.value.response["Error"]["Code"] in DENIED


def test_engineer_cannot_overwrite_or_delete_a_commit(foundation: Foundation, tmp_path: Path) -> None:
    made = commit(foundation, tmp_path, "once", "ann")
    bucket, s3 = ENVIRONMENT.bucket("data"), foundation.client("s3", "engineer")
    for key in (object_key("once", made.files[0].sha256), commit_key("once", made.id)):
        where = {"Bucket": bucket, "Key": key}
        etag = s3.head_object(**where)["ETag"]
        source = {"Bucket": bucket, "Key": key}
        assert refused(lambda: s3.put_object(**where, Body=b"other"))  # noqa: B023 - called at once
        assert refused(lambda: s3.put_object(**where, Body=b"other", IfMatch=etag))  # noqa: B023
        assert refused(lambda: s3.copy_object(**where, CopySource=source, MetadataDirective="REPLACE"))  # noqa: B023
        assert refused(lambda: s3.delete_object(**where))  # noqa: B023
        version = s3.head_object(**where)["VersionId"]
        assert refused(lambda: s3.delete_object(**where, VersionId=version))  # noqa: B023
    assert foundation.dataset("engineer", "once").verify() == []


def test_overwritten_landed_file_keeps_the_commits_bytes(foundation: Foundation, tmp_path: Path) -> None:
    made = commit(foundation, tmp_path, "landed", "ann")
    s3, key = foundation.client("s3", "engineer"), "landing/landed/january.csv"
    for body in (b"passenger,delay\nann,1\n", b"passenger,delay\nother,2\n"):
        s3.put_object(Bucket=ENVIRONMENT.bucket("data"), Key=key, Body=body)
    foundation.dataset("engineer", "landed").checkout(made, tmp_path / "out")
    assert (tmp_path / "out" / "january.csv").read_text() == "passenger,delay\nann,1\n"


def test_only_the_operator_may_forget(foundation: Foundation, tmp_path: Path) -> None:
    made = commit(foundation, tmp_path, "forgotten", "ann", SUBJECT)
    root = Services(ENVIRONMENT, foundation.client)
    ledger, files = root.ledger, RunFiles("late-arrival", "r1")
    use = CommitUse(model="late-arrival", run_id="r1", dataset="forgotten", commit=made.id)
    ledger.record(keys.commit_use("forgotten", made.id, "late-arrival", "r1"), use)
    run = Run(
        run_id="r1",
        execution="e",
        token=1,
        started="2026-03-01T12:00:00Z",
        trigger=Trigger(kind="person", id="t", by="ann", reason="r"),
        outcome=RunOutcome.REJECTED,
    )
    ledger.record(keys.run("late-arrival", "r1"), run)
    root.bucket("artifacts").write(f"{files.training_data}rows.csv.gz", SUBJECT.encode())
    root.bucket("artifacts").write(files.evaluation, b"{}")
    root.bucket("data").write("quarantine/forgotten/x/content", f"passenger\n{SUBJECT}\n".encode())

    def forget(persona: str) -> None:
        services = foundation.services(persona)
        folder = tmp_path / persona
        folder.mkdir()
        planner = Planner(
            dataset=foundation.dataset(persona, "forgotten"), subject=Rows(where={"passenger": SUBJECT}), folder=folder
        )
        forgetting = Forgetting(planner=planner, artifacts=services.bucket("artifacts"), audit=services.bucket("audit"))
        forgetting.carry_out(planner.plan(), by=persona, reason="ticket 12")

    for persona in ("engineer", "auditor"):
        with pytest.raises(ClientError) as error:
            forget(persona)
        assert error.value.response["Error"]["Code"] in DENIED
    assert foundation.dataset("engineer", "forgotten").head() == made
    forget("operator")
    dataset = foundation.dataset("engineer", "forgotten")
    assert dataset.resolve(made.id, follow=True) == dataset.head() != made
    assert dataset.verify() == []
    artifacts = root.bucket("artifacts")
    kept = {version.key for prefix in (files.prefix, files.scratch) for version in list_versions(artifacts, prefix)}
    assert kept == {files.evaluation}
    for kind in ("data", "audit"):
        bucket = root.bucket(kind)
        for version in list_versions(bucket, ""):
            assert SUBJECT.encode() not in bucket.open(version.key, version.id).read(), version.key


def test_operator_restores_deleted_and_overwritten_objects(foundation: Foundation, tmp_path: Path) -> None:
    made = commit(foundation, tmp_path, "restored", "ann")
    root, bucket = foundation.client("s3"), ENVIRONMENT.bucket("data")
    root.delete_object(Bucket=bucket, Key=commit_key("restored", made.id))
    key = object_key("restored", made.files[0].sha256)
    root.delete_object(Bucket=bucket, Key=key)
    root.put_object(Bucket=bucket, Key=key, Body=b"other", IfNoneMatch="*")
    operator = foundation.dataset("operator", "restored")
    while damages := operator.verify():
        assert all(restored.version for restored in restore(operator, damages))
    assert operator.head() == made


def test_operator_may_erase_nothing_else(foundation: Foundation) -> None:
    services, root = foundation.services("operator"), Services(ENVIRONMENT, foundation.client)
    for kind, key in (("audit", "forgettings/x"), ("capture", "x"), ("artifacts", RunFiles("m", "r").artifact)):
        root.bucket(kind).write(key, b"x")
        with pytest.raises((ClientError, RuntimeError), match=r"AccessDenied|Access Denied|not authorized"):
            erase(services.bucket(kind), (each.place for each in list_versions(services.bucket(kind), key)))
    champion = keys.champion("m")
    item = {"pk": {"S": champion.pk}, "sk": {"S": champion.sk}}
    dynamodb = services.client("dynamodb")
    assert refused(lambda: dynamodb.put_item(TableName=ENVIRONMENT.ledger_table, Item=item))
    assert refused(lambda: dynamodb.delete_item(TableName=ENVIRONMENT.ledger_table, Key=item))


def test_bucket_of_another_owner_is_refused(foundation: Foundation, tmp_path: Path) -> None:
    made = commit(foundation, tmp_path, "owned", "ann")
    ours = foundation.dataset("operator", "owned")
    theirs = replace(ours, bucket=replace(ours.bucket, owner="222222222222"))
    (tmp_path / "new.csv").write_text("new\n1\n")
    acts: tuple[Callable[[], Any], ...] = (
        theirs.head,
        theirs.verify,
        lambda: theirs.commit({"new.csv": tmp_path / "new.csv"}, author="ann", message="m"),
        lambda: theirs.bucket.copy_once(commit_key("owned", made.id), None, commit_key("owned", "copy")),
        lambda: list(list_versions(theirs.bucket, "")),
        lambda: erase(theirs.bucket, [each.place for each in list_versions(ours.bucket, commit_key("owned", made.id))]),
    )
    assert all(refused(act) for act in acts)
    assert ours.head() == made


def test_artifact_is_copied_whole_if_it_needs_several_parts(foundation: Foundation) -> None:
    artifacts, content = Services(ENVIRONMENT, foundation.client).bucket("artifacts"), bytes(range(256)) * (80 << 10)
    artifacts.write("scratch/m/r/model/job/output/model.tar.gz", content)
    artifacts.copy("scratch/m/r/model/job/output/model.tar.gz", RunFiles("m", "parts").artifact)
    assert artifacts.sha256_of(RunFiles("m", "parts").artifact) == hashlib.sha256(content).hexdigest()


def test_buckets_have_the_lifecycle_of_their_template(foundation: Foundation) -> None:
    s3 = foundation.client("s3")
    rules = {
        rule["Filter"]["Prefix"]: rule["Expiration"]["Days"]
        for rule in s3.get_bucket_lifecycle_configuration(Bucket=ENVIRONMENT.bucket("artifacts"))["Rules"]
        if "Expiration" in rule
    }
    assert rules == {"scratch/": 90, "checks/": 400}
