"""Changes of a model's settings document in words, field by field; a field without words is told by its path."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mooring.plan.rules import compare_values
from pipelines.interface.settings import HIGHER_IS_BETTER

NEXT_RETRAINING = "next retraining only"
NEXT_CHECK = "from the next check on"
NEXT_APPROVAL = "from the next approval on"
AT_ONCE = "at once"

Told = tuple[str, str]
"""A change in words, and from when on it acts."""


def tell_settings(before: str, after: str) -> Iterator[Told]:
    """Yield the changes between two settings documents.

    Examples
    --------
    >>> list(tell_settings('{"gate": {"metric": "auc", "bound": 0.6}}', '{"gate": {"metric": "auc", "bound": 0.65}}'))
    [('gate stricter from 0.60 to 0.65', 'next retraining only')]
    """
    old, new = json.loads(before), json.loads(after)
    for path, one, other in compare_values(old, new):
        name = ".".join(str(step) for step in path if isinstance(step, str))
        if name == "gate.bound":
            yield _bound(old, new, one, other), NEXT_RETRAINING
        elif name == "gate":
            yield f"gate {_from_to(one, other)}", NEXT_RETRAINING
        elif name == "retraining.triggers":
            yield from _triggers(old["retraining"]["triggers"], new["retraining"]["triggers"], first=path)
        elif name in FIELDS:
            words, when = FIELDS[name]
            yield words(one, other), when
        else:
            yield f"{name} {_from_to(one, other)}", NEXT_RETRAINING


def _bound(old: Mapping[str, Any], new: Mapping[str, Any], before: Any, after: Any) -> str:
    metric = new["gate"]["metric"]
    if old["gate"]["metric"] != metric or metric not in HIGHER_IS_BETTER:
        return f"gate's bound {_from_to(before, after)}"
    stricter = (after > before) == HIGHER_IS_BETTER[metric]
    return f"gate {'stricter' if stricter else 'looser'} {_from_to(before, after)}"


def _triggers(old: list[str], new: list[str], *, first: tuple[Any, ...]) -> Iterator[Told]:
    # Lists of one length differ item by item: they are told once, at their first difference.
    differing = [number for number, (one, other) in enumerate(zip(old, new, strict=False)) if one != other]
    if isinstance(first[-1], int) and first[-1] != differing[0]:
        return
    more = [name for name in new if name not in old]
    less = [name for name in old if name not in new]
    if more:
        yield f"retrains also on {_and(more)}", AT_ONCE
    if less:
        yield f"retrains no longer on {_and(less)}", AT_ONCE
    if not more and not less:
        yield f"triggers of retraining {_from_to(old, new)}", AT_ONCE


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _graded(noun: str, *, higher: str, lower: str) -> Callable[[Any, Any], str]:
    """Return words of a number: ``higher`` and ``lower`` say what a larger and a smaller value mean."""

    def words(before: Any, after: Any) -> str:
        return f"{noun} {higher if after > before else lower} {_from_to(before, after)}"

    return words


def _plain(noun: str) -> Callable[[Any, Any], str]:
    return lambda before, after: f"{noun} {_from_to(before, after)}"


def _said(text: str) -> Callable[[Any, Any], str]:
    return lambda before, after: text.format(before=before, after=after)


def _two_people(_before: Any, after: Any) -> str:
    return "approval needs a second person" if after else "who started a run may approve its version"


def _approval(_before: Any, after: Any) -> str:
    return "versions are approved automatically" if after == "automatic" else "a person approves versions"


def _from_to(before: Any, after: Any) -> str:
    """Return a change of a value; two numbers have as many decimals as the longer one needs, at least two.

    Examples
    --------
    >>> _from_to(0.6, 0.655), _from_to(1, 2), _from_to(None, "5")
    ('from 0.600 to 0.655', 'from 1 to 2', 'from none to 5')
    """
    if isinstance(before, float) or isinstance(after, float):
        places = max(2, *(len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in (before, after)))
        return f"from {before:.{places}f} to {after:.{places}f}"
    return f"from {_value(before)} to {_value(after)}"


def _value(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


FIELDS: Mapping[str, tuple[Callable[[Any, Any], str], str]] = {
    "gate.metric": (_said("gate judges by {after} instead of {before}"), "next retraining, and quality checks at once"),
    "gate.min_gain": (
        _graded("gate's gain over the champion", higher="stricter", lower="looser"),
        NEXT_RETRAINING,
    ),
    "gate.min_rows": (_graded("gate's rows", higher="stricter", lower="looser"), NEXT_RETRAINING),
    "drift.window_hours": (_plain("hours of a drift window"), NEXT_CHECK),
    "drift.min_rows": (_plain("rows that a drift check needs"), NEXT_CHECK),
    "drift.false_alarm_rate": (
        _graded("drift check", higher="more sensitive: false alarms", lower="less sensitive: false alarms"),
        NEXT_CHECK,
    ),
    "drift.min_effect": (
        _graded("drift check", higher="less sensitive: smallest effect", lower="more sensitive: smallest effect"),
        NEXT_CHECK,
    ),
    "drift.persistence": (_graded("drift", higher="found later: windows", lower="found sooner: windows"), NEXT_CHECK),
    "quality.min_labels": (_plain("labels that a quality check needs"), NEXT_CHECK),
    "quality.max_loss": (
        _graded("quality check", higher="looser: largest loss", lower="stricter: largest loss"),
        NEXT_CHECK,
    ),
    "retraining.cooldown_s": (_plain("seconds between retrainings"), AT_ONCE),
    "retraining.max_runs_per_day": (_plain("most retrainings a day"), AT_ONCE),
    "training.instance_type": (_plain("training instance"), NEXT_RETRAINING),
    "training.volume_gb": (_plain("GB of the training's volume"), NEXT_RETRAINING),
    "training.max_runtime_s": (_plain("longest seconds of a training"), NEXT_RETRAINING),
    "processing.instance_type": (_plain("instance of validation and evaluation"), NEXT_RETRAINING),
    "processing.volume_gb": (_plain("GB of the validation's and evaluation's volume"), NEXT_RETRAINING),
    "processing.max_runtime_s": (_plain("longest seconds of a validation or evaluation"), NEXT_RETRAINING),
    "window_months": (_plain("months to train on"), NEXT_RETRAINING),
    "holdout_months": (_plain("months held out"), NEXT_RETRAINING),
    "approval": (_approval, NEXT_RETRAINING),
    "two_people": (_two_people, NEXT_APPROVAL),
    "code_uri": (_said("new code of its jobs and of the model's program"), NEXT_RETRAINING),
    "image": (_plain("container image"), NEXT_RETRAINING),
    "dataset": (_plain("dataset"), "next retraining, and triggers by commits at once"),
    "task": (_plain("task"), "next retraining, and checks at once"),
    "target": (_plain("target column"), NEXT_RETRAINING),
    "time_column": (_plain("time column"), NEXT_RETRAINING),
    "training_stage": (_said("trained in {after} instead of {before}"), AT_ONCE),
}
