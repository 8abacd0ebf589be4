"""Laws over a template: each is a function that yields the template's violations. ``LAWS`` has all of them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.aws.transient import TransientError
from tests.support.synth import Template, resources


@dataclass(frozen=True)
class Violation:
    """A broken law. ``resource`` is a logical id, with the name of a state or target after a slash."""

    resource: str
    reason: str
    mend: str

    def __str__(self) -> str:
        return f"{self.resource} {self.reason}: {self.mend}"


Law = Callable[[Template], Iterator[Violation]]

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
"""Services that assume a role without naming the account."""
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
ISOLATED_ACTIONS = {"sagemaker:CreateModel", "sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob"}
MAX_HISTORY_EVENTS, EVENTS_OF_A_POLL = 25_000, 9
"""Limit of a standard execution's history. A poll is a wait (2), a function's task (5) and a choice (2)."""
MAX_ENTRYPOINT_PART = 256
SYNC_EVENTS = ("events:PutRule", "events:PutTargets", "events:DescribeRule")
MAP_ACTIONS = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
MAX_CONCURRENCY = 100
"""Largest concurrency of a distributed map: an account runs a thousand functions, and the other flows need some."""
LIMITS = (("resources", 500), ("parameters", 200), ("bytes", 1_000_000))
"""CloudFormation's limits of a template."""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _documents(template: Template) -> Iterator[tuple[str, str, Template]]:
    """Yield (logical id, type, policy document) of every policy in the template, except trust policies."""
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


def no_star_on_star(template: Template) -> Iterator[Violation]:
    """No statement allows ``*`` or ``service:*`` on ``*``, except in a key's own policy, where ``*`` is the key."""
    for name, kind, statement in _statements(template):
        if kind == "AWS::KMS::Key" or statement["Effect"] != "Allow" or "*" not in listed(statement.get("Resource")):
            continue
        for action in listed(statement["Action"]):
            if action == "*" or action.endswith(":*"):
                yield Violation(name, f"allows {action} on *", "name the actions, and the ARNs of the resources")


def no_wildcard_actions(template: Template) -> Iterator[Violation]:
    """Roles name every action in full."""
    for name, kind, statement in _statements(template):
        if kind in WILDCARDS_ALLOWED or statement["Effect"] != "Allow":
            continue
        for action in listed(statement["Action"]):
            if "*" in action:
                yield Violation(name, f"allows the wildcard {action}", "list the actions that the code calls")


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


def definitions(template: Template) -> dict[str, Template]:
    """Return state machines' definitions by logical id; they are strings, because all names are known at synthesis."""
    machines = resources(template, "AWS::StepFunctions::StateMachine")
    return {name: json.loads(machine["Properties"]["DefinitionString"]) for name, machine in machines.items()}


def titled_states(definition: Template) -> Iterator[tuple[str, Template]]:
    """Yield all states with their titles, including those inside maps."""
    for title, state in definition["States"].items():
        yield title, state
        if state["Type"] == "Map":
            yield from titled_states(state["ItemProcessor"])


def _catches_everything(state: Template) -> bool:
    return any("States.ALL" in catch["ErrorEquals"] for catch in state.get("Catch", []))


def tasks_are_guarded(template: Template) -> Iterator[Violation]:
    """Every task has Retry with full jitter, a Catch of everything, and a time-out."""
    for name, definition in definitions(template).items():
        if "TimeoutSeconds" not in definition:
            yield Violation(name, "has no TimeoutSeconds", "set that of the whole definition")
        for title, state in titled_states(definition):
            if state["Type"] != "Task":
                continue
            place = f"{name}/{title}"
            if not state.get("Retry") or any(retry.get("JitterStrategy") != "FULL" for retry in state["Retry"]):
                yield Violation(place, "has no Retry with full jitter", "build the task with asl.call or asl.run_job")
            if not _catches_everything(state):
                yield Violation(place, "has no Catch of States.ALL", "add asl.catch of a state that records it")
            if "TimeoutSeconds" not in state:
                yield Violation(place, "has no TimeoutSeconds", "set it a little above the time of its longest call")


def lambda_retries_are_complete(template: Template) -> Iterator[Violation]:
    """A function that is throttled or dead, or that met a transient error of AWS, is called again."""
    wanted = {"Lambda.TooManyRequestsException", "Lambda.Unknown", "Lambda.ServiceException", TransientError.__name__}
    for name, definition in definitions(template).items():
        for title, state in titled_states(definition):
            if ":function:" in state.get("Resource", ""):
                retried = {error for retry in state.get("Retry", []) for error in retry["ErrorEquals"]}
                if missing := wanted - retried:
                    reason = f"does not retry {', '.join(sorted(missing))}"
                    yield Violation(f"{name}/{title}", reason, "use asl.TRANSIENT, asl.LATER and asl.DIED")


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


def pass_role_is_narrow(template: Template) -> Iterator[Violation]:
    """``iam:PassRole`` names the role and the service."""
    for name, kind, statement in _statements(template):
        if kind == "AWS::IAM::ManagedPolicy" or "iam:PassRole" not in listed(statement["Action"]):
            continue
        if any(resource == "*" or str(resource).endswith("role/*") for resource in listed(statement["Resource"])):
            yield Violation(name, "may pass any role", "use policies.pass_role with the ARN of the role")
        if "iam:PassedToService" not in statement.get("Condition", {}).get("StringEquals", {}):
            yield Violation(name, "may pass roles to any service", "use policies.pass_role, which names the service")


def _trusted(statement: Template) -> list[str]:
    principal = statement.get("Principal", {})
    return [str(service) for service in listed(principal.get("Service", []))] if isinstance(principal, dict) else []


def trusts_name_their_account(template: Template) -> Iterator[Violation]:
    """A role that a service assumes names its account, unless the service cannot name one."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in listed(role["Properties"]["AssumeRolePolicyDocument"]["Statement"]):
            for service in _trusted(statement):
                known = "aws:SourceAccount" in statement.get("Condition", {}).get("StringEquals", {})
                if service not in NO_SOURCE_ACCOUNT and not known:
                    reason = f"trusts {service} for every account"
                    yield Violation(name, reason, "use policies.service, which demands aws:SourceAccount")


def roles_have_the_boundary(template: Template) -> Iterator[Violation]:
    for name, role in resources(template, "AWS::IAM::Role").items():
        if "PermissionsBoundary" not in role["Properties"]:
            yield Violation(name, "has no permissions boundary", "apply PermissionsBoundary.of(stack) in its stack")


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


def jobs_are_isolated(template: Template) -> Iterator[Violation]:
    """Models and jobs have no network, and their volumes and outputs are encrypted with the environment's key."""
    for name, model in resources(template, "AWS::SageMaker::Model").items():
        if model["Properties"].get("EnableNetworkIsolation") is not True:
            yield Violation(name, "has a network", "set enable_network_isolation=True")
    for name, definition in definitions(template).items():
        for title, state in titled_states(definition):
            if ":sagemaker:create" not in state.get("Resource", ""):
                continue
            request, place = state["Parameters"], f"{name}/{title}"
            if request.get("NetworkConfig", request).get("EnableNetworkIsolation") is not True:
                yield Violation(place, "starts a job with a network", "set EnableNetworkIsolation in its request")
            text = json.dumps(request)
            for key in ("VolumeKmsKeyId.$", "KmsKeyId.$"):
                if f'"{key}"' not in text:
                    yield Violation(place, f"starts a job without {key}", "give it $.plan.key_arn in its request")


def isolation_is_demanded(template: Template) -> Iterator[Violation]:
    """A role creates jobs and models only with network isolation: all models' containers share its credentials."""
    for role, _, statement in _statements(template):
        created = ISOLATED_ACTIONS & set(listed(statement["Action"]))
        demanded = statement.get("Condition", {}).get("Bool", {}).get("sagemaker:NetworkIsolation")
        if statement["Effect"] == "Allow" and created and demanded != "true":
            reason = f"may {', '.join(sorted(created))} without network isolation"
            yield Violation(role, reason, "add the condition policies.ISOLATED")


def _role_of(template: Template, machine: str) -> str:
    """Return the logical id of a state machine's role."""
    properties = resources(template, "AWS::StepFunctions::StateMachine")[machine]["Properties"]
    return str(properties["RoleArn"]["Fn::GetAtt"][0])


def sync_is_permitted(template: Template) -> Iterator[Violation]:
    """A state machine may do all that ``.sync`` does on its behalf, and pass the job its role."""
    for name, definition in definitions(template).items():
        role = _role_of(template, name)
        granted = {
            action
            for owner, _, statement in _statements(template)
            if owner == role
            for action in listed(statement["Action"])
        }
        for title, state in titled_states(definition):
            resource = state.get("Resource", "")
            if resource.startswith("arn:aws:states:::sagemaker:"):
                call = resource.rpartition(":")[2].removesuffix(".sync")
                wanted = {*SYNC_ACTIONS[call], *SYNC_EVENTS, "sagemaker:AddTags", "sagemaker:ListTags", "iam:PassRole"}
                if missing := wanted - granted:
                    reason = f"may not {', '.join(sorted(missing))}, which {name}/{title} needs"
                    yield Violation(role, reason, "give the state machine state_machine.job_statements")


def maps_are_permitted(template: Template) -> Iterator[Violation]:
    """A distributed map starts executions of its own machine, watches and stops them, and fails into a Catch."""
    machines = resources(template, "AWS::StepFunctions::StateMachine")
    for name, definition in definitions(template).items():
        role, own = _role_of(template, name), machines[name]["Properties"]["StateMachineName"]
        granted = {
            action
            for owner, _, statement in _statements(template)
            if owner == role and any(f":{own}" in str(resource) for resource in listed(statement["Resource"]))
            for action in listed(statement["Action"])
        }
        for title, state in titled_states(definition):
            if state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED":
                continue
            place = f"{name}/{title}"
            if missing := MAP_ACTIONS - granted:
                reason = f"may not {', '.join(sorted(missing))} of {own}, which {place} needs"
                yield Violation(role, reason, "give the state machine state_machine.map_statements")
            if not _catches_everything(state):
                yield Violation(place, "has no Catch of States.ALL", "add asl.catch of a state that ends as failed")
            if not 0 < state.get("MaxConcurrency", 0) <= MAX_CONCURRENCY:
                reason = "can use all of the account's functions"
                yield Violation(place, reason, f"set MaxConcurrency to 1 to {MAX_CONCURRENCY}")


def requests_and_histories_fit(template: Template) -> Iterator[Violation]:
    """A flow that polls until its time-out stays within its history; a job's command within SageMaker's limit."""
    for name, definition in definitions(template).items():
        for title, state in titled_states(definition):
            if state["Type"] == "Wait":
                events = definition["TimeoutSeconds"] / state["Seconds"] * EVENTS_OF_A_POLL
                if events > MAX_HISTORY_EVENTS:
                    reason = f"adds {events:.0f} events to the history, which has {MAX_HISTORY_EVENTS} at most"
                    yield Violation(f"{name}/{title}", reason, "wait longer, or shorten the flow's time-out")
            application = state.get("Parameters", {}).get("AppSpecification", {})
            if any(len(part) > MAX_ENTRYPOINT_PART for part in application.get("ContainerEntrypoint", [])):
                reason = f"has a part of its entry point that is longer than {MAX_ENTRYPOINT_PART} characters"
                yield Violation(f"{name}/{title}", reason, "shorten jobs.entrypoint")


def functions_called_are_permitted(template: Template) -> Iterator[Violation]:
    """A state machine may invoke every function that it names."""
    for name, definition in definitions(template).items():
        role = _role_of(template, name)
        invoked = {
            arn
            for owner, _, statement in _statements(template)
            if owner == role and "lambda:InvokeFunction" in listed(statement["Action"])
            for arn in map(str, listed(statement["Resource"]))
        }
        for title, state in titled_states(definition):
            function = state.get("Resource", "")
            if ":function:" in function and function not in invoked:
                reason = f"may not invoke {function}, which {name}/{title} calls"
                yield Violation(role, reason, "allow lambda:InvokeFunction on it in components/state_machine.py")


def keys_admit_their_services(template: Template) -> Iterator[Violation]:
    """A key rotates, and every service that writes with it may use it; else alarms are lost silently."""
    for name, key in resources(template, "AWS::KMS::Key").items():
        properties = key["Properties"]
        if properties.get("EnableKeyRotation") is not True:
            yield Violation(name, "does not rotate", "set enable_key_rotation=True")
        admitted = {service for statement in properties["KeyPolicy"]["Statement"] for service in _trusted(statement)}
        for service in PUBLISHERS:
            if service not in admitted:
                yield Violation(name, f"does not admit {service}", "add it to environment_key.PUBLISHERS")
        if not any(service.startswith("logs.") for service in admitted):
            yield Violation(name, "does not admit CloudWatch Logs", "admit logs.{region}.amazonaws.com in its policy")


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
    roles_have_the_boundary,
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
