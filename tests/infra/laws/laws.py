"""Laws over a template: each is a function that yields the template's violations. ``LAWS`` has all of them."""

import json
from collections.abc import Iterator

from tests.infra.laws.flows import (
    functions_called_are_permitted,
    jobs_are_isolated,
    lambda_retries_are_complete,
    maps_are_permitted,
    requests_and_histories_fit,
    sync_is_permitted,
    tasks_are_guarded,
)
from tests.infra.laws.law import Law, Violation, listed
from tests.infra.laws.permissions import (
    conditions_can_hold,
    isolation_is_demanded,
    keys_admit_their_services,
    no_star_on_star,
    no_wildcard_actions,
    pass_role_is_narrow,
    roles_have_the_boundary,
    trusts_name_their_account,
    web_identities_are_exact,
)
from tests.support.synth import Template, resources

STATEFUL = (
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::Events::Archive",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
)
LIMITS = (("resources", 500), ("parameters", 200), ("bytes", 1_000_000))
"""CloudFormation's limits of a template."""


def functions_end_well(template: Template) -> Iterator[Violation]:
    """Every function has a time-out, a log group with retention and key, and a dead-letter queue."""
    groups = resources(template, "AWS::Logs::LogGroup")
    for name, function in resources(template, "AWS::Lambda::Function").items():
        properties = function["Properties"]
        group = properties.get("LoggingConfig", {}).get("LogGroup", {})
        found = groups.get(group.get("Ref", "")) if isinstance(group, dict) else None
        if "Timeout" not in properties:
            yield Violation(name, "has no Timeout", "set timeout_s in its row of infra/functions.py")
        if not found or "RetentionInDays" not in found["Properties"] or "KmsKeyId" not in found["Properties"]:
            yield Violation(name, "has no log group with retention and key", "give its LogGroup both")
        if "TargetArn" not in properties.get("DeadLetterConfig", {}):
            yield Violation(name, "has no dead-letter queue", "set dead_letter_queue to the environment's")


def buckets_are_closed(template: Template) -> Iterator[Violation]:
    """Every bucket is versioned, encrypted, private, without ACLs, and answers over TLS only."""
    closed = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
    policies = resources(template, "AWS::S3::BucketPolicy").values()
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        properties = bucket["Properties"]
        if properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield Violation(name, "is not versioned", "set versioned=True")
        if "BucketEncryption" not in properties:
            yield Violation(name, "is not encrypted", "set encryption and encryption_key")
        if not all(properties.get("PublicAccessBlockConfiguration", {}).get(flag) is True for flag in closed):
            yield Violation(name, "admits public access", "set block_public_access to BLOCK_ALL")
        if "BucketOwnerEnforced" not in json.dumps(properties.get("OwnershipControls", {})):
            yield Violation(name, "has ACLs", "set object_ownership to BUCKET_OWNER_ENFORCED")
        if not any(_denies_plain_http(policy["Properties"], name) for policy in policies):
            yield Violation(name, "answers without TLS", "set enforce_ssl=True")


def _denies_plain_http(policy: Template, bucket: str) -> bool:
    return policy["Bucket"] == {"Ref": bucket} and any(
        statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in listed(policy["PolicyDocument"]["Statement"])
    )


def no_imports(template: Template) -> Iterator[Violation]:
    """No part uses ``Fn::ImportValue``: it ties stacks so that neither can change."""
    for section in ("Resources", "Outputs"):
        for name, part in template.get(section, {}).items():
            if "Fn::ImportValue" in json.dumps(part):
                mend = "look the value up by a name of pipelines/interface/names.py"
                yield Violation(name, "uses Fn::ImportValue", mend)


def targets_have_dead_letters(template: Template) -> Iterator[Violation]:
    """Events that a rule or a schedule cannot deliver go to a queue."""
    for name, rule in resources(template, "AWS::Events::Rule").items():
        for target in rule["Properties"]["Targets"]:
            if "Arn" not in target.get("DeadLetterConfig", {}) or "RetryPolicy" not in target:
                mend = "set dead_letter_queue, retry_attempts and max_event_age"
                yield Violation(f"{name}/{target['Id']}", "has no dead-letter queue or no retries", mend)
    for name, schedule in resources(template, "AWS::Scheduler::Schedule").items():
        if "DeadLetterConfig" not in schedule["Properties"]["Target"]:
            yield Violation(name, "has no dead-letter queue", "build it with components/schedule.py")


def state_is_kept(template: Template) -> Iterator[Violation]:
    """Stateful resources are kept when their stack is deleted, unless their creation failed."""
    for name, resource in resources(template, *STATEFUL).items():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if policies != ("RetainExceptOnCreate", "Retain"):
            reason = f"has DeletionPolicy and UpdateReplacePolicy {policies}"
            yield Violation(name, reason, "apply RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE")


def everything_served_is_captured(template: Template) -> Iterator[Violation]:
    for name, config in resources(template, "AWS::SageMaker::EndpointConfig").items():
        capture = config["Properties"].get("DataCaptureConfig", {})
        modes = {option["CaptureMode"] for option in capture.get("CaptureOptions", [])}
        if not capture.get("EnableCapture") or capture.get("InitialSamplingPercentage", 0) <= 0:
            yield Violation(name, "captures no traffic", "set data_capture_config with a sampling percentage above 0")
        elif modes != {"Input", "Output"}:
            yield Violation(name, f"captures {sorted(modes)} only", "capture Input and Output")


def within_limits(template: Template) -> Iterator[Violation]:
    """A template has at most 500 resources, 200 parameters and a megabyte."""
    counts = {
        "resources": len(template["Resources"]),
        "parameters": len(template.get("Parameters", {})),
        "bytes": len(json.dumps(template)),
    }
    for what, most in LIMITS:
        if counts[what] > most:
            reason = f"has {counts[what]} {what}, CloudFormation accepts {most}"
            yield Violation("the template", reason, "move resources into another stack")


LAWS: tuple[Law, ...] = (
    no_star_on_star,
    no_wildcard_actions,
    functions_end_well,
    tasks_are_guarded,
    lambda_retries_are_complete,
    buckets_are_closed,
    no_imports,
    pass_role_is_narrow,
    trusts_name_their_account,
    web_identities_are_exact,
    roles_have_the_boundary,
    conditions_can_hold,
    targets_have_dead_letters,
    state_is_kept,
    everything_served_is_captured,
    jobs_are_isolated,
    isolation_is_demanded,
    sync_is_permitted,
    maps_are_permitted,
    requests_and_histories_fit,
    functions_called_are_permitted,
    keys_admit_their_services,
    within_limits,
)
