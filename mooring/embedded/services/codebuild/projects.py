"""Build projects: create, update, delete, get and list them."""

import re
from collections.abc import Iterator

from ministack.core.responses import get_account_id, get_region

from mooring.embedded.services.codebuild import buildspec, roles, store
from mooring.embedded.services.codebuild.errors import CodeBuildError, invalid, too_many
from mooring.embedded.services.codebuild.store import Record

LIMIT = 5_000
"""Projects that AWS allows in an account and region."""
_LOCATION = re.compile(r"[a-z0-9][a-z0-9.\-]+/.*[^/]")


def default_key() -> str:
    """Return the key that encrypts artifacts of a project without ``encryptionKey``: S3's own of the account."""
    return f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"


def defaults() -> Record:
    """Return the members that a project has if nobody sets them."""
    return {
        "description": "",
        "sourceVersion": "",
        "secondarySources": [],
        "secondarySourceVersions": [],
        "secondaryArtifacts": [],
        "cache": {"type": "NO_CACHE"},
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "encryptionKey": default_key(),
        "tags": [],
        "logsConfig": {
            "cloudWatchLogs": {"status": "ENABLED"},
            "s3Logs": {"status": "DISABLED", "encryptionDisabled": False},
        },
    }


def create(request: Record) -> Record:
    """Handle CreateProject."""
    name, state = request["name"], store.region()
    moment = store.now()
    # A project without a limit has no member for it.
    found = {name: value for name, value in request.items() if (name, value) != ("concurrentBuildLimit", -1)}
    record = defaults() | found | {"arn": store.arn("project", name), "created": moment, "lastModified": moment}
    record |= {"badge": {"badgeEnabled": False}, "projectVisibility": "PRIVATE"}
    require_valid(record)
    roles.check(record["serviceRole"], record["arn"])
    with state.lock:
        if name in state.projects:
            raise CodeBuildError("ResourceAlreadyExistsException", f"Project already exists: {record['arn']}")
        if len(state.projects) >= LIMIT:
            raise too_many(f"Cannot have more than {LIMIT} projects in the account")
        state.projects[name] = record
    return {"project": record}


def update(request: Record) -> Record:
    """Handle UpdateProject: members that the request does not name stay."""
    current = store.project(request["name"])
    record = current | request | {"name": current["name"], "lastModified": store.now()}
    if record.get("concurrentBuildLimit") == -1:
        del record["concurrentBuildLimit"]
    require_valid(record)
    if "serviceRole" in request:
        roles.check(record["serviceRole"], record["arn"])
    store.region().projects[record["name"]] = record
    return {"project": record}


def delete(request: Record) -> Record:
    """Handle DeleteProject: its builds stay; a project that does not exist is no error."""
    store.region().projects.pop(store.name_of(request["name"]), None)
    return {}


def batch_get(request: Record) -> Record:
    """Handle BatchGetProjects."""
    known = store.region().projects
    names = {name: store.name_of(name) for name in request["names"]}
    return {
        "projects": [known[name] for name in names.values() if name in known],
        "projectsNotFound": [given for given, name in names.items() if name not in known],
    }


def list_names(request: Record) -> Record:
    """Handle ListProjects."""
    key = {"CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}.get(request.get("sortBy", ""), "name")
    ordered = sorted(store.region().projects.values(), key=lambda project: project[key])
    if request.get("sortOrder") == "DESCENDING":
        ordered.reverse()
    found, token = store.page([project["name"] for project in ordered], request)
    return {"projects": found, **token}


def tagged() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield the ARN and tags of each project, as MiniStack's other services do."""
    for project in list(store.region().projects.values()):
        yield project["arn"], [{"Key": tag["key"], "Value": tag["value"]} for tag in project["tags"]]


def require_valid(record: Record) -> None:
    """Check what the model's shapes do not say, of a project or of a build's plan.

    Raises
    ------
    CodeBuildError
        The message names every fault.
    """
    if faults := list(_faults(record)):
        raise invalid("; ".join(faults))


def _faults(record: Record) -> Iterator[str]:
    source, artifacts = record["source"], record["artifacts"]
    pipeline = source["type"] == "CODEPIPELINE"
    if pipeline != (artifacts["type"] == "CODEPIPELINE"):
        yield "Invalid artifacts: source and artifacts must both have the type CODEPIPELINE, or neither"
    yield from _faults_of_sources(record)
    for part in (artifacts, *record["secondaryArtifacts"]):
        if part["type"] == "S3" and not part.get("location"):
            yield "Invalid artifacts: location must be a bucket for the type S3"
    for kind, member in (("sourceIdentifier", "secondarySources"), ("artifactIdentifier", "secondaryArtifacts")):
        names = [part.get(kind, "") for part in record[member]]
        if any(not re.fullmatch(r"[A-Za-z0-9_]+", name) for name in names) or len(set(names)) < len(names):
            yield f"Invalid {member}: each needs a {kind} of its own of letters, digits and underscores"
    limit = record.get("concurrentBuildLimit", 1)
    if limit < 1:
        yield f"Invalid concurrentBuildLimit: {limit} must be at least 1"


def _faults_of_sources(record: Record) -> Iterator[str]:
    source, spec = record["source"], record["source"].get("buildspec", "")
    for part in (source, *record["secondarySources"]):
        if part["type"] == "S3" and not _LOCATION.fullmatch(part.get("location", "")):
            yield (
                f"Invalid project source: location {part.get('location', '')!r} must be BUCKET/KEY of a zip archive for"
                " the type S3 (the embedded AWS does not support folders)"
            )
    if source["type"] == "NO_SOURCE" and not buildspec.is_inline(spec):
        yield "Invalid buildspec: a project with source type NO_SOURCE needs an inline buildspec"
    if spec.startswith("arn:"):
        yield f"Invalid buildspec: {spec} in S3 is not supported by the embedded AWS; it must be inline or a path"
