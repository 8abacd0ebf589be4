"""AWS that throttles: the services of a world that throttle one call after the other."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.aws.transient import transient
from tests.support.world import World

R = TypeVar("R")


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


@dataclass
class Throttling:
    """The world's services, which throttle one call: that of number ``at`` of an attempt, counted from 1."""

    world: World
    at: int = 0
    count: int = 0
    attempts: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def services(self) -> Services:
        return Services(self.world.services.environment, lambda name: ThrottledClient(self, self.world.client(name)))

    def meet(self) -> None:
        """Count a call, and throttle it if its number has come; functions call in parallel."""
        with self.lock:
            self.count += 1
            throttled = self.count == self.at
        if throttled:
            raise refusal("ThrottlingException", "Rate exceeded")

    def call(self, act: Callable[[Any, Services], R], request: Any) -> R:
        """Call a function as its task does: again after each transient error, which comes one call later each time."""
        self.at = 0
        while True:
            self.at, self.count, self.attempts = self.at + 1, 0, self.attempts + 1
            try:
                return act(request, self.services)
            except Exception as error:
                if transient(error) is None:
                    raise


@dataclass
class ThrottledClient:
    throttling: Throttling
    inner: Any

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found) or name == "exceptions":
            return found
        if name == "get_paginator":
            return lambda operation: ThrottledPages(self.throttling, found(operation))

        def call(*positional: Any, **request: Any) -> Any:
            self.throttling.meet()
            return found(*positional, **request)

        return call


@dataclass
class ThrottledPages:
    """A paginator; each page is a call."""

    throttling: Throttling
    inner: Any

    def paginate(self, **request: Any) -> Iterator[Any]:
        for page in self.inner.paginate(**request):
            self.throttling.meet()
            yield page
