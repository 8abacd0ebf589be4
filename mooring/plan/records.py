"""The plan of a deployment: the documented shape of ``mooring plan --json`` (docs/reference/plan.md)."""

from dataclasses import dataclass
from enum import StrEnum

VERSION = 1
"""Version of the shape. It changes when a field is removed or means something else, not when one is added."""


class Effect(StrEnum):
    """Effect of an update on the resource: a new one takes its place, it is interrupted, or neither."""

    REPLACE = "replace"
    INTERRUPT = "interrupt"
    NONE = "none"


class Action(StrEnum):
    """The action of a deployment on a stack or a resource.

    ``later`` is a change of a resource that the release state leaves out: nothing happens to it until a release.
    ``leave`` is a deployed stack that the fleet does not have any more: a deployment does not delete it.
    """

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    LATER = "later"
    LEAVE = "leave"


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """A property with its old and new value, as JSON; None stands for an absent one.

    A reference to a resource that is replaced has ``"replaced": true`` beside its name. ``certain`` is false if
    CloudFormation decides by the values whether it replaces the resource.
    """

    path: str
    before: object
    after: object
    effect: Effect
    certain: bool = True


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """A resource of a stack that is added, changed or removed.

    ``name`` is the name that the template gives it, or "". ``kept`` says that the resource of before stays in the
    account, outside the stack. ``attributes`` are changed attributes of the template that touch no resource, such as
    its DeletionPolicy. ``refused`` is the reason why CloudFormation will refuse the change, or "".
    """

    logical_id: str
    type: str
    name: str
    action: Action
    effect: Effect
    properties: tuple[PropertyChange, ...] = ()
    attributes: tuple[PropertyChange, ...] = ()
    kept: bool = False
    refused: str = ""

    @property
    def touched(self) -> bool:
        """Whether the deployment creates, updates or deletes the resource."""
        return self.action in (Action.ADD, Action.REMOVE) or (self.action == Action.CHANGE and bool(self.properties))


@dataclass(frozen=True, kw_only=True)
class StackChange:
    """A stack that differs; ``reason`` is that of ``mooring deploy``, and ``model`` "" unless it is one model's.

    ``refused`` is the reason why ``mooring deploy`` will refuse the change, or "".
    """

    name: str
    model: str
    action: Action
    reason: str
    resources: tuple[ResourceChange, ...] = ()
    settings: tuple[PropertyChange, ...] = ()
    """Changed settings of the stack itself: tags, termination protection, outputs."""
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A change in the words of ML. ``when`` says from when on it acts; ``model`` is "" for the whole environment."""

    model: str
    text: str
    when: str = ""


@dataclass(frozen=True, kw_only=True)
class EndpointChange:
    """What becomes of a model's endpoint: ``untouched`` is true if the deployment does nothing to it."""

    model: str
    text: str
    untouched: bool


@dataclass(frozen=True, kw_only=True)
class CostChange:
    """Dollars a month before and after, at list prices and after AWS's free allowances; ``model`` as in ``Sentence``.

    ``at_release_usd`` is the list price of an endpoint that the first release of the model will add.
    """

    model: str
    list_usd_before: float
    list_usd_after: float
    usd_before: float
    usd_after: float
    at_release_usd: float = 0.0


@dataclass(frozen=True, kw_only=True)
class EnvironmentPlan:
    """The plan of one environment; ``is_new`` if nothing of it is deployed."""

    environment: str
    stage: str
    is_new: bool
    stacks: tuple[StackChange, ...]
    sentences: tuple[Sentence, ...]
    endpoints: tuple[EndpointChange, ...]
    costs: tuple[CostChange, ...]

    @property
    def changes(self) -> bool:
        """Whether a deployment would deploy a stack."""
        return any(stack.action != Action.LEAVE for stack in self.stacks)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of a deployment of some environments."""

    prices_of: str
    environments: tuple[EnvironmentPlan, ...]
    version: int = VERSION

    @property
    def changes(self) -> bool:
        return any(environment.changes for environment in self.environments)
