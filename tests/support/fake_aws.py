"""AWS as a table of answers: clients for code that only reads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

Answers = Mapping[str, Any]
"""Answer by ``service.operation``: the answer itself, an error to raise, or a function of the request."""


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message or code}}, "Fake")


@dataclass(frozen=True)
class FakeAws:
    """Returns clients by a service's name. A call without an answer fails the test."""

    answers: Answers

    def __call__(self, service: str) -> "FakeClient":
        return FakeClient(service, self.answers)


@dataclass(frozen=True)
class FakeClient:
    service: str
    answers: Answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            name = f"{self.service}.{operation}"
            assert name in self.answers, f"the test has no answer for {name} {request}"
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer(request) if callable(answer) else answer

        return call

    def get_paginator(self, operation: str) -> "FakePages":
        return FakePages(getattr(self, operation))


@dataclass(frozen=True)
class FakePages:
    call: Callable[..., Any]

    def paginate(self, **request: Any) -> Iterator[Any]:
        yield self.call(**request)
