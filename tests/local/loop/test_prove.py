"""``mooring preflight --prove`` on a deployed environment: everything is proven, and nothing is left."""

from concurrent.futures import Future

import boto3
import pytest

from mooring.preflight.assembly import Assembly
from mooring.preflight.prove.proof import Site, prove
from mooring.preflight.prove.registry import PROOFS
from mooring.preflight.target import Target, new_clients
from tests.local.loop.conftest import Deployment
from tests.local.loop.places import place


@pytest.fixture
def site(deployment: Deployment) -> Site:
    dev = place(deployment, deployment.deployed.environment.id)
    done: Future[Assembly] = Future()
    done.set_result(dev.assembly)
    clients = new_clients(boto3.Session(region_name=dev.environment.names.region))
    return Site(target=Target(dev.environment, clients=clients, assembly=done), poll_s=0.2)


def test_everything_is_proven_and_removed(site: Site) -> None:
    outcomes, removed = prove(PROOFS, site)
    assert removed == []
    assert [(item.proof, item.what) for item in outcomes if not item.holds or item.left] == []
    assert [item for proof in PROOFS for item in proof.remove(site)] == []


def test_what_a_killed_run_left_is_removed_by_the_next(site: Site) -> None:
    for proof in PROOFS:
        proof.run(site)
    left = [item for proof in PROOFS for item in proof.remove(site)]
    assert {item.split()[0] for item in left} >= {
        "alarm",
        "endpoint",
        "function",
        "log",
        "model",
        "object",
        "queue",
        "rule",
    }
    assert [item for proof in PROOFS for item in proof.remove(site)] == []
