"""The plan of a build: its project with the overrides of StartBuild."""

from mooring.embedded.services.codebuild import projects
from mooring.embedded.services.codebuild.errors import invalid
from mooring.embedded.services.codebuild.store import Record

_OVERRIDES = {
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
    "sourceVersion": "sourceVersion",
}
_OF_SOURCE = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
}
_OF_ENVIRONMENT = {
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "environmentTypeOverride": "type",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
}


def plan(project: Record, request: Record, *, pipeline: bool) -> Record:
    """Return the plan of a build in the shape of a project.

    Parts of the type CODEPIPELINE need a location: of an input its ``bucket/key``, of an output the bucket, and the
    key as ``path`` and ``name``. Only a pipeline may give them; an output without a location is not written.

    Raises
    ------
    CodeBuildError
        The overrides do not fit the project, or nobody but a pipeline can start this build.
    """
    found = project | _renamed(request, _OVERRIDES)
    found["source"] = project["source"] | _renamed(request, _OF_SOURCE)
    variables = {item["name"]: item for item in project["environment"].get("environmentVariables", [])}
    variables |= {item["name"]: item for item in request.get("environmentVariablesOverride", [])}
    found["environment"] = (
        project["environment"] | _renamed(request, _OF_ENVIRONMENT) | {"environmentVariables": [*variables.values()]}
    )
    inputs = [found["source"], *found["secondarySources"]]
    parts = [*inputs, found["artifacts"], *found["secondaryArtifacts"]]
    if not pipeline and any(part["type"] == "CODEPIPELINE" for part in parts):
        raise invalid(
            f"Cannot start a build of project {project['name']} with source or artifacts of type CODEPIPELINE: start"
            " its pipeline, or override their types"
        )
    if any(part["type"] == "CODEPIPELINE" and not part.get("location") for part in inputs):
        raise invalid("A source of type CODEPIPELINE needs the location of its artifact")
    projects.require_valid(found)
    return found


def _renamed(request: Record, names: dict[str, str]) -> Record:
    return {name: request[override] for override, name in names.items() if override in request}
