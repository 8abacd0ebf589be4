"""A proof's things are removed whatever happens, and a killed run's are found by the next."""

from dataclasses import dataclass, field

import boto3
import pytest

from mooring.errors import MooringError
from mooring.preflight.prove.endpoint import remove_endpoint
from mooring.preflight.prove.jobs import MEMBERS
from mooring.preflight.prove.proof import NotProvenError, Proof, Site, Told, cost_of, prove
from mooring.preflight.prove.registry import PROOFS
from tests.support.fake_aws import refusal
from tests.unit.mooring.preflight import world

SITE = Site(target=world.target(), poll_s=0)


@dataclass
class Thing:
    """A thing that exists or not; ``ends`` is what the proof raises after it has made the thing."""

    ends: BaseException | None = None
    stuck: bool = False
    made: list[str] = field(default_factory=list)

    def proof(self, name: str = "thing") -> Proof:
        return Proof(name=name, question="?", price="nothing", run=self.make, remove=self.remove)

    def make(self, _: Site) -> Told:
        assert self.made == [], "an earlier run's thing is in the way"
        self.made.append("thing")
        if self.ends:
            raise self.ends
        return Told(what="made", cost_usd=0.01)

    def remove(self, _: Site) -> list[str]:
        if self.stuck and self.made:
            raise refusal("Throttling")
        removed, self.made = self.made, []
        return removed


def test_thing_is_removed_after_a_proof() -> None:
    thing = Thing()
    (outcome,), removed = prove([thing.proof()], SITE)
    assert (outcome.holds, outcome.what, outcome.cost_usd, removed, thing.made) == (True, "made", 0.01, [], [])


@pytest.mark.parametrize(
    "error", [refusal("AccessDenied"), NotProvenError("waited", remedy="look"), MooringError("no", remedy="do")]
)
def test_thing_is_removed_after_a_failure_and_the_next_proof_runs(error: Exception) -> None:
    fails, holds = Thing(ends=error), Thing()
    outcomes, _ = prove([fails.proof(), holds.proof()], SITE)
    assert [outcome.holds for outcome in outcomes] == [False, True]
    assert outcomes[0].remedy
    assert fails.made == holds.made == []


def test_thing_is_removed_after_an_interruption() -> None:
    thing, never = Thing(ends=KeyboardInterrupt()), Thing()
    with pytest.raises(KeyboardInterrupt):
        prove([thing.proof(), never.proof()], SITE)
    assert thing.made == []


def test_next_run_removes_what_a_killed_one_left() -> None:
    thing = Thing(made=["thing"])
    (outcome,), removed = prove([thing.proof()], SITE)
    assert (outcome.holds, removed) == (True, ["thing"])


def test_thing_that_cannot_be_removed_is_named() -> None:
    (outcome,), _ = prove([Thing(stuck=True).proof()], SITE)
    assert outcome.holds
    assert "not everything is removed" in outcome.left


def test_waiting_ends_with_what_was_waited_for() -> None:
    with pytest.raises(NotProvenError, match="waited 0 s for the moon"):
        SITE.wait(lambda: None, what="the moon", within_s=0)


def test_cost_is_that_of_the_instance_or_unknown() -> None:
    assert cost_of("ml.m5.large", 1800, "us-east-1") == pytest.approx(0.0575)
    assert cost_of("ml.p5.48xlarge", 1800, "us-east-1") is None


def test_names_fit_the_services() -> None:
    """SageMaker's names have at most 63 characters, those of jobs 63 with their time."""
    assert len(SITE.name) <= 61
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)


def test_proofs_ask_for_the_parameters_that_this_boto3_knows() -> None:
    for service, operations in MEMBERS.items():
        client = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]
        model = client.meta.service_model
        for operation, names in operations.items():
            assert set(names) <= set(model.operation_model(operation).input_shape.members)


def test_endpoint_that_is_being_created_is_deleted_once_it_has_settled() -> None:
    statuses, calls = iter(["Creating", "Creating", "Updating", "InService"]), []

    def describe(_: object) -> dict[str, str]:
        if "delete" in calls:
            raise refusal("ValidationException", 'Could not find endpoint "arn".')
        return {"EndpointStatus": next(statuses)}

    def delete(_: object) -> None:
        calls.append("delete")

    missing = refusal("ValidationException", "Could not find it")
    answers = {
        "sagemaker.describe_endpoint": describe,
        "sagemaker.delete_endpoint": delete,
        "sagemaker.describe_endpoint_config": missing,
        "sagemaker.describe_model": missing,
        "sagemaker.describe_model_package_group": missing,
        "s3.list_object_versions": {},
    }
    site = Site(target=world.target(answers), poll_s=0)
    assert remove_endpoint(site) == [f"endpoint {site.name}"]
    assert next(statuses, "all were seen") == "all were seen"
