"""The environment that the checks read: its AWS clients, its templates, and what several checks need of them."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from threading import RLock
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.fleet import FleetEnvironment
from mooring.preflight.assembly import Assembly
from pipelines.interface.names import Environment

T = TypeVar("T")

Clients = Callable[[str], Any]
MISSING = (
    "NotFound",
    "NotFoundException",
    "NoSuch",
    "ResourceNotFound",
    "ParameterNotFound",
    "does not exist",
    "Could not find",
    "404",
)
"""Parts of the codes and messages with which services say that something is not there."""


class Target:
    """One environment of the fleet, in the AWS that the caller's credentials reach.

    ``clients`` returns a client by its service's name; ``assembly`` is the environment's templates, once they are
    synthesized.
    """

    def __init__(self, environment: FleetEnvironment, *, clients: Clients, assembly: "Future[Assembly]") -> None:
        self.environment = environment
        self.client = clients
        self._assembly = assembly
        self._lock = RLock()
        self._locks: dict[str, RLock] = {}
        self._read: dict[str, Any] = {}

    @property
    def names(self) -> Environment:
        return self.environment.names

    @property
    def assembly(self) -> Assembly:
        return self._assembly.result()

    def pages(self, service: str, operation: str, key: str, **request: Any) -> Iterator[Any]:
        """Yield the items of all pages of an operation's answer."""
        for page in self.client(service).get_paginator(operation).paginate(**request):
            yield from page.get(key, [])

    @property
    def stacks(self) -> Mapping[str, Mapping[str, Any]]:
        """All stacks of the account and region, by name."""
        return self.once(
            "stacks",
            lambda: {stack["StackName"]: stack for stack in self.pages("cloudformation", "describe_stacks", "Stacks")},
        )

    def physical_ids(self, stack: str) -> Mapping[str, str]:
        """Return the physical id of each resource of a deployed stack, by logical id."""
        listed = ("cloudformation", "list_stack_resources", "StackResourceSummaries")
        return self.once(
            f"ids of {stack}",
            lambda: {
                item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
                for item in self.pages(*listed, StackName=stack)
            },
        )

    def parameter(self, name: str) -> str:
        """Return the value of a parameter."""
        return self.once(name, lambda: str(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]))

    def once(self, what: str, read: Callable[[], T]) -> T:
        """Return what ``read`` returns; the checks that need it share one reading."""
        with self._lock:
            lock = self._locks.setdefault(what, RLock())
        with lock:
            if what not in self._read:
                self._read[what] = read()
            return self._read[what]  # type: ignore[no-any-return]

    def is_deployed(self, stack: str) -> bool:
        return stack in self.stacks


def new_clients(session: boto3.Session) -> Clients:
    """Return a function that makes one client per service; throttled calls are repeated."""
    made: dict[str, Any] = {}
    lock = RLock()
    config = Config(retries={"mode": "adaptive", "total_max_attempts": 8}, max_pool_connections=20, connect_timeout=10)

    def client(service: str) -> Any:
        with lock:
            # botocore's sessions are not thread-safe while they make a client.
            if service not in made:
                made[service] = session.client(service, config=config)  # type: ignore[call-overload]
            return made[service]

    return client


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def found(call: Callable[..., Any], **request: Any) -> Any | None:
    """Return the answer of a call, or None if the service says that the thing does not exist."""
    try:
        return call(**request)
    except ClientError as error:
        message = str(error.response.get("Error", {}).get("Message", ""))
        if any(part in code_of(error) or part in message for part in MISSING):
            return None
        raise
