"""Repair what CloudFormation does with resources that exist: it imports them, and does not create them again.

MiniStack imports some types; ``add`` makes another one importable. As on AWS, GetTemplateSummary returns the
identifiers of the types (the CDK CLI reads them for ``cdk import``), a type that cannot be imported is refused by its
name, and the acting principal needs the actions of the type's read handler. MiniStack's create handlers overwrite a
resource of the same name; here, as on AWS, the creation fails.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, iam, stepfunctions
from ministack.services.cloudformation import changesets, handlers, provisioners, stacks
from ministack.services.cloudformation.helpers import _error, _p

from mooring.embedded import identity
from mooring.embedded.repairs import handler_permissions
from mooring.embedded.repairs.patching import replace

Read = Callable[[str], dict[str, Any] | None]
"""Return the attributes of the resource with an identifier, or None if there is no such resource."""

_NAMED = {
    "AWS::DynamoDB::Table": ("TableName", "{name}"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "arn:aws:iam::{account}:policy{path}{name}"),
    "AWS::IAM::Role": ("RoleName", "{name}"),
    "AWS::KMS::Alias": ("AliasName", "{name}"),
    "AWS::Lambda::Function": ("FunctionName", "{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "{name}"),
    "AWS::SNS::Topic": ("TopicName", "arn:aws:sns:{region}:{account}:{name}"),
    "AWS::SQS::Queue": ("QueueName", "https://sqs.{region}.amazonaws.com/{account}/{name}"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "arn:aws:states:{region}:{account}:stateMachine:{name}"),
}
"""Property that names a resource, and the identifier that follows from it, of types that MiniStack would overwrite."""


_imported: ContextVar[frozenset[str]] = ContextVar("imported", default=frozenset())
"""Logical ids of the resources that the running deployment imports."""


def apply() -> None:
    """Add types of MiniStack's own services, and repair the operations."""
    add("AWS::Events::Archive", "ArchiveName", _archive)
    add("AWS::Events::EventBus", "Name", _event_bus)
    add("AWS::IAM::ManagedPolicy", "PolicyArn", _managed_policy)
    add("AWS::StepFunctions::StateMachine", "Arn", _state_machine)
    for module in (changesets, stacks):
        replace(module, "_import_resource", _authorize_import)
    replace(changesets, "_deploy_stack_async", _remember_imports)
    replace(stacks, "_validation_errors", _without_conflicts_of_imports)
    handlers._ACTION_HANDLERS["CreateChangeSet"] = _refuse_types(handlers._ACTION_HANDLERS["CreateChangeSet"])
    handlers._ACTION_HANDLERS["GetTemplateSummary"] = _with_identifiers(handlers._ACTION_HANDLERS["GetTemplateSummary"])


def add(resource_type: str, identifier: str, read: Read) -> None:
    """Make a type importable; ``identifier`` is the ``primaryIdentifier`` of its registry schema."""
    provisioners._RESOURCE_HANDLERS[resource_type]["import"] = _adopt(identifier, read)
    changesets._IMPORT_LOOKUPS[resource_type] = ((identifier,), _problem(resource_type, read))


def require_absent(resource_type: str, props: Mapping[str, Any]) -> None:
    """Check before a creation that no resource has the name that the template gives.

    Raises
    ------
    ValueError
        There is one.
    """
    name_property, pattern = _NAMED.get(resource_type, ("", ""))
    name = props.get(name_property)
    if not name:
        return
    place = {"region": get_region(), "account": get_account_id(), "path": props.get("Path") or "/"}
    _keys, problem = changesets._IMPORT_LOOKUPS[resource_type]
    if problem(pattern.format(name=name, **place)) is None:
        raise ValueError(f"Resource of type '{resource_type}' with identifier '{name}' already exists.")


def _archive(name: str) -> dict[str, Any] | None:
    found = eventbridge._archives.get(name)
    return None if found is None else {"Arn": found["ArchiveArn"], "ArchiveName": name}


def _event_bus(name: str) -> dict[str, Any] | None:
    found = eventbridge._event_buses.get(name)
    return None if found is None else {"Arn": found["Arn"], "Name": name}


def _managed_policy(arn: str) -> dict[str, Any] | None:
    found = iam._policies.get(arn)
    names = ("PolicyId", "AttachmentCount", "DefaultVersionId", "IsAttachable", "CreateDate", "UpdateDate")
    return None if found is None else {"PolicyArn": arn, **{name: found[name] for name in names}}


def _state_machine(arn: str) -> dict[str, Any] | None:
    found = stepfunctions._state_machines.get(arn)
    return None if found is None else dict(provisioners._sfn_attrs(arn, found["name"]))


def _adopt(key: str, read: Read) -> Callable[[Mapping[str, str]], tuple[str, dict[str, Any]]]:
    def adopt(identifier: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        attributes = read(identifier[key])
        if attributes is None:  # deleted since the change set was made
            raise ValueError(f"Resource with identifier '{identifier[key]}' was not found.")
        return identifier[key], attributes

    return adopt


def _problem(resource_type: str, read: Read) -> Callable[[str], str | None]:
    def problem(value: str) -> str | None:
        if read(value) is not None:
            return None
        return str(changesets._IMPORT_NOT_FOUND.format(type=resource_type, value=value))

    return problem


def _authorize_import(original: Callable[..., Any]) -> Callable[..., Any]:
    def import_resource(resource_type: str, identifier: Mapping[str, str]) -> Any:
        if identity.acting_role():
            for action in handler_permissions.needed_of_its_service(resource_type, "read"):
                identity.authorize_somewhere(action)
        return original(resource_type, identifier)

    return import_resource


def _remember_imports(original: Callable[..., Any]) -> Callable[..., Any]:
    async def deploy_stack(*arguments: Any, imports: Mapping[str, Any] | None = None, **options: Any) -> None:
        token = _imported.set(frozenset(imports or ()))
        try:
            await original(*arguments, imports=imports, **options)
        finally:
            _imported.reset(token)

    return deploy_stack


def _without_conflicts_of_imports(original: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Let a deployment import a bucket: MiniStack's validation refuses the name of every bucket that exists."""

    def validation_errors(*arguments: Any, **options: Any) -> list[Any]:
        found = original(*arguments, **options)
        imported = _imported.get()
        return [error for error in found if error[0] not in imported or error[2] != "NAME_CONFLICT_VALIDATION"]

    return validation_errors


def _refuse_types(original: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    def create_change_set(params: Mapping[str, Any]) -> Any:
        if _p(params, "ChangeSetType") == "IMPORT":
            wanted = {entry["ResourceType"] for entry in changesets._extract_resources_to_import(params)}
            if refused := sorted(name for name in wanted if not _importable(name)):
                return _error("ValidationError", f"ResourceTypes [{', '.join(refused)}] are not supported for Import")
        return original(params)

    return create_change_set


def _importable(resource_type: str) -> bool:
    handler = provisioners._RESOURCE_HANDLERS.get(resource_type) or {}
    return "import" in handler and resource_type in changesets._IMPORT_LOOKUPS


def _with_identifiers(original: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    def get_template_summary(params: Mapping[str, Any]) -> Any:
        status, headers, body = original(params)
        if status != 200:
            return status, headers, body
        end = b"</GetTemplateSummaryResult>"
        return status, headers, body.replace(end, _summaries(_template(params)).encode() + end)

    return get_template_summary


def _template(params: Mapping[str, Any]) -> Mapping[str, Any]:
    text, _error_answer = handlers._resolve_template(params)
    if not text:
        text = handlers._resolve_stack(_p(params, "StackName")).get("_template_body", "{}")
    template: Mapping[str, Any] = handlers._parse_template(text)
    return template


def _summaries(template: Mapping[str, Any]) -> str:
    logical_ids: dict[str, list[str]] = {}
    for logical_id, resource in template.get("Resources", {}).items():
        if _importable(resource.get("Type", "")):
            logical_ids.setdefault(resource["Type"], []).append(logical_id)
    members = "".join(
        f"<member><ResourceType>{resource_type}</ResourceType>"
        f"<LogicalResourceIds>{_members(found)}</LogicalResourceIds>"
        f"<ResourceIdentifiers>{_members(changesets._IMPORT_LOOKUPS[resource_type][0])}</ResourceIdentifiers></member>"
        for resource_type, found in sorted(logical_ids.items())
    )
    return f"<ResourceIdentifierSummaries>{members}</ResourceIdentifierSummaries>"


def _members(values: Any) -> str:
    return "".join(f"<member>{escape(value)}</member>" for value in values)
