"""A deployed environment, as a person sees it: through AWS APIs, under the persona role that each act needs.

The same code talks to the embedded AWS and to a real account: where the calls go is a matter of the caller's own
variables (``mooring env`` prints those of the embedded AWS).
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import ClientError

from mooring.errors import MooringError
from mooring.persona_session import persona_session
from pipelines.aws.clients import Services
from pipelines.aws.s3 import HASHED_ONCE
from pipelines.datasets.commits.commits import Dataset
from pipelines.interface import events
from pipelines.interface import keys as ledger
from pipelines.interface.names import Environment, Model

POLL_S = 0.5
EXECUTION_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution of a state machine: its ARN, status, input and, once it has ended, output and cause."""

    arn: str
    status: str
    input: dict[str, Any]
    output: dict[str, Any]
    cause: str

    @property
    def ended(self) -> bool:
        return self.status in EXECUTION_ENDED


class DeployedEnvironment:
    """One environment in the AWS that the caller's credentials reach.

    Raises
    ------
    MooringError
        No AWS answers, the credentials are of another account, or the persona role cannot be assumed.
    """

    def __init__(self, environment: Environment, *, session: boto3.Session | None = None) -> None:
        self.environment = environment
        self._session = session or boto3.Session(region_name=environment.region)
        self._client: Callable[[str, str, int], Any] = cache(self._new_client)
        self._persona: Callable[[str], boto3.Session] = cache(self._new_session)

    def client(self, service: str, persona: str, *, attempts: int = 5) -> Any:
        """A client of ``service`` under the persona's role."""
        return self._client(service, persona, attempts)

    def _new_session(self, persona: str) -> boto3.Session:
        role = self.environment.role_arn(self.environment.persona_role(persona))
        sts = self._session.client("sts", region_name=self.environment.region)
        try:
            account = sts.get_caller_identity()["Account"]
            if account != self.environment.account:
                raise MooringError(
                    f"{self.environment.id} lies in account {self.environment.account}, your credentials in {account}",
                    remedy=f'take credentials of that account; embedded: eval "$(mooring env {self.environment.id})"',
                )
            return persona_session(sts, role, name=f"mooring-{persona}", region=self.environment.region)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            raise MooringError(
                f"cannot become {persona} of {self.environment.id}: {error}",
                remedy=f"is the environment deployed (cdk deploy '{self.environment.id}-*') and may you assume {role}?",
            ) from error

    def _new_client(self, service: str, persona: str, attempts: int) -> Any:
        return self._persona(persona).client(  # type: ignore[call-overload]
            service,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                max_pool_connections=20,
                # A function answers when it has ended, which may be fifteen minutes later.
                read_timeout=900 if service == "lambda" else 60,
                **HASHED_ONCE,
            ),
        )

    def services(self, persona: str) -> Services:
        """The environment's resources as the functions use them, through the persona's clients."""
        return Services(self.environment, lambda service: self.client(service, persona))

    # -- what is recorded -------------------------------------------------------------------------------------------

    def items(self, pk: str, prefix: str = "") -> Iterator[dict[str, Any]]:
        """The ledger's items of one partition, by sort key."""
        pages = (
            self.client("dynamodb", "auditor")
            .get_paginator("query")
            .paginate(
                TableName=self.environment.ledger_table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)" if prefix else "pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}} | ({":sk": {"S": prefix}} if prefix else {}),
                ConsistentRead=True,
            )
        )
        for page in pages:
            for item in page["Items"]:
                yield {name: _plain(TypeDeserializer().deserialize(value)) for name, value in item.items()}

    def model_items(self, model: str, prefix: str) -> list[dict[str, Any]]:
        return list(self.items(ledger.model_pk(model), prefix))

    def champion(self, model: str) -> dict[str, Any] | None:
        return next(iter(self.model_items(model, ledger.CHAMPION)), None)

    def document(self, bucket: str, key: str) -> Any:
        """A JSON document of one of the environment's buckets; ``bucket`` is one of ``names.BUCKETS``."""
        body = self.client("s3", "auditor").get_object(
            Bucket=self.environment.bucket(bucket), Key=key, ExpectedBucketOwner=self.environment.account
        )["Body"]
        return json.loads(body.read())

    def dataset(self, name: str, *, persona: str = "engineer") -> Dataset:
        """A dataset of the environment, as the engineer unless another persona is named."""
        return Dataset.in_environment(
            self.environment, name, s3=self.client("s3", persona), dynamodb=self.client("dynamodb", persona)
        )

    # -- state machines ---------------------------------------------------------------------------------------------

    def executions(self, kind: str) -> Iterator[Execution]:
        """Executions of the ``retraining`` or ``release`` state machine, newest first."""
        states = self.client("stepfunctions", "auditor")
        for page in states.get_paginator("list_executions").paginate(
            stateMachineArn=self.environment.state_machine_arn(kind)
        ):
            for entry in page["executions"]:
                yield self.execution(entry["executionArn"])

    def execution(self, arn: str) -> Execution:
        described = self.client("stepfunctions", "auditor").describe_execution(executionArn=arn)
        return Execution(
            arn=arn,
            status=described["status"],
            input=json.loads(described.get("input") or "{}"),
            output=json.loads(described.get("output") or "{}"),
            cause=described.get("cause", ""),
        )

    def wait_for(self, arn: str, *, timeout_s: float = 7200) -> Execution:
        """The execution once it has ended."""
        return wait(
            lambda: found if (found := self.execution(arn)).ended else None,
            what=f"the end of {arn.rpartition(':')[2]}",
            timeout_s=timeout_s,
        )

    def start_retraining(self, model: str, *, by: str, reason: str) -> str:
        """Start a retraining as a person; returns the execution's ARN."""
        return self._start_run(model, {"kind": "person", "by": by, "reason": reason})

    def start_reproduction(self, model: str, version: int, *, by: str, reason: str) -> str:
        """Start a run that makes a version again; returns the execution's ARN."""
        trigger = {"kind": events.REPRODUCTION, "by": by, "reason": reason}
        return self._start_run(model, {**trigger, "package_arn": self.package_arn(model, version)})

    def _start_run(self, model: str, trigger: dict[str, str]) -> str:
        request = {"model": model, "trigger": {**trigger, "id": f"{trigger['by']}-{time.time_ns()}"}}
        answer = self.client("stepfunctions", "engineer").start_execution(
            stateMachineArn=self.environment.state_machine_arn("retraining"), input=json.dumps(request)
        )
        return str(answer["executionArn"])

    def request_retraining(self, model: str, *, kind: str, trigger_id: str, by: str, reason: str) -> None:
        """Put a trigger on the environment's bus; whether it starts a run is for the lease to say."""
        trigger = {"kind": kind, "id": trigger_id, "by": by, "reason": reason}
        entry = {
            "EventBusName": self.environment.bus,
            "Source": events.SOURCE,
            "DetailType": events.RETRAINING_REQUESTED,
            "Detail": json.dumps({"model": model, "trigger": trigger}),
        }
        answer = self.client("events", "engineer").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise MooringError(
                f"the retraining of {model} was not asked for: {answer['Entries'][0]}", remedy="try again"
            )

    def start_rollback(self, model: str, version: int, *, by: str) -> str:
        """Start a release of an older version; returns the execution's ARN.

        Raises
        ------
        MooringError
            There is no such version.
        """
        try:
            self.package(self.package_arn(model, version))
        except ClientError as error:
            raise MooringError(
                f"{model} has no version {version}: {error}",
                remedy=f"see which versions there are: mooring show {self.environment.id} {model}",
            ) from error
        request = {"package_arn": self.package_arn(model, version), "by": by, "rollback": True}
        answer = self.client("stepfunctions", "operator").start_execution(
            stateMachineArn=self.environment.state_machine_arn("release"), input=json.dumps(request)
        )
        return str(answer["executionArn"])

    # -- the registry -----------------------------------------------------------------------------------------------

    def model(self, name: str) -> Model:
        return self.environment.model(name)

    def package_arn(self, model: str, version: int) -> str:
        return self.environment.arn("sagemaker", f"model-package/{self.model(model).package_group}/{version}")

    def package(self, arn: str) -> dict[str, Any]:
        return dict(self.client("sagemaker", "auditor").describe_model_package(ModelPackageName=arn))

    def approve(self, model: str, version: int, *, by: str, comment: str) -> dict[str, Any]:
        """Approve a package through the approve function, as a person.

        Raises
        ------
        MooringError
            The function refused: an unknown package, or the author where two people are wanted.
        """
        request = {"package_arn": self.package_arn(model, version), "by": by, "comment": comment}
        answer = self.client("lambda", "approver").invoke(
            FunctionName=self.environment.function("approve_package"), Payload=json.dumps(request)
        )
        result = json.loads(answer["Payload"].read() or "{}")
        if answer.get("FunctionError"):
            raise MooringError(
                f"{model} version {version} was not approved: {result.get('errorType')}: {result.get('errorMessage')}",
                remedy=f"see which versions there are: mooring show {self.environment.id} {model}",
            )
        return dict(result or {})


T = TypeVar("T")


def wait(read: Callable[[], T | None], *, what: str, timeout_s: float) -> T:
    """Poll ``read`` until it gives something.

    Raises
    ------
    MooringError
        It gave nothing within ``timeout_s`` seconds.
    """
    end = time.monotonic() + timeout_s
    while (found := read()) is None:
        if time.monotonic() > end:
            raise MooringError(f"waited {timeout_s:.0f} s for {what}", remedy="look at the executions: mooring status")
        time.sleep(POLL_S)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
