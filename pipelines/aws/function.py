"""The edge of every Lambda function: variables and event in, typed request to the pipelines, JSON out, one log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Generic, TypeVar

from pipelines.aws.clients import Services
from pipelines.aws.transient import transient
from pipelines.interface import log
from pipelines.interface.codec import Json, read, to_json
from pipelines.interface.env import FunctionEnv

E = TypeVar("E", bound=FunctionEnv)
Request = TypeVar("Request")


@dataclass(frozen=True)
class Handler(Generic[E, Request]):
    """A Lambda handler: it calls ``act`` with the event as a ``request`` record, the services and the variables."""

    name: str
    env: type[E]
    request: type[Request]
    act: Callable[[Request, Services, E], object]

    def __call__(self, event: Mapping[str, object], context: object) -> dict[str, Json] | None:  # noqa: ARG002
        env = self.env.from_environment()
        with log.bound(environment=env.environment.id, function=self.name):
            try:
                request = read(self.request, event)
                with log.bound(**_subject(request)):
                    return self._answer(request, env)
            except Exception as error:
                # The state machine matches the error by its class, so it is raised again after its log line.
                log.failure(error)
                if again := transient(error):
                    raise again from error
                raise

    def _answer(self, request: Request, env: E) -> dict[str, Json] | None:
        answer = self.act(request, Services(env.environment), env)
        return to_json(answer) if is_dataclass(answer) else None


def handler(
    env: type[E], request: type[Request]
) -> Callable[[Callable[[Request, Services, E], object]], Handler[E, Request]]:
    """Make a function of (request, services, variables) a Lambda handler; it logs under its folder's name."""

    def make(act: Callable[[Request, Services, E], object]) -> Handler[E, Request]:
        return Handler(act.__module__.split(".")[-2], env, request, act)

    return make


_IDS = {
    "model": "model",
    "run_id": "run",
    "release_id": "release",
    "check_id": "check",
    "commit": "commit",
    "execution": "execution",
}
"""Fields of requests -> ids of a log line."""
_PARTS = ("lease", "plan", "release", "restore")
"""Fields of requests whose own fields hold ids too."""


def _subject(request: object) -> dict[str, str]:
    found = {}
    parts = [getattr(request, name, None) for name in _PARTS]
    for part in [*parts, request]:
        for name, id_ in _IDS.items():
            if value := getattr(part, name, None):
                found[id_] = str(value)
    return found
