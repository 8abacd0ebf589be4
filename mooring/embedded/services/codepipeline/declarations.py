"""Create, update and delete pipelines, and tag them."""

from mooring.embedded import identity
from mooring.embedded.services.codepipeline import starts, store
from mooring.embedded.services.codepipeline.actions import SERVICE
from mooring.embedded.services.codepipeline.errors import CodePipelineError
from mooring.embedded.services.codepipeline.store import Pipeline, Record, now
from mooring.embedded.services.codepipeline.structure import checked


def create(request: Record) -> Record:
    declaration = checked(request["pipeline"])
    name = declaration["name"]
    _check_roles(declaration, name)
    if name in store.pipelines():
        raise CodePipelineError("PipelineNameInUseException", f"a pipeline {name} exists already")
    declaration["version"] = 1
    tags = {each["key"]: each["value"] for each in request.get("tags", [])}
    pipeline = Pipeline(arn=store.arn(name), declaration=declaration, created=now(), updated=now(), tags=tags)
    pipeline.versions[1] = declaration
    store.pipelines()[name] = pipeline
    # AWS runs a new pipeline at once.
    values = [
        {"name": each["name"], "value": each["defaultValue"]}
        for each in declaration.get("variables", [])
        if each.get("defaultValue") is not None
    ]
    if len(values) == len(declaration.get("variables", [])):
        starts.begin(pipeline, {}, {"triggerType": "CreatePipeline", "triggerDetail": identity.principal_arn()})
    return {"pipeline": declaration, "tags": request.get("tags", [])}


def update(request: Record) -> Record:
    declaration = checked(request["pipeline"])
    pipeline = store.pipeline(declaration["name"])
    _check_roles(declaration, pipeline.name)
    with pipeline.changed:
        declaration["version"] = pipeline.declaration["version"] + 1
        pipeline.declaration, pipeline.updated = declaration, now()
        pipeline.versions[declaration["version"]] = declaration
        pipeline.changed.notify_all()
    return {"pipeline": declaration}


def delete(request: Record) -> Record:
    """Delete a pipeline, which succeeds without one; what is under way is abandoned."""
    if pipeline := store.pipelines().pop(request["name"], None):
        with pipeline.changed:
            for execution in pipeline.executions.values():
                if execution.status in store.RUNNING:
                    execution.status, execution.abandoned = "Stopping", True
            pipeline.changed.notify_all()
    return {}


def _check_roles(declaration: Record, name: str) -> None:
    """Check that the caller may pass the roles to CodePipeline, and that the pipeline's role trusts it.

    Raises
    ------
    CodePipelineError
        One of these is not allowed; the message has IAM's reason.
    """
    own = declaration["roleArn"]
    actions = [action for stage in declaration["stages"] for action in stage["actions"]]
    roles = {own, *(action["roleArn"] for action in actions if "roleArn" in action)}
    try:
        for role in sorted(roles):
            identity.check_pass_role(role, SERVICE)
    except identity.AccessDeniedError as error:
        raise CodePipelineError("AccessDeniedException", str(error)) from error
    try:
        identity.require_trust(own, SERVICE, source_arn=store.arn(name))
    except identity.AccessDeniedError as error:
        raise CodePipelineError(
            "InvalidStructureException", f"CodePipeline is not authorized to perform AssumeRole on role {own} ({error})"
        ) from error


def tag(request: Record) -> Record:
    store.by_arn(request["resourceArn"]).tags.update({each["key"]: each["value"] for each in request["tags"]})
    return {}


def untag(request: Record) -> Record:
    tags = store.by_arn(request["resourceArn"]).tags
    for key in request["tagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags(request: Record) -> Record:
    tags = store.by_arn(request["resourceArn"]).tags
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
