"""Laws over a template: each a function of a template that yields what breaks it. ``LAWS`` has all of them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.synth import Template, resources

Law = Callable[[Template], Iterator[str]]

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
NO_SOURCE_ACCOUNT = ("lambda.amazonaws.com", "cloudformation.amazonaws.com")
"""These assume a role without saying for which account."""
PUBLISHERS = ("cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com", "scheduler.amazonaws.com")
WILDCARDS_ALLOWED = ("AWS::IAM::ManagedPolicy", "AWS::KMS::Key", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy")
"""A boundary limits whole services; resource policies are about one resource, and deny with wildcards."""
SYNC_ACTIONS = {
    "createTrainingJob": ("sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
    "createProcessingJob": (
        "sagemaker:CreateProcessingJob",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:StopProcessingJob",
    ),
}
MAX_HISTORY_EVENTS, EVENTS_OF_A_POLL = 25_000, 9
"""Standard executions end there. A poll is a wait (2), a function's task (5) and a choice (2)."""
MAX_ENTRYPOINT_PART = 256
SYNC_EVENTS = ("events:PutRule", "events:PutTargets", "events:DescribeRule")
MAP_ACTIONS = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
MAX_CONCURRENCY = 100
"""Of a distributed map; an account's functions are a thousand at once, and the other flows need some."""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _documents(template: Template) -> Iterator[tuple[str, str, Template]]:
    """(logical id, type, policy document) of every policy that stands in the template, trusts not among them."""
    for name, resource in resources(template).items():
        properties = resource.get("Properties", {})
        for key in ("PolicyDocument", "KeyPolicy"):
            if key in properties:
                yield name, resource["Type"], properties[key]
        for policy in properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            yield name, resource["Type"], policy["PolicyDocument"]


def _statements(template: Template) -> Iterator[tuple[str, str, Template]]:
    for name, kind, document in _documents(template):
        for statement in listed(document["Statement"]):
            yield name, kind, statement


def no_star_on_star(template: Template) -> Iterator[str]:
    """No ``*`` or ``service:*`` on ``*``, except in a key's own policy, where ``*`` is the key."""
    for name, kind, statement in _statements(template):
        if kind == "AWS::KMS::Key" or statement["Effect"] != "Allow" or "*" not in listed(statement.get("Resource")):
            continue
        for action in listed(statement["Action"]):
            if action == "*" or action.endswith(":*"):
                yield f"{name}: {action} on *"


def no_wildcard_actions(template: Template) -> Iterator[str]:
    """Roles name every action in full."""
    for name, kind, statement in _statements(template):
        if kind in WILDCARDS_ALLOWED or statement["Effect"] != "Allow":
            continue
        yield from (f"{name}: {action}" for action in listed(statement["Action"]) if "*" in action)


def functions_end_well(template: Template) -> Iterator[str]:
    """Every function has a time-out, a log group with retention, and a dead-letter queue."""
    groups = resources(template, "AWS::Logs::LogGroup")
    for name, function in resources(template, "AWS::Lambda::Function").items():
        properties = function["Properties"]
        group = properties.get("LoggingConfig", {}).get("LogGroup", {})
        found = groups.get(group.get("Ref", "")) if isinstance(group, dict) else None
        if "Timeout" not in properties:
            yield f"{name}: no time-out"
        if not found or "RetentionInDays" not in found["Properties"] or "KmsKeyId" not in found["Properties"]:
            yield f"{name}: no log group with retention and key"
        if "TargetArn" not in properties.get("DeadLetterConfig", {}):
            yield f"{name}: no dead-letter queue"


def definitions(template: Template) -> dict[str, Template]:
    """State machines' definitions by logical id; they are plain strings, because all names are known at synthesis."""
    machines = resources(template, "AWS::StepFunctions::StateMachine")
    return {name: json.loads(machine["Properties"]["DefinitionString"]) for name, machine in machines.items()}


def titled_states(definition: Template) -> Iterator[tuple[str, Template]]:
    """All states with their titles, those that a map repeats among them."""
    for title, state in definition["States"].items():
        yield title, state
        if state["Type"] == "Map":
            yield from titled_states(state["ItemProcessor"])


def tasks_are_guarded(template: Template) -> Iterator[str]:
    """Every task has Retry with full jitter, a Catch of everything, and a time-out."""
    for name, definition in definitions(template).items():
        if "TimeoutSeconds" not in definition:
            yield f"{name}: no time-out"
        for title, state in titled_states(definition):
            if state["Type"] != "Task":
                continue
            if not state.get("Retry") or any(retry.get("JitterStrategy") != "FULL" for retry in state["Retry"]):
                yield f"{name}/{title}: no Retry with jitter"
            if not any("States.ALL" in catch["ErrorEquals"] for catch in state.get("Catch", [])):
                yield f"{name}/{title}: no Catch of everything"
            if "TimeoutSeconds" not in state:
                yield f"{name}/{title}: no TimeoutSeconds"


def lambda_retries_are_complete(template: Template) -> Iterator[str]:
    """A throttled or a dead function is called again: the CDK's own list lacks both errors."""
    wanted = {"Lambda.TooManyRequestsException", "Lambda.Unknown", "Lambda.ServiceException"}
    for name, definition in definitions(template).items():
        for title, state in titled_states(definition):
            if ":function:" in state.get("Resource", ""):
                retried = {error for retry in state.get("Retry", []) for error in retry["ErrorEquals"]}
                if missing := wanted - retried:
                    yield f"{name}/{title}: not retried: {', '.join(sorted(missing))}"


def buckets_are_closed(template: Template) -> Iterator[str]:
    """Every bucket is versioned, encrypted, private, its owner's, and answers over TLS only."""
    closed = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
    policies = resources(template, "AWS::S3::BucketPolicy").values()
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        properties = bucket["Properties"]
        if properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield f"{name}: not versioned"
        if "BucketEncryption" not in properties:
            yield f"{name}: not encrypted"
        if not all(properties.get("PublicAccessBlockConfiguration", {}).get(flag) is True for flag in closed):
            yield f"{name}: not private"
        if "BucketOwnerEnforced" not in json.dumps(properties.get("OwnershipControls", {})):
            yield f"{name}: has ACLs"
        if not any(_denies_plain_http(policy["Properties"], name) for policy in policies):
            yield f"{name}: answers without TLS"


def _denies_plain_http(policy: Template, bucket: str) -> bool:
    return policy["Bucket"] == {"Ref": bucket} and any(
        statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in listed(policy["PolicyDocument"]["Statement"])
    )


def no_imports(template: Template) -> Iterator[str]:
    """No ``Fn::ImportValue``: it ties stacks so that neither can change."""
    if "Fn::ImportValue" in json.dumps(template):
        yield "Fn::ImportValue"


def pass_role_is_narrow(template: Template) -> Iterator[str]:
    """``iam:PassRole`` names the role and the service."""
    for name, kind, statement in _statements(template):
        if kind == "AWS::IAM::ManagedPolicy" or "iam:PassRole" not in listed(statement["Action"]):
            continue
        if any(resource == "*" or str(resource).endswith("role/*") for resource in listed(statement["Resource"])):
            yield f"{name}: passes any role"
        if "iam:PassedToService" not in statement.get("Condition", {}).get("StringEquals", {}):
            yield f"{name}: passes roles to any service"


def _trusted(statement: Template) -> list[str]:
    principal = statement.get("Principal", {})
    return [str(service) for service in listed(principal.get("Service", []))] if isinstance(principal, dict) else []


def trusts_name_their_account(template: Template) -> Iterator[str]:
    """A role that a service assumes says for which account, where the service says so too."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in listed(role["Properties"]["AssumeRolePolicyDocument"]["Statement"]):
            for service in _trusted(statement):
                known = "aws:SourceAccount" in statement.get("Condition", {}).get("StringEquals", {})
                if service not in NO_SOURCE_ACCOUNT and not known:
                    yield f"{name}: {service} without aws:SourceAccount"


def roles_have_the_boundary(template: Template) -> Iterator[str]:
    for name, role in resources(template, "AWS::IAM::Role").items():
        if "PermissionsBoundary" not in role["Properties"]:
            yield f"{name}: no permissions boundary"


def targets_have_dead_letters(template: Template) -> Iterator[str]:
    """What a rule or a schedule cannot deliver lands in a queue."""
    for name, rule in resources(template, "AWS::Events::Rule").items():
        for target in rule["Properties"]["Targets"]:
            if "Arn" not in target.get("DeadLetterConfig", {}) or "RetryPolicy" not in target:
                yield f"{name}: target {target['Id']} has no dead-letter queue or no retries"
    for name, schedule in resources(template, "AWS::Scheduler::Schedule").items():
        if "DeadLetterConfig" not in schedule["Properties"]["Target"]:
            yield f"{name}: no dead-letter queue"


def state_is_kept(template: Template) -> Iterator[str]:
    """What holds state survives its stack, but not a creation that failed."""
    for name, resource in resources(template, *STATEFUL).items():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if policies != ("RetainExceptOnCreate", "Retain"):
            yield f"{name}: DeletionPolicy, UpdateReplacePolicy are {policies}"


def everything_served_is_captured(template: Template) -> Iterator[str]:
    for name, config in resources(template, "AWS::SageMaker::EndpointConfig").items():
        capture = config["Properties"].get("DataCaptureConfig", {})
        modes = {option["CaptureMode"] for option in capture.get("CaptureOptions", [])}
        if not capture.get("EnableCapture") or capture.get("InitialSamplingPercentage", 0) <= 0:
            yield f"{name}: captures nothing"
        elif modes != {"Input", "Output"}:
            yield f"{name}: captures {sorted(modes)} only"


def jobs_are_isolated(template: Template) -> Iterator[str]:
    """Models and jobs have no network, and their volumes and outputs are encrypted with our key."""
    for name, model in resources(template, "AWS::SageMaker::Model").items():
        if model["Properties"].get("EnableNetworkIsolation") is not True:
            yield f"{name}: not isolated"
    for name, definition in definitions(template).items():
        for title, state in titled_states(definition):
            if ":sagemaker:create" not in state.get("Resource", ""):
                continue
            request = state["Parameters"]
            isolated = request.get("NetworkConfig", request).get("EnableNetworkIsolation")
            text = json.dumps(request)
            if isolated is not True or "VolumeKmsKeyId.$" not in text or '"KmsKeyId.$"' not in text:
                yield f"{name}/{title}: not isolated or not encrypted"


def sync_is_permitted(template: Template) -> Iterator[str]:
    """A state machine may do all that ``.sync`` does on its behalf, and pass the job its role."""
    machines = resources(template, "AWS::StepFunctions::StateMachine")
    for name, definition in definitions(template).items():
        role = machines[name]["Properties"]["RoleArn"]["Fn::GetAtt"][0]
        granted = {
            action
            for owner, _, statement in _statements(template)
            if owner == role
            for action in listed(statement["Action"])
        }
        for _, state in titled_states(definition):
            resource = state.get("Resource", "")
            if resource.startswith("arn:aws:states:::sagemaker:"):
                call = resource.rpartition(":")[2].removesuffix(".sync")
                wanted = {*SYNC_ACTIONS[call], *SYNC_EVENTS, "sagemaker:AddTags", "iam:PassRole"}
                if missing := wanted - granted:
                    yield f"{name}: {call}.sync lacks {', '.join(sorted(missing))}"


def maps_are_permitted(template: Template) -> Iterator[str]:
    """A distributed map starts executions of its own machine, watches and stops them, and fails into a Catch."""
    machines = resources(template, "AWS::StepFunctions::StateMachine")
    for name, definition in definitions(template).items():
        role = machines[name]["Properties"]["RoleArn"]["Fn::GetAtt"][0]
        own = machines[name]["Properties"]["StateMachineName"]
        granted = {
            action
            for owner, _, statement in _statements(template)
            if owner == role and any(f":{own}" in str(resource) for resource in listed(statement["Resource"]))
            for action in listed(statement["Action"])
        }
        for title, state in titled_states(definition):
            if state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED":
                continue
            if missing := MAP_ACTIONS - granted:
                yield f"{name}/{title}: lacks {', '.join(sorted(missing))}"
            if not any("States.ALL" in catch["ErrorEquals"] for catch in state.get("Catch", [])):
                yield f"{name}/{title}: no Catch of everything"
            if not 0 < state.get("MaxConcurrency", 0) <= MAX_CONCURRENCY:
                yield f"{name}/{title}: takes all of the account's functions"


def requests_and_histories_fit(template: Template) -> Iterator[str]:
    """A flow that polls until it times out stays within its history; a job's command within SageMaker's limit."""
    for name, definition in definitions(template).items():
        for title, state in titled_states(definition):
            if state["Type"] == "Wait":
                events = definition["TimeoutSeconds"] / state["Seconds"] * EVENTS_OF_A_POLL
                if events > MAX_HISTORY_EVENTS:
                    yield f"{name}/{title}: {events:.0f} events until the time-out"
            application = state.get("Parameters", {}).get("AppSpecification", {})
            if any(len(part) > MAX_ENTRYPOINT_PART for part in application.get("ContainerEntrypoint", [])):
                yield f"{name}/{title}: a part of the entry point is longer than {MAX_ENTRYPOINT_PART}"


def functions_called_are_permitted(template: Template) -> Iterator[str]:
    """A state machine may invoke every function that it names."""
    machines = resources(template, "AWS::StepFunctions::StateMachine")
    for name, definition in definitions(template).items():
        role = machines[name]["Properties"]["RoleArn"]["Fn::GetAtt"][0]
        invoked = {
            arn
            for owner, _, statement in _statements(template)
            if owner == role and "lambda:InvokeFunction" in listed(statement["Action"])
            for arn in map(str, listed(statement["Resource"]))
        }
        called = {
            state["Resource"] for _, state in titled_states(definition) if ":function:" in state.get("Resource", "")
        }
        yield from (f"{name}: may not invoke {arn}" for arn in sorted(called - invoked))


def keys_admit_their_services(template: Template) -> Iterator[str]:
    """A key that rotates, and that every service which must write with it may use; else alarms are lost silently."""
    for name, key in resources(template, "AWS::KMS::Key").items():
        properties = key["Properties"]
        if properties.get("EnableKeyRotation") is not True:
            yield f"{name}: does not rotate"
        admitted = {service for statement in properties["KeyPolicy"]["Statement"] for service in _trusted(statement)}
        for service in PUBLISHERS:
            if service not in admitted:
                yield f"{name}: does not admit {service}"
        if not any(service.startswith("logs.") for service in admitted):
            yield f"{name}: does not admit CloudWatch Logs"


def within_limits(template: Template) -> Iterator[str]:
    """CloudFormation takes 500 resources, 200 parameters and a megabyte."""
    for what, count, most in (
        ("resources", len(template["Resources"]), 500),
        ("parameters", len(template.get("Parameters", {})), 200),
        ("bytes", len(json.dumps(template)), 1_000_000),
    ):
        if count > most:
            yield f"{count} {what}, more than {most}"


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
    roles_have_the_boundary,
    targets_have_dead_letters,
    state_is_kept,
    everything_served_is_captured,
    jobs_are_isolated,
    sync_is_permitted,
    maps_are_permitted,
    requests_and_histories_fit,
    functions_called_are_permitted,
    keys_admit_their_services,
    within_limits,
)
