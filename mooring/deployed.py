"""Calls a deployed environment through AWS APIs, under the persona role that each call needs.

The same code calls the embedded AWS and a real account: the variables of the process decide which (``mooring env``
prints those of the embedded AWS).
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from mooring.errors import MooringError
from mooring.persona_session import persona_session
from pipelines.aws.clients import Services
from pipelines.aws.ledger import Ledger
from pipelines.aws.packages import UnknownPackageError, read_package
from pipelines.aws.s3 import HASHED_ONCE
from pipelines.datasets.commits.commits import Dataset
from pipelines.interface.codec import read, to_json
from pipelines.interface.names import TOOLING, Environment
from pipelines.interface.records import Trigger, TriggerKind
from pipelines.interface.requests import ApproveRequest, PackageVersion

POLL_S = 0.5
EXECUTION_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")

Kind = TypeVar("Kind")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class StateMachineRun:
    """One execution of a state machine; ``output`` and ``cause`` are empty until it has ended."""

    arn: str
    status: str
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    cause: str

    @property
    def ended(self) -> bool:
        return self.status in EXECUTION_ENDED


class DeployedEnvironment:
    """One environment in the AWS that the caller's credentials reach.

    ``person`` names the roles' sessions, so AWS records it with all that they do.

    Raises
    ------
    MooringError
        The credentials are of another account, or the persona role cannot be assumed.
    """

    def __init__(
        self, environment: Environment, *, session: boto3.Session | None = None, person: str | None = None
    ) -> None:
        self.environment = environment
        self._person = person
        self._session = session or boto3.Session(region_name=environment.region)
        self._client: Callable[[str, str, int], Any] = cache(self._new_client)
        self._persona: Callable[[str], boto3.Session] = cache(self._new_session)

    def client(self, service: str, persona: str, *, attempts: int = 5) -> Any:
        """Return a client of ``service`` under the persona's role."""
        return self._client(service, persona, attempts)

    def services(self, persona: str) -> Services:
        """Return the environment's resources as the functions use them, through the persona's clients."""
        return Services(self.environment, lambda service: self.client(service, persona))

    @property
    def ledger(self) -> Ledger:
        """The ledger as the auditor reads it."""
        return self.services("auditor").ledger

    def dataset(self, name: str, *, persona: str = "engineer") -> Dataset:
        services = self.services(persona)
        return Dataset(name=name, bucket=services.bucket("data"), ledger=services.ledger)

    def _new_session(self, persona: str) -> boto3.Session:
        role = self.environment.role_arn(self.environment.persona_role(persona))
        sts = self._session.client("sts", region_name=self.environment.region)
        try:
            account = sts.get_caller_identity()["Account"]
            # Accounts that request promotions may look for those that are under way.
            lent = self.environment.stage == TOOLING and persona == "auditor"
            if account != self.environment.account and not lent:
                raise MooringError(
                    f"{self.environment.id} is in account {self.environment.account}, your credentials in {account}",
                    remedy=f'use credentials of that account; embedded: eval "$(mooring env {self.environment.id})"',
                )
            return persona_session(sts, role, name=self._person or f"mooring-{persona}", region=self.environment.region)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            raise MooringError(
                f"cannot assume the {persona} role of {self.environment.id}: {error}",
                remedy=f"deploy the environment (cdk deploy '{self.environment.id}-*'), or be allowed to assume {role}",
            ) from error

    def _new_client(self, service: str, persona: str, attempts: int) -> Any:
        return self._persona(persona).client(  # type: ignore[call-overload]
            service,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                max_pool_connections=20,
                # A function answers at its end, which can be fifteen minutes later.
                read_timeout=900 if service == "lambda" else 60,
                **HASHED_ONCE,
            ),
        )

    # -- state machines ---------------------------------------------------------------------------------------------

    def executions(self, kind: str) -> Iterator[StateMachineRun]:
        """Yield the executions of the ``retraining`` or ``release`` state machine, newest first."""
        states = self.client("stepfunctions", "auditor")
        for page in states.get_paginator("list_executions").paginate(
            stateMachineArn=self.environment.state_machine_arn(kind)
        ):
            for entry in page["executions"]:
                yield self.execution(entry["executionArn"])

    def execution(self, arn: str) -> StateMachineRun:
        described = self.client("stepfunctions", "auditor").describe_execution(executionArn=arn)
        return StateMachineRun(
            arn=arn,
            status=described["status"],
            input=json.loads(described.get("input") or "{}"),
            output=json.loads(described.get("output") or "{}"),
            cause=described.get("cause", ""),
        )

    def wait_for(self, arn: str, *, timeout_s: float = 7200) -> StateMachineRun:
        """Wait for the end of an execution, and return it."""
        return wait(
            lambda: found if (found := self.execution(arn)).ended else None,
            what=f"the end of {arn.rpartition(':')[2]}",
            timeout_s=timeout_s,
        )

    def start_retraining(self, model: str, *, by: str, reason: str) -> str:
        """Start a retraining as a person; return the execution's ARN."""
        return self._start_run(model, TriggerKind.PERSON, by=by, reason=reason)

    def start_reproduction(self, model: str, version: int, *, by: str, reason: str) -> str:
        """Start a run that reproduces a version; return the execution's ARN."""
        arn = self.environment.model(model).package_arn(version)
        return self._start_run(model, TriggerKind.REPRODUCTION, by=by, reason=reason, package_arn=arn)

    def _start_run(self, model: str, kind: TriggerKind, *, by: str, reason: str, package_arn: str = "") -> str:
        trigger = Trigger(kind=kind, id=f"{by}-{time.time_ns()}", by=by, reason=reason, package_arn=package_arn)
        return self._start("retraining", {"model": model, "trigger": to_json(trigger)}, persona="engineer")

    def start_rollback(self, model: str, version: int, *, by: str) -> str:
        """Start the release of an older version; return the execution's ARN.

        Raises
        ------
        MooringError
            There is no such version.
        """
        arn = self.environment.model(model).package_arn(version)
        try:
            read_package(self.services("auditor"), arn)
        except UnknownPackageError as error:
            raise MooringError(
                f"{model} has no version {version}: {error}",
                remedy=f"list its versions: mooring show {self.environment.id} {model}",
            ) from error
        return self._start("release", {"package_arn": arn, "by": by, "rollback": True}, persona="operator")

    def _start(self, kind: str, request: Mapping[str, object], *, persona: str) -> str:
        answer = self.client("stepfunctions", persona).start_execution(
            stateMachineArn=self.environment.state_machine_arn(kind), input=json.dumps(request)
        )
        return str(answer["executionArn"])

    # -- functions --------------------------------------------------------------------------------------------------

    def approve(self, model: str, version: int, *, by: str, comment: str) -> PackageVersion:
        """Approve a package through the approve function, as a person.

        Raises
        ------
        MooringError
            The function refused: the package is unknown, or ``by`` is its author and two people are required.
        """
        arn = self.environment.model(model).package_arn(version)
        return self.call(
            "approve_package",
            ApproveRequest(package_arn=arn, by=by, comment=comment),
            PackageVersion,
            persona="approver",
            what=f"{model} version {version} was not approved",
            remedy=f"list its versions: mooring show {self.environment.id} {model}",
        )

    def call(
        self,
        function: str,
        request: object,
        answer: type[Kind],
        *,
        persona: str,
        what: str,
        remedy: str,
        remedies: Mapping[str, str] = MappingProxyType({}),
    ) -> Kind:
        """Call a function once, and return its answer as an ``answer`` record.

        ``remedies`` are by the error's name, ``remedy`` is that of all others.

        Raises
        ------
        MooringError
            The function raised an error; the message is ``what`` and the error.
        """
        called = self.client("lambda", persona, attempts=1).invoke(
            FunctionName=self.environment.function(function), Payload=json.dumps(to_json(request))
        )
        found = json.loads(called["Payload"].read() or "{}")
        if called.get("FunctionError"):
            raise MooringError(
                f"{what}: {found.get('errorType')}: {found.get('errorMessage')}",
                remedy=remedies.get(str(found.get("errorType")), remedy),
            )
        return read(answer, found, f"the answer of {function}")


def wait(read_value: Callable[[], T | None], *, what: str, timeout_s: float) -> T:
    """Poll ``read_value`` until it returns a value, and return that.

    Raises
    ------
    MooringError
        It returned None for ``timeout_s`` seconds.
    """
    end = time.monotonic() + timeout_s
    while (found := read_value()) is None:
        if time.monotonic() > end:
            raise MooringError(f"waited {timeout_s:.0f} s for {what}", remedy="list what runs: mooring embedded")
        time.sleep(POLL_S)
    return found
