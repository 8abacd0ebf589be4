"""Words for resources that all models of an environment share."""

from collections.abc import Callable, Iterator, Mapping

from mooring.plan.differences import Compared
from mooring.plan.phrases import Phrase, shown
from mooring.plan.records import Action
from mooring.plan.settings_words import AT_ONCE
from pipelines.interface.names import Environment

Words = Callable[[Environment, Compared], Iterator[Phrase]]
KEPT = {
    ("artifacts", "scratch/"): "rows and artifacts of runs",
    ("artifacts", "checks/"): "documents of checks",
    ("capture", ""): "captured traffic",
    ("data", "quarantine/"): "refused files",
    ("audit", "access/"): "access logs",
}
"""What a bucket keeps below a prefix."""
EXPIRATIONS = (
    ("ExpirationInDays", "", ""),
    ("NoncurrentVersionExpiration", "NoncurrentDays", "deleted and overwritten versions of "),
)


def _bucket(environment: Environment, one: Compared) -> Iterator[Phrase]:
    if one.before is None or one.after is None or one.change.action != Action.CHANGE:
        return
    kind = next(
        (kind for kind in ("data", "artifacts", "capture", "audit") if environment.bucket(kind) == one.change.name), ""
    )
    olds, news = (
        found.properties.get("LifecycleConfiguration", {}).get("Rules", []) for found in (one.before, one.after)
    )
    if len(olds) != len(news):
        return
    for number, (old, new) in enumerate(zip(olds, news, strict=True)):
        prefix = new.get("Prefix", "")
        what = KEPT.get((kind, prefix), f"objects of the {kind} bucket{f' below {prefix}' if prefix else ''}")
        for name, inner, noun in EXPIRATIONS:
            days = [rule.get(name, {}).get(inner) if inner else rule.get(name) for rule in (old, new)]
            if old.get("Prefix") == new.get("Prefix") and None not in days and days[0] != days[1]:
                yield _days(f"{noun}{what}", days[0], days[1], covers=f"LifecycleConfiguration.Rules[{number}].{name}")


def _days(what: str, before: object, after: object, *, covers: str) -> Phrase:
    return Phrase(text=f"{what} kept {after} days instead of {before}", when=AT_ONCE, covers=(covers,))


def _retention(what: str, name: str) -> Words:
    """Return the words of a property that is a number of days."""

    def words(_environment: Environment, one: Compared) -> Iterator[Phrase]:
        for change in one.change.properties:
            if change.path == name:
                yield _days(what, change.before, change.after, covers=name)

    return words


def _budget(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    for change in one.change.properties:
        if change.path == "Budget.BudgetLimit.Amount":
            text = f"budget ${change.after} instead of ${change.before} a month"
            yield Phrase(text=text, when=AT_ONCE, covers=(change.path,))


def _subscription(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    found = one.after if one.change.action == Action.ADD else one.before
    also = {Action.ADD: "also", Action.REMOVE: "no longer"}
    for change in one.change.properties:
        if change.path == "Endpoint":
            text = f"alerts go to {shown(change.after)} instead of {shown(change.before)}"
            yield Phrase(text=text, when=AT_ONCE, covers=(change.path,))
    if found and one.change.action in also and found.properties.get("Protocol") == "email":
        yield Phrase(text=f"alerts {also[one.change.action]} go to {found.properties['Endpoint']}", covers=("",))


def _table(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    for change in one.change.properties:
        if change.path == "DeletionProtectionEnabled":
            word = "protected" if change.after else "no longer protected"
            yield Phrase(text=f"ledger {word} against deletion", when=AT_ONCE, covers=(change.path,))


def _bus(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    if any(change.path.startswith("Policy") for change in one.change.properties):
        text = "the bus takes findings of other environments than before"
        yield Phrase(text=text, when=AT_ONCE, covers=("Policy",))


def _function(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    paths = [change.path for change in one.change.properties]
    if any(path.startswith("Code.") for path in paths):
        yield Phrase(text="new code of {n} function{s}", when=AT_ONCE, covers=("Code",))
    if any(path.startswith("Layers") for path in paths):
        yield Phrase(text="new layers of {n} function{s}", when=AT_ONCE, covers=("Layers",))
    for change in one.change.properties:
        if change.path in ("MemorySize", "Timeout"):
            text = f"{change.path} of {{n}} function{{s}} {shown(change.before)} → {shown(change.after)}"
            yield Phrase(text=text, when=AT_ONCE, covers=(change.path,))


def _layer(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    if any(change.path.startswith("Content") for change in one.change.properties):
        yield Phrase(text="{n} layer{s} with new content, replaced", when=AT_ONCE, covers=("Content",))


def _machine(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    definitions = tuple(change.path for change in one.change.properties if change.path.startswith("Definition"))
    if definitions:
        what = one.change.name or one.change.logical_id
        yield Phrase(text=f"new definition of the flow {what}", when="from the next execution on", covers=definitions)


def _role(_environment: Environment, one: Compared) -> Iterator[Phrase]:
    if any(change.path.startswith("Policies") for change in one.change.properties):
        yield Phrase(text="other permissions of {n} role{s}", when=AT_ONCE, covers=("Policies",))


ENVIRONMENT_WORDS: Mapping[str, Words] = {
    "AWS::Budgets::Budget": _budget,
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::Archive": _retention("events for replays in {n} archive{s}", "RetentionDays"),
    "AWS::Events::EventBus": _bus,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Logs::LogGroup": _retention("logs of {n} group{s}", "RetentionInDays"),
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Subscription": _subscription,
    "AWS::StepFunctions::StateMachine": _machine,
    "Custom::JobLogGroups": _retention("logs of jobs", "Days"),
}
