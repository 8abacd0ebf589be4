"""Small helpers for the policies that ``mooring bootstrap`` writes."""

from typing import Any

Document = dict[str, Any]
"""A policy, a statement or a condition in JSON's types."""


def allow(sid: str, actions: list[str], *resources: str, condition: Document | None = None) -> Document:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": list(resources)}
    return statement | ({"Condition": condition} if condition else {})


def deny(sid: str, actions: list[str], *resources: str, condition: Document | None = None) -> Document:
    return allow(sid, actions, *resources, condition=condition) | {"Effect": "Deny"}


def document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}
