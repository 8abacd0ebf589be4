"""Words for resources of one model: settings, schedules, endpoint and scaling."""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from mooring.plan.differences import Compared
from mooring.plan.phrases import Phrase, shown
from mooring.plan.records import Action, PropertyChange
from mooring.plan.settings_words import AT_ONCE, tell_settings
from pipelines.interface.names import Environment

Words = Callable[[Environment, Compared], Iterator[Phrase]]
AT_RELEASE = "when a release creates the endpoint"
NEW_INSTANCES = "on the new instances"
EVERY = {"drift": "drift check", "retrain": "retraining"}


def model_of(environment: Environment, one: Compared) -> str:
    """Return the model that a resource of a Registry stack belongs to, or ""."""
    name = one.change.name
    if found := re.fullmatch(f"/mooring/{re.escape(environment.id)}/([^/]+)/settings", name):
        return found[1]
    if one.change.type == "AWS::SageMaker::ModelPackageGroup":
        return name.removeprefix(f"{environment.id}-")
    if one.change.type == "AWS::Scheduler::Schedule":
        return _schedule_of(environment, name)[0]
    return ""


def _schedule_of(environment: Environment, name: str) -> tuple[str, str]:
    """Return the model and the kind of a model's schedule; empty for others."""
    found = re.fullmatch(f"{re.escape(environment.id)}-(.+)-(drift|retrain)", name)
    return (found[1], found[2]) if found else ("", "")


def _settings(environment: Environment, one: Compared) -> Iterator[Phrase]:
    if not model_of(environment, one):
        return
    if one.change.action == Action.ADD:
        yield Phrase(text="new model", covers=("",))
    elif one.change.action == Action.REMOVE:
        yield Phrase(text="no longer in the fleet: its settings are deleted", when=AT_ONCE, covers=("",))
    for change in one.change.properties:
        if change.path == "Value" and _is_document(change.before) and _is_document(change.after):
            for text, when in tell_settings(str(change.before), str(change.after)):
                yield Phrase(text=text, when=when, covers=("Value",))


def _is_document(value: object) -> bool:
    """Return whether a value is a settings document, and not what somebody else wrote there."""
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _group(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    if one.change.action == Action.ADD:
        yield Phrase(text="new package group", covers=("",))
    elif one.change.action == Action.REMOVE and one.change.kept:
        yield Phrase(text="its versions are kept", covers=("",))


def _schedule(environment: Environment, one: Compared) -> Iterator[Phrase]:
    model, kind = _schedule_of(environment, one.change.name)
    if not model:
        return
    what = EVERY[kind]
    olds, news = (found.properties if found else {} for found in (one.before, one.after))
    if one.change.action == Action.ADD:
        yield Phrase(text=f"{what} scheduled: {news['ScheduleExpression']}", when=AT_ONCE, covers=("",))
    elif one.change.action == Action.REMOVE:
        yield Phrase(text=f"{what} no longer scheduled", when=AT_ONCE, covers=("",))
    elif olds["ScheduleExpression"] != news["ScheduleExpression"]:
        text = f"{what} scheduled {news['ScheduleExpression']} instead of {olds['ScheduleExpression']}"
        yield Phrase(text=text, when=AT_ONCE, covers=("ScheduleExpression", *_follows(olds, news)))
        before, after = (found["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0) for found in (olds, news))
        if before != after:
            text = f"{what} within {after} minutes of its time instead of {before}"
            yield Phrase(text=text, when=AT_ONCE, covers=("FlexibleTimeWindow",))


def _follows(olds: Mapping[str, object], news: Mapping[str, object]) -> tuple[str, ...]:
    """Return the path of the request if nothing differs in it but its reason, which names the schedule."""
    requests = []
    for properties in (olds, news):
        target = properties["Target"]
        assert isinstance(target, Mapping)
        request = json.loads(target["Input"])
        if isinstance(request.get("trigger"), dict):
            request["trigger"].pop("reason", None)
        requests.append(request)
    return ("Target.Input",) if requests[0] == requests[1] else ()


def _release_states(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    if one.change.action in (Action.ADD, Action.CHANGE):
        before, after = (set(found.properties["Models"]) if found else set() for found in (one.before, one.after))
        covers = ("",) if one.change.action == Action.ADD else ("Models",)
        for model in sorted(after - before):
            yield Phrase(text="its release state is created, if there is none", model=model, covers=covers)
        for model in sorted(before - after):
            yield Phrase(text="its release state is kept", model=model, covers=covers)


def _config(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    when = _when(one, NEW_INSTANCES)
    for change in one.change.properties:
        if change.path == "ProductionVariants[0].InstanceType":
            yield _told(f"endpoint on {change.after} instead of {change.before}", change, when)
        elif change.path == "ProductionVariants[0].InitialInstanceCount":
            yield _told(f"endpoint's config has {change.after} instances instead of {change.before}", change, when)
        elif change.path == "DataCaptureConfig.InitialSamplingPercentage":
            yield _told(f"captures {change.after} % of the requests instead of {change.before} %", change, when)
        elif change.path == "ProductionVariants[0].ModelName" and isinstance(change.after, Mapping):
            yield _told("endpoint with another SageMaker model of the same version", change, when)


def _told(text: str, change: PropertyChange, when: str) -> Phrase:
    return Phrase(text=text, when=when, covers=(change.path,))


def _when(one: Compared, otherwise: str) -> str:
    return AT_RELEASE if one.change.action == Action.LATER else otherwise


def _endpoint(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    """Tell what updates keep; ``endpoints`` tells what becomes of the endpoint."""
    for change in one.change.properties:
        if change.path == "EndpointConfigName" and isinstance(change.after, Mapping):
            yield Phrase(text="", covers=(change.path,))
        elif change.path == "RetainAllVariantProperties":
            text = "updates keep the number of instances" if change.after else "updates set the number of instances"
            yield _told(text, change, "from the next update on")


def _target(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    olds, news = (found.properties if found and found.properties else None for found in (one.before, one.after))
    when = _when(one, AT_ONCE)
    bounds = [f"{found['MinCapacity']} to {found['MaxCapacity']} instances" if found else "" for found in (olds, news)]
    if one.change.action == Action.ADD or (bounds[1] and not bounds[0]):
        yield Phrase(text=f"endpoint scaled from {bounds[1]}", when=when, covers=("",))
    elif one.change.action == Action.REMOVE or not bounds[1]:
        yield Phrase(text="endpoint no longer scaled", when=when, covers=("",))
    elif bounds[0] != bounds[1]:
        text = f"endpoint scaled from {bounds[1]}, before from {bounds[0]}"
        yield Phrase(text=text, when=when, covers=("MinCapacity", "MaxCapacity"))


def _policy(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    if one.before is None or one.after is None or one.change.action in (Action.ADD, Action.REMOVE):
        found = one.after if one.after and one.after.properties else one.before
        if found:
            tracked = found.properties.get("TargetTrackingScalingPolicyConfiguration", {}).get("TargetValue")
            ends = one.after is None or one.change.action == Action.REMOVE
            text = f"scaling aims {'no longer ' if ends else ''}at {shown(tracked)} requests a minute and instance"
            yield Phrase(text=text, when=_when(one, AT_ONCE), covers=("",))


MODEL_WORDS: Mapping[str, Words] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _policy,
    "AWS::SSM::Parameter": _settings,
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::EndpointConfig": _config,
    "AWS::SageMaker::ModelPackageGroup": _group,
    "AWS::Scheduler::Schedule": _schedule,
    "Custom::ReleaseStates": _release_states,
}
