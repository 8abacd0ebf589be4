"""Builds: start, stop, retry, get and list them."""

import uuid

from ministack.core.responses import get_region

from mooring.embedded import identity
from mooring.embedded.services.codebuild import artifacts, plans, roles, store
from mooring.embedded.services.codebuild.build import CONCURRENT, Build
from mooring.embedded.services.codebuild.errors import invalid, too_many
from mooring.embedded.services.codebuild.store import Record

QUEUE = 5 * CONCURRENT
"""Builds that may wait in an account and region; AWS allows five times those that may run."""

_running: dict[str, Build] = {}


def start(request: Record, *, initiator: str = "") -> Record:
    """Handle StartBuild; ``initiator`` is the pipeline, as ``codepipeline/NAME``, if one starts the build."""
    project = store.project(request["projectName"])
    plan = plans.plan(project, request, pipeline=bool(initiator))
    if "serviceRoleOverride" in request:
        roles.check(plan["serviceRole"], plan["arn"])
    state, token = store.region(), request.get("idempotencyToken")
    with state.lock:
        if token in state.tokens:
            earlier, build_id = state.tokens[token]
            if earlier != request:
                raise invalid(f"Idempotency token {token} was used with other parameters")
            return {"build": _snapshot(state.builds[build_id])}
        _require_room(project, state)
        record = _record(plan, initiator or _principal(), state)
        state.builds[record["id"]] = record
        state.requests[record["id"]] = {name: value for name, value in request.items() if name != "idempotencyToken"}
        if token:
            state.tokens[token] = (request, record["id"])
    answer = {"build": _snapshot(record)}
    build = Build(record, plan, on_end=lambda: _running.pop(record["arn"], None))
    _running[record["arn"]] = build
    build.start()
    return answer


def stop(request: Record) -> Record:
    """Handle StopBuild: a build that has ended stays as it is."""
    record = store.build(request["id"])
    if build := _running.get(record["arn"]):
        build.request_stop()
    return {"build": _snapshot(record)}


def retry(request: Record) -> Record:
    """Handle RetryBuild: start a build again with the same request."""
    if "id" not in request:
        raise invalid("id is required")
    record = store.build(request["id"])
    if not record["buildComplete"]:
        raise invalid(f"Cannot retry build {record['id']}: it has not ended")
    again = dict(store.region().requests[record["id"]])
    if "idempotencyToken" in request:
        again["idempotencyToken"] = request["idempotencyToken"]
    by_pipeline = record["initiator"].startswith("codepipeline/")
    return start(again, initiator=record["initiator"] if by_pipeline else "")


def batch_get(request: Record) -> Record:
    """Handle BatchGetBuilds."""
    known = store.region().builds
    ids = {given: store.name_of(given) for given in request["ids"]}
    return {
        "builds": [_snapshot(known[build_id]) for build_id in ids.values() if build_id in known],
        "buildsNotFound": [given for given, build_id in ids.items() if build_id not in known],
    }


def list_ids(request: Record) -> Record:
    """Handle ListBuilds, and ListBuildsForProject: the newest first, if the request does not say otherwise."""
    ids = list(store.region().builds)
    if "projectName" in request:
        name = store.project(request["projectName"])["name"]
        ids = [build_id for build_id in ids if build_id.partition(":")[0] == name]
    if request.get("sortOrder", "DESCENDING") == "DESCENDING":
        ids.reverse()
    found, token = store.page(ids, request)
    return {"ids": found, **token}


def _snapshot(record: Record) -> Record:
    """Return a copy that a running build does not change."""
    return {**record, "phases": [dict(phase) for phase in list(record["phases"])]}


def _require_room(project: Record, state: store.Region) -> None:
    active = [build for build in state.builds.values() if not build["buildComplete"]]
    limit = project.get("concurrentBuildLimit")
    if limit is not None and sum(build["projectName"] == project["name"] for build in active) >= limit:
        raise too_many(f"Cannot have more than {limit} active builds for the project {project['name']}")
    if len(active) >= CONCURRENT + QUEUE:
        raise too_many(f"Cannot have more than {QUEUE} builds in queue for the account")


def _principal() -> str:
    """Return who starts a build, as CODEBUILD_INITIATOR says it: the user, or the role and its session."""
    return identity.principal_arn().rpartition(":")[2].removeprefix("user/").removeprefix("assumed-role/")


def _record(plan: Record, initiator: str, state: store.Region) -> Record:
    name = plan["name"]
    number = state.numbers[name] = state.numbers.get(name, 0) + 1
    build_id = f"{name}:{uuid.uuid4()}"
    version = _source_version(plan)
    same = ("environment", "serviceRole", "timeoutInMinutes", "queuedTimeoutInMinutes", "encryptionKey", "cache")
    return {
        "id": build_id,
        "arn": store.arn("build", build_id),
        "buildNumber": number,
        "startTime": store.now(),
        "currentPhase": "SUBMITTED",
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "projectName": name,
        "phases": [],
        "source": plan["source"],
        "secondarySources": plan["secondarySources"],
        "secondarySourceVersions": plan["secondarySourceVersions"],
        "artifacts": _shown(plan["artifacts"], build_id),
        "secondaryArtifacts": [_shown(part, build_id) for part in plan["secondaryArtifacts"]],
        "logs": _logs(plan["logsConfig"], build_id),
        "initiator": initiator,
        "exportedEnvironmentVariables": [],
        **{member: plan[member] for member in same},
        **({"sourceVersion": version} if version else {}),
    }


def _source_version(plan: Record) -> str:
    """Return the version that a build shows: of a pipeline's artifact, as on AWS, the ARN of its object."""
    source = plan["source"]
    if source["type"] == "CODEPIPELINE":
        return f"arn:aws:s3:::{source['location'].removeprefix('arn:aws:s3:::')}"
    return str(plan["sourceVersion"])


def _shown(target: Record, build_id: str) -> Record:
    names = ("overrideArtifactName", "encryptionDisabled", "artifactIdentifier")
    shown: Record = {name: target[name] for name in names if name in target}
    if target.get("location"):
        shown["location"] = f"arn:aws:s3:::{target['location']}/{artifacts.object_key(target, build_id, '')}"
    return shown


def _logs(config: Record, build_id: str) -> Record:
    project, _, number = build_id.partition(":")
    cloudwatch = config.get("cloudWatchLogs", {"status": "ENABLED"})
    logs: Record = {"cloudWatchLogs": cloudwatch, "s3Logs": config.get("s3Logs", {"status": "DISABLED"})}
    if cloudwatch["status"] == "DISABLED":
        return logs
    group = cloudwatch.get("groupName") or f"/aws/codebuild/{project}"
    stream = "/".join(part for part in (cloudwatch.get("streamName"), number) if part)
    place = store.arn("build", "").replace(":codebuild:", ":logs:").removesuffix("build/")
    console = f"https://console.aws.amazon.com/cloudwatch/home?region={get_region()}"
    return logs | {
        "groupName": group,
        "streamName": stream,
        "deepLink": f"{console}#logsV2:log-groups/log-group/{group}/log-events/{stream}",
        "cloudWatchLogsArn": f"{place}log-group:{group}:log-stream:{stream}",
    }
