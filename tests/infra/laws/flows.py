"""Laws over state machines: their tasks, retries, jobs, and what their roles may do."""

import json
from collections.abc import Iterator

from pipelines.aws.transient import TransientError
from tests.infra.laws.law import Violation, listed, statements_of
from tests.support.synth import Template, resources

SYNC_ACTIONS = {
    "createTrainingJob": ("sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
    "createProcessingJob": (
        "sagemaker:CreateProcessingJob",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:StopProcessingJob",
    ),
}
MAX_HISTORY_EVENTS, EVENTS_OF_A_POLL = 25_000, 9
"""Limit of a standard execution's history. A poll is a wait (2), a function's task (5) and a choice (2)."""
MAX_ENTRYPOINT_PART = 256
SYNC_EVENTS = ("events:PutRule", "events:PutTargets", "events:DescribeRule")
MAP_ACTIONS = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
MAX_CONCURRENCY = 100
"""Largest concurrency of a distributed map: an account runs a thousand functions, and the other flows need some."""


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
            for owner, _, statement in statements_of(template)
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
            for owner, _, statement in statements_of(template)
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
            # A wait by a path is as long as the function says that it polls: tests of the function count those.
            if state["Type"] == "Wait" and "SecondsPath" not in state:
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
            for owner, _, statement in statements_of(template)
            if owner == role and "lambda:InvokeFunction" in listed(statement["Action"])
            for arn in map(str, listed(statement["Resource"]))
        }
        for title, state in titled_states(definition):
            function = state.get("Resource", "")
            if ":function:" in function and function not in invoked:
                reason = f"may not invoke {function}, which {name}/{title} calls"
                yield Violation(role, reason, "allow lambda:InvokeFunction on it in components/state_machine.py")
