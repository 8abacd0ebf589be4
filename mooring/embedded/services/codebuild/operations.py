"""Table of CodeBuild's supported operations and parameters; the error for any other one names it."""

from typing import Any

from mooring.embedded.services.codebuild.errors import invalid, unsupported
from mooring.embedded.shapes import Api

_SOURCE = "type location buildspec sourceIdentifier insecureSsl reportBuildStatus"
_ARTIFACTS = (
    "type location path namespaceType name packaging overrideArtifactName encryptionDisabled artifactIdentifier"
)
_LOGS = (
    "cloudWatchLogs.status cloudWatchLogs.groupName cloudWatchLogs.streamName s3Logs.status s3Logs.encryptionDisabled"
)
# Image, instance and credentials to pull the image have no effect: a build runs on this machine.
_ENVIRONMENT = (
    "type image computeType imagePullCredentialsType privilegedMode environmentVariables.name"
    " environmentVariables.value environmentVariables.type"
)
_VERSIONS = "sourceIdentifier sourceVersion"


def _paths(prefix: str, names: str) -> set[str]:
    return {f"{prefix}.{name}" if prefix else name for name in names.split()}


_PROJECT = {
    *_paths("", "name description sourceVersion serviceRole timeoutInMinutes queuedTimeoutInMinutes encryptionKey"),
    *_paths("", "tags.key tags.value cache.type concurrentBuildLimit autoRetryLimit badgeEnabled"),
    *_paths("source", _SOURCE),
    *_paths("secondarySources", _SOURCE),
    *_paths("secondarySourceVersions", _VERSIONS),
    *_paths("artifacts", _ARTIFACTS),
    *_paths("secondaryArtifacts", _ARTIFACTS),
    *_paths("environment", _ENVIRONMENT),
    *_paths("logsConfig", _LOGS),
}
_START = {
    *_paths("", "projectName sourceVersion sourceTypeOverride sourceLocationOverride buildspecOverride imageOverride"),
    *_paths("", "computeTypeOverride environmentTypeOverride serviceRoleOverride timeoutInMinutesOverride"),
    *_paths("", "queuedTimeoutInMinutesOverride encryptionKeyOverride idempotencyToken autoRetryLimitOverride"),
    *_paths("", "imagePullCredentialsTypeOverride privilegedModeOverride insecureSslOverride debugSessionEnabled"),
    *_paths("", "reportBuildStatusOverride cacheOverride.type"),
    *_paths("secondarySourcesOverride", _SOURCE),
    *_paths("secondarySourcesVersionOverride", _VERSIONS),
    *_paths("artifactsOverride", _ARTIFACTS),
    *_paths("secondaryArtifactsOverride", _ARTIFACTS),
    *_paths("environmentVariablesOverride", "name value type"),
    *_paths("logsConfigOverride", _LOGS),
}

PARAMETERS: dict[str, set[str]] = {
    "CreateProject": _PROJECT,
    "UpdateProject": _PROJECT,
    "DeleteProject": {"name"},
    "BatchGetProjects": {"names"},
    "ListProjects": {"sortBy", "sortOrder", "nextToken"},
    "StartBuild": _START,
    "StopBuild": {"id"},
    "RetryBuild": {"id", "idempotencyToken"},
    "BatchGetBuilds": {"ids"},
    "ListBuilds": {"sortOrder", "nextToken"},
    "ListBuildsForProject": {"projectName", "sortOrder", "nextToken"},
}

_SOURCES = {"S3", "NO_SOURCE", "CODEPIPELINE"}
_TYPES = {"PLAINTEXT", "PARAMETER_STORE"}
_MACHINES = {"LINUX_CONTAINER", "ARM_CONTAINER"}
_COMPUTE = {f"BUILD_GENERAL1_{size}" for size in ("SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE")}

CHOICES: dict[str, set[Any]] = {
    "source.type": _SOURCES,
    "sourceTypeOverride": _SOURCES,
    "secondarySources.type": {"S3", "CODEPIPELINE"},
    "secondarySourcesOverride.type": {"S3", "CODEPIPELINE"},
    "environment.type": _MACHINES,
    "environmentTypeOverride": _MACHINES,
    "environment.computeType": _COMPUTE,
    "computeTypeOverride": _COMPUTE,
    "environment.environmentVariables.type": _TYPES,
    "environmentVariablesOverride.type": _TYPES,
}

_OFF_OF_SOURCE = {"insecureSsl": False, "reportBuildStatus": False}


def _off(prefixes: tuple[str, ...], members: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for prefix in prefixes for name, value in members.items()}


_OFF_OF_PROJECT: dict[str, Any] = {
    "autoRetryLimit": 0,
    "badgeEnabled": False,
    "cache.type": "NO_CACHE",
    "environment.privilegedMode": False,
    "logsConfig.s3Logs.status": "DISABLED",
    "logsConfig.s3Logs.encryptionDisabled": False,
    **_off(("source", "secondarySources"), _OFF_OF_SOURCE),
}

OFF: dict[str, dict[str, Any]] = {
    "CreateProject": _OFF_OF_PROJECT,
    "UpdateProject": _OFF_OF_PROJECT,
    "StartBuild": {
        "autoRetryLimitOverride": 0,
        "cacheOverride.type": "NO_CACHE",
        "debugSessionEnabled": False,
        "insecureSslOverride": False,
        "privilegedModeOverride": False,
        "reportBuildStatusOverride": False,
        "logsConfigOverride.s3Logs.status": "DISABLED",
        "logsConfigOverride.s3Logs.encryptionDisabled": False,
        **_off(("secondarySourcesOverride",), _OFF_OF_SOURCE),
    },
}

API = Api(
    service="codebuild", parameters=PARAMETERS, choices=CHOICES, off=OFF, invalid=invalid, unsupported=unsupported
)
