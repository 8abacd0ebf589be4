"""Check a pipeline's declaration by CodePipeline's own rules, and fill in the defaults."""

import copy
from collections import Counter
from typing import Any

from mooring.embedded.services.codepipeline.errors import CodePipelineError, unsupported
from mooring.embedded.services.codepipeline.store import Record

MAX_ACTIONS, MAX_STAGES, MAX_CONFIGURATION = 1000, 50, 1000
REQUIRED = {
    ("Source", "S3"): ("S3Bucket", "S3ObjectKey"),
    ("Source", "CodeStarSourceConnection"): ("ConnectionArn", "FullRepositoryId", "BranchName"),
    ("Build", "CodeBuild"): ("ProjectName",),
    ("Test", "CodeBuild"): ("ProjectName",),
    ("Approval", "Manual"): (),
    ("Invoke", "StepFunctions"): ("StateMachineArn",),
}
"""Category and provider of the supported actions -> keys that the configuration must have."""
KNOWN = {
    "S3": {"S3Bucket", "S3ObjectKey", "PollForSourceChanges", "AllowOverrideForS3ObjectKey"},
    "CodeStarSourceConnection": {
        "ConnectionArn",
        "FullRepositoryId",
        "BranchName",
        "OutputArtifactFormat",
        "DetectChanges",
    },
    "CodeBuild": {"ProjectName", "PrimarySource", "EnvironmentVariables"},
    "Manual": {"NotificationArn", "CustomData", "ExternalEntityLink"},
    "StepFunctions": {"StateMachineArn", "ExecutionNamePrefix", "InputType", "Input"},
}


def _broken(message: str) -> CodePipelineError:
    return CodePipelineError("InvalidStructureException", message)


def checked(declaration: Record) -> Record:
    """Return the declaration with its defaults.

    Raises
    ------
    CodePipelineError
        It breaks a rule; the message names the stage or action.
    """
    found = copy.deepcopy(declaration)
    found.setdefault("pipelineType", "V1")
    found.setdefault("executionMode", "SUPERSEDED")
    if found["executionMode"] != "SUPERSEDED" and found["pipelineType"] != "V2":
        raise _broken(f"the execution mode {found['executionMode']} needs a pipeline of type V2")
    if "artifactStore" not in found:
        raise unsupported("A pipeline with artifactStores instead of one artifactStore")
    stages = found["stages"]
    if not 2 <= len(stages) <= MAX_STAGES:
        raise _broken(f"a pipeline has 2 to {MAX_STAGES} stages, not {len(stages)}")
    _unique("stage", [stage["name"] for stage in stages])
    if sum(len(stage["actions"]) for stage in stages) > MAX_ACTIONS:
        raise _broken(f"a pipeline has at most {MAX_ACTIONS} actions")
    produced: set[str] = set()
    for number, stage in enumerate(stages):
        _stage(stage, first=number == 0, produced=produced)
    namespaces = [action["namespace"] for stage in stages for action in stage["actions"] if "namespace" in action]
    _unique("namespace", namespaces)
    return found


def _stage(stage: Record, *, first: bool, produced: set[str]) -> None:
    name = stage["name"]
    if not stage["actions"]:
        raise _broken(f"the stage {name} has no action")
    _unique(f"action of the stage {name}", [action["name"] for action in stage["actions"]])
    if first and stage.get("beforeEntry"):
        raise _broken(f"the source stage {name} cannot have a condition before its entry")
    for action in stage["actions"]:
        action.setdefault("runOrder", 1)
        action.setdefault("configuration", {})
        action.setdefault("inputArtifacts", [])
        action.setdefault("outputArtifacts", [])
    for action in sorted(stage["actions"], key=lambda each: int(each["runOrder"])):
        _action(action, f"the action {name}/{action['name']}", first=first, produced=produced)


def _action(action: Record, what: str, *, first: bool, produced: set[str]) -> None:
    kind = (action["actionTypeId"]["category"], action["actionTypeId"]["provider"])
    if kind not in REQUIRED:
        raise unsupported(f"{what} of category {kind[0]} and provider {kind[1]}")
    if (kind[0] == "Source") is not first:
        raise _broken(f"{what}: the first stage has source actions, and no other stage has any")
    given: Record = action["configuration"]
    if lacking := [key for key in REQUIRED[kind] if not given.get(key)]:
        raise CodePipelineError("InvalidActionDeclarationException", f"{what} lacks {', '.join(lacking)}")
    if unknown := sorted(given.keys() - KNOWN[kind[1]]):
        raise unsupported(f"{what} with {', '.join(unknown)}")
    if long := [key for key, value in given.items() if len(value) > MAX_CONFIGURATION]:
        raise CodePipelineError(
            "InvalidActionDeclarationException",
            f"{what}: {', '.join(long)} has more than {MAX_CONFIGURATION} characters",
        )
    if kind[1] in ("Manual", "StepFunctions") and action["outputArtifacts"]:
        raise unsupported(f"{what} with output artifacts")
    if absent := [each["name"] for each in action["inputArtifacts"] if each["name"] not in produced]:
        raise _broken(f"{what}: no earlier action makes the artifact {', '.join(absent)}")
    for artifact in action["outputArtifacts"]:
        if artifact["name"] in produced:
            raise _broken(f"{what}: another action makes the artifact {artifact['name']}")
        produced.add(artifact["name"])


def _unique(what: str, names: list[Any]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise _broken(f"the {what} {twice[0]} exists twice")
