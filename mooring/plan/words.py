"""Changes of resources in the words of ML. What has no words is told by its type and property path."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from mooring.plan.differences import Compared
from mooring.plan.environment_words import ENVIRONMENT_WORDS
from mooring.plan.model_words import MODEL_WORDS, model_of
from mooring.plan.phrases import Phrase, shown
from mooring.plan.records import Action, Effect, ResourceChange, Sentence
from pipelines.interface.names import Environment

WORDS: Mapping[str, Callable[[Environment, Compared], Iterator[Phrase]]] = {**ENVIRONMENT_WORDS, **MODEL_WORDS}
ORDER = "DependsOn"
ENDED = {True: "removed from the stack and kept in the account", False: "deleted"}


def tell(environment: Environment, stacks: Sequence[tuple[str, Sequence[Compared]]]) -> tuple[Sentence, ...]:
    """Return what changes, in the order of the stacks; each is the model's name or "", and its changes.

    Equal phrases of several resources become one sentence with their number.
    """
    counted: Counter[tuple[str, Phrase]] = Counter()
    for model, compared in stacks:
        for one in compared:
            owner = model or model_of(environment, one)
            for phrase in filter(lambda each: each.text, _phrases(environment, one)):
                counted[phrase.model or owner, _unplaced(phrase)] += 1
    return tuple(
        Sentence(model=model, text=phrase.text_for(count), when=phrase.when)
        for (model, phrase), count in counted.items()
    )


def _unplaced(phrase: Phrase) -> Phrase:
    return Phrase(text=phrase.text, when=phrase.when, model=phrase.model)


def _phrases(environment: Environment, one: Compared) -> Iterator[Phrase]:
    change = one.change
    phrases = list(WORDS[change.type](environment, one)) if change.type in WORDS else []
    yield from phrases
    covered = tuple(path for phrase in phrases for path in phrase.covers)
    if "" not in covered:
        yield from _untold(change, covered)
    if any(attribute.path.startswith(ORDER) for attribute in change.attributes):
        yield Phrase(text="{n} resource{s} in another order, not touched")
    for attribute in change.attributes:
        if attribute.path.startswith(ORDER):
            continue
        yield Phrase(
            text=f"{_kind(change)} {attribute.path} {shown(attribute.before)} → {shown(attribute.after)}: "
            "{n} resource{s} not touched"
        )
    if change.refused:
        yield Phrase(text=f"CloudFormation will refuse the change of {change.logical_id}: {change.refused}")


def _untold(change: ResourceChange, covered: tuple[str, ...]) -> Iterator[Phrase]:
    if change.action == Action.ADD:
        yield Phrase(text=f"{{n}} {_kind(change)} added")
    elif change.action == Action.REMOVE:
        yield Phrase(text=f"{{n}} {_kind(change)} {ENDED[change.kept]}")
    when = "when a release creates it" if change.action == Action.LATER else ""
    for one in change.properties:
        if not any(_leads_to(cover, one.path) for cover in covered):
            suffix = {Effect.REPLACE: ", replaced", Effect.INTERRUPT: ", interrupted", Effect.NONE: ""}[one.effect]
            yield Phrase(text=f"{_kind(change)} {one.path} changes in {{n}} resource{{s}}{suffix}", when=when)


def _leads_to(cover: str, path: str) -> bool:
    """Return whether a path is a covered one or leads into it.

    Examples
    --------
    >>> [_leads_to("Code", path) for path in ("Code", "Code.S3Key", "Code[0]", "CodeSigningConfigArn")]
    [True, True, True, False]
    """
    return path == cover or path.startswith((f"{cover}.", f"{cover}["))


def _kind(change: ResourceChange) -> str:
    """Return a type in two words, such as "Lambda Function".

    Examples
    --------
    >>> from mooring.plan.records import ResourceChange
    >>> _kind(ResourceChange(
    ...     logical_id="F", type="AWS::Lambda::Function", name="", action=Action.ADD, effect=Effect.NONE))
    'Lambda Function'
    """
    return re.sub(r"^AWS::", "", change.type).replace("::", " ")
