"""Evaluates a template as far as its values are known before a deployment.

Parameters, conditions and intrinsic functions on known values become values. What only CloudFormation knows stays a
reference: ``{"Ref": …}`` and ``{"Fn::GetAtt": […]}``, with ``"replaced": true`` if the resource is replaced.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mooring.errors import MooringError

_NO_VALUE = object()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource with its evaluated properties; ``active`` is false if its condition leaves it out."""

    type: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    active: bool = True

    @property
    def kept_when_removed(self) -> bool:
        return str(self.attributes.get("DeletionPolicy", "Delete")).startswith("Retain")

    @property
    def kept_when_replaced(self) -> bool:
        return str(self.attributes.get("UpdateReplacePolicy", "Delete")).startswith("Retain")


class Template:
    """A template with the values of its parameters; parameters without a value stay references.

    ``pseudo`` are the values of ``AWS::AccountId`` and the like.
    """

    def __init__(
        self, body: Mapping[str, Any], *, parameters: Mapping[str, Any], pseudo: Mapping[str, str] | None = None
    ) -> None:
        self.body = body
        self._parameters = parameters
        self._pseudo = {"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", **(pseudo or {})}
        self._replaced: Collection[str] = ()
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Sub": self._sub,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
        }

    def resources(self, replaced: Collection[str] = ()) -> dict[str, Resource]:
        """Return the resources by their logical ids; ``replaced`` are those that get another physical id.

        Raises
        ------
        MooringError
            A condition rests on what is known only in the deployment.
        """
        self._replaced = replaced
        return dict(self._resources())

    def _resources(self) -> Iterator[tuple[str, Resource]]:
        for logical_id, declared in self.body.get("Resources", {}).items():
            condition = declared.get("Condition")
            yield (
                logical_id,
                Resource(
                    type=declared["Type"],
                    properties=self.evaluate(declared.get("Properties", {})),
                    attributes={
                        name: self.evaluate(value)
                        for name, value in declared.items()
                        if name not in ("Type", "Properties")
                    },
                    active=condition is None or self.holds(condition),
                ),
            )

    def evaluate(self, value: Any) -> Any:
        """Return a value with everything evaluated that is known."""
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if name in self._functions:
                    return self._functions[name](argument)
            found = {name: self.evaluate(item) for name, item in value.items()}
            return {name: item for name, item in found.items() if item is not _NO_VALUE}
        if isinstance(value, list):
            return [found for item in value if (found := self.evaluate(item)) is not _NO_VALUE]
        return value

    def holds(self, condition: str) -> bool:
        """Return whether a condition of the template holds."""
        return self._truth(self.body["Conditions"][condition], condition)

    def _truth(self, expression: Any, condition: str) -> bool:
        ((name, argument),) = expression.items()
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Not":
            return not self._truth(argument[0], condition)
        if name == "Fn::And":
            return all(self._truth(one, condition) for one in argument)
        if name == "Fn::Or":
            return any(self._truth(one, condition) for one in argument)
        values = [self.evaluate(one) for one in argument] if name == "Fn::Equals" else []
        if len(values) != 2 or any(not isinstance(value, str | int | bool) for value in values):
            raise MooringError(
                f"the condition {condition} cannot be evaluated before the deployment: {expression}",
                remedy="deploy the stack first, or let the condition compare parameters that have values",
            )
        return str(values[0]) == str(values[1])

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        return self._reference({"Ref": name}, name)

    def _attribute(self, argument: Any) -> Any:
        resource, name = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._reference({"Fn::GetAtt": [resource, name]}, resource)

    def _reference(self, reference: dict[str, Any], resource: str) -> dict[str, Any]:
        return reference | ({"replaced": True} if resource in self._replaced else {})

    def _if(self, argument: Sequence[Any]) -> Any:
        condition, then, other = argument
        return self.evaluate(then if self.holds(condition) else other)

    def _join(self, argument: Sequence[Any]) -> Any:
        separator, items = argument[0], self.evaluate(argument[1])
        if not isinstance(items, list):
            return {"Fn::Join": [separator, items]}
        parts: list[Any] = []
        for number, item in enumerate(items):
            parts += [separator, item] if number and separator else [item]
        return _joined(parts)

    def _sub(self, argument: Any) -> Any:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        parts: list[Any] = []
        for number, part in enumerate(re.split(r"\$\{([^}]*)\}", text)):
            if number % 2 == 0:
                parts.append(part)
            elif part.startswith("!"):
                parts.append(f"${{{part[1:]}}}")
            elif part in given:
                parts.append(self.evaluate(given[part]))
            else:
                parts.append(self._attribute(part) if "." in part else self._ref(part))
        return _joined(parts)

    def _select(self, argument: Sequence[Any]) -> Any:
        index, items = int(argument[0]), self.evaluate(argument[1])
        return items[index] if isinstance(items, list) else {"Fn::Select": [index, items]}

    def _split(self, argument: Sequence[Any]) -> Any:
        separator, text = argument[0], self.evaluate(argument[1])
        return text.split(separator) if isinstance(text, str) else {"Fn::Split": [separator, text]}


def _joined(parts: Sequence[Any]) -> Any:
    """Return parts as one string, or as a join with neighbouring strings as one if a part is not known."""
    flat: list[Any] = []
    for part in parts:
        nested = part["Fn::Join"][1] if isinstance(part, Mapping) and "Fn::Join" in part else [part]
        for piece in nested:
            if isinstance(piece, str | int) and flat and isinstance(flat[-1], str):
                flat[-1] += str(piece)
            else:
                flat.append(str(piece) if isinstance(piece, int) else piece)
    flat = [piece for piece in flat if piece != ""]
    if all(isinstance(piece, str) for piece in flat):
        return "".join(flat)
    return {"Fn::Join": ["", flat]}
