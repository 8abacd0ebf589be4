"""Runs proofs: what each tells, how long it took and what it cost; everything is removed, whatever happens."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from infra.cost import Prices
from mooring.errors import MooringError
from mooring.failures import explain
from mooring.preflight.target import Target
from pipelines.interface.names import Environment, Model

T = TypeVar("T")


class NotProvenError(MooringError):
    """AWS did something else than the design assumes."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """Result of a proof. ``cost_usd`` is None if the price of its instances is not known."""

    what: str
    cost_usd: float | None = 0.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """The environment in which proofs make things, and the names that they give them."""

    target: Target
    poll_s: float = 2.0

    @property
    def names(self) -> Environment:
        return self.target.names

    @property
    def name(self) -> str:
        """Name of what a proof makes, where the service's names allow it."""
        return f"{self.names.id}-preflight"

    @property
    def model(self) -> Model:
        """The model below whose prefixes the proofs write: the job roles reach those."""
        return self.names.model(self.target.environment.team.models[0].name)

    @property
    def key_arn(self) -> str:
        return self.target.parameter(self.names.key_parameter)

    def client(self, service: str) -> Any:
        return self.target.client(service)

    def job_role(self, job: str) -> str:
        """Return the ARN of the execution role for ``training`` or ``serving``."""
        return self.names.role_arn(self.names.job_role(job))

    def instance_type(self, use: str) -> str:
        environment = self.target.environment
        return str(environment.settings(environment.team.models[0]).model_dump()[use]["instance_type"])

    def wait(self, read: Callable[[], T | None], *, what: str, within_s: float) -> T:
        """Poll ``read`` until it returns a value.

        Raises
        ------
        NotProvenError
            It returned None for ``within_s`` seconds.
        """
        end = time.monotonic() + within_s
        while (found := read()) is None:
            if time.monotonic() > end:
                raise NotProvenError(f"waited {within_s:.0f} s for {what}", remedy="read docs/reference/real-aws.md")
            time.sleep(self.poll_s)
        return found


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One thing to make. ``run`` makes it and tells; ``remove`` deletes what there is of it, and names that."""

    name: str
    question: str
    price: str
    run: Callable[[Site], Told]
    remove: Callable[[Site], list[str]]


@dataclass(frozen=True, kw_only=True)
class Proven:
    """The outcome of one proof. ``left`` is what could not be removed, and why."""

    proof: str
    holds: bool
    what: str
    remedy: str
    took_s: float
    cost_usd: float | None
    left: str = ""


def prove(
    proofs: Sequence[Proof], site: Site, *, on_step: Callable[[str], None] = lambda _: None
) -> tuple[list[Proven], list[str]]:
    """Remove what a killed run left, then run the proofs; return their outcomes and what was removed before.

    Things are removed also if the caller is interrupted; then the interruption goes on.
    """
    on_step("Looking for what an earlier run left")
    removed = [item for proof in proofs for item in proof.remove(site)]
    outcomes = []
    for proof in proofs:
        on_step(f"{proof.name}: {proof.question}")
        outcomes.append(_prove_one(proof, site))
    return outcomes, removed


def _prove_one(proof: Proof, site: Site) -> Proven:
    begun, left = time.monotonic(), ""
    holds, what, remedy, cost = False, "interrupted", "", None
    try:
        told = proof.run(site)
        holds, what, cost = True, told.what, told.cost_usd
    except (ClientError, BotoCoreError, MooringError) as error:
        explained = explain(error)
        assert explained is not None
        what, remedy = explained.message, explained.remedy
    finally:
        try:
            proof.remove(site)
        except (ClientError, BotoCoreError, MooringError) as error:
            left = f"not everything is removed: {error}; run mooring preflight {site.names.id} --prove again"
    took_s = time.monotonic() - begun
    return Proven(proof=proof.name, holds=holds, what=what, remedy=remedy, took_s=took_s, cost_usd=cost, left=left)


def cost_of(instance_type: str, seconds: float, region: str) -> float | None:
    """Return the list price of an instance for that time; None if the table of prices lacks its type."""
    price = Prices.load().find(instance_type, region)
    return None if price is None else price.usd * seconds / 3600
