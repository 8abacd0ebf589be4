"""A law over a template: a function that yields the template's violations; and what laws read of policies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.synth import Template, resources


@dataclass(frozen=True)
class Violation:
    """A broken law. ``resource`` is a logical id, with the name of a state or target after a slash."""

    resource: str
    reason: str
    mend: str

    def __str__(self) -> str:
        return f"{self.resource} {self.reason}: {self.mend}"


Law = Callable[[Template], Iterator[Violation]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _documents(template: Template) -> Iterator[tuple[str, str, Template]]:
    """Yield (logical id, type, policy document) of every policy in the template, except trust policies."""
    for name, resource in resources(template).items():
        properties = resource.get("Properties", {})
        for key in ("PolicyDocument", "KeyPolicy"):
            if key in properties:
                yield name, resource["Type"], properties[key]
        for policy in properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            yield name, resource["Type"], policy["PolicyDocument"]


def statements_of(template: Template) -> Iterator[tuple[str, str, Template]]:
    for name, kind, document in _documents(template):
        for statement in listed(document["Statement"]):
            yield name, kind, statement


def trusted_services(statement: Template) -> list[str]:
    principal = statement.get("Principal", {})
    return [str(service) for service in listed(principal.get("Service", []))] if isinstance(principal, dict) else []
