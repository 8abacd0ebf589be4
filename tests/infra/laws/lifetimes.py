"""Laws about what grows: what nothing refers to ends, what a version or a commit refers to stays."""

from collections.abc import Iterator

from tests.infra.laws.law import Law, Violation
from tests.support.synth import Template, resources

KEPT = {
    "data": ("datasets/",),
    "artifacts": ("runs/", "code/", "packages/"),
    "audit": ("forgettings/",),
    "capture": (),
    "records": ("records/",),
    "source": (),
    "pipeline": (),
}
"""Prefixes of each kind of bucket below which no version of an object ever expires."""
WAITING = {"data": ("landing/",), "source": ("",)}
"""Prefixes below which current objects stay until somebody deletes them."""
ENDING = {
    "data": ("landing/", "quarantine/"),
    "artifacts": ("checks/", "scratch/"),
    "audit": ("access/",),
    "capture": ("",),
    "records": (),
    "source": ("",),
    "pipeline": ("",),
}
"""Prefixes below which deleted and overwritten objects expire; current ones too, unless they are ``WAITING``."""


def _rules(bucket: Template) -> list[Template]:
    rules: list[Template] = bucket["Properties"].get("LifecycleConfiguration", {}).get("Rules", [])
    return [rule for rule in rules if rule["Status"] == "Enabled"]


def _kind(bucket: Template) -> str:
    return str(bucket["Properties"]["BucketName"]).rsplit("-", 2)[1]


def _reaches(rule: Template, prefix: str) -> bool:
    of_rule = rule.get("Prefix", "")
    return bool(of_rule.startswith(prefix) or prefix.startswith(of_rule))


def what_is_referred_to_never_expires(template: Template) -> Iterator[Violation]:
    """No lifecycle rule ends commits, what registered versions refer to, forgettings, or files that wait to land."""
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        kind = _kind(bucket)
        for rule in _rules(bucket):
            ends = [("ExpirationInDays", (*KEPT[kind], *WAITING.get(kind, ()))), ("ExpirationDate", ("",))]
            for field, kept in [*ends, ("NoncurrentVersionExpiration", KEPT[kind])]:
                for prefix in kept:
                    if field in rule and _reaches(rule, prefix):
                        yield Violation(name, f"has {field} on {prefix or 'a date'}", "narrow the rule's prefix")


def nothing_grows_for_ever(template: Template) -> Iterator[Violation]:
    """Buckets end what nothing refers to and unfinished uploads, and small objects do not change their class."""
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        rules, kind = _rules(bucket), _kind(bucket)
        if not any("AbortIncompleteMultipartUpload" in rule and not rule.get("Prefix") for rule in rules):
            yield Violation(name, "keeps unfinished uploads", "abort them after days, in the whole bucket")
        for prefix in ENDING[kind]:
            waits = prefix in WAITING.get(kind, ())
            needed = ("NoncurrentVersionExpiration", "ExpiredObjectDeleteMarker" if waits else "ExpirationInDays")
            if not any(rule.get("Prefix", "") == prefix and all(map(rule.get, needed)) for rule in rules):
                where = prefix or "the whole bucket"
                yield Violation(name, f"keeps {where} for ever", f"add a rule with {' and '.join(needed)}")
        least = bucket["Properties"].get("LifecycleConfiguration", {}).get("TransitionDefaultMinimumObjectSize")
        if any("Transitions" in rule for rule in rules) and least != "all_storage_classes_128K":
            yield Violation(name, "moves small objects", "set transition_default_minimum_object_size to 128 KB")
        if any("NoncurrentVersionTransitions" in rule for rule in rules):
            yield Violation(name, "moves noncurrent versions", "let them expire: their class change costs more")


def logs_and_archives_end(template: Template) -> Iterator[Violation]:
    """Every log group and every archive of events has a retention; a log group has the environment's key too."""
    for name, group in resources(template, "AWS::Logs::LogGroup").items():
        for field in ("RetentionInDays", "KmsKeyId"):
            if field not in group["Properties"]:
                yield Violation(name, f"has no {field}", "make it with log_group")
    for name, archive in resources(template, "AWS::Events::Archive").items():
        if not archive["Properties"].get("RetentionDays"):
            yield Violation(name, "keeps events for ever", "set retention_days")


def budgets_count_their_environment(template: Template) -> Iterator[Violation]:
    """A budget is filtered by the environment's tag."""
    ids = {
        bucket["Properties"]["BucketName"].rsplit("-", 2)[0]
        for bucket in resources(template, "AWS::S3::Bucket").values()
    }
    for name, budget in resources(template, "AWS::Budgets::Budget").items():
        found = budget["Properties"]["Budget"].get("CostFilters", {}).get("TagKeyValue", [])
        if set(found) != {f"user:mooring:environment${value}" for value in ids}:
            yield Violation(name, f"counts {found or 'the whole account'}", "filter it by the environment's tag")


LAWS: tuple[Law, ...] = (
    what_is_referred_to_never_expires,
    nothing_grows_for_ever,
    logs_and_archives_end,
    budgets_count_their_environment,
)
