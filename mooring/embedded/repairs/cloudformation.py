"""Repair CloudFormation: a stack acts under its role and knows all resource types that our stacks use.

MiniStack ignores ``RoleARN``. AWS checks that the caller may pass the role, uses it for the operation, and stores it
on the stack: an operation without ``RoleARN`` uses the stored role. Without any role the caller's permissions apply.
"""

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from ministack.services.cloudformation import changesets, handlers, provisioners, stacks
from ministack.services.cloudformation.helpers import CFN_NS, _error, _p

from mooring.embedded import identity
from mooring.embedded.repairs import imports, resource_properties, resource_types, updates
from mooring.embedded.repairs.patching import replace
from mooring.embedded.repairs.resource_actions import authorize_resource

_ROLE = "_mooring_role"
_XML = f"{{{CFN_NS}}}"
_PRINCIPAL = "cloudformation.amazonaws.com"
_NO_CHANGES = "The submitted information didn't contain changes."
_OPERATIONS = (
    "CreateStack",
    "UpdateStack",
    "DeleteStack",
    "CreateChangeSet",
    "ExecuteChangeSet",
    "ContinueUpdateRollback",
    "RollbackStack",
)


def apply() -> None:
    """Repair CloudFormation."""
    ElementTree.register_namespace("", CFN_NS)
    for operation in _OPERATIONS:
        handlers._ACTION_HANDLERS[operation] = _under_role(operation, handlers._ACTION_HANDLERS[operation])
    handlers._ACTION_HANDLERS["CreateChangeSet"] = _admit_outputs(handlers._ACTION_HANDLERS["CreateChangeSet"])
    handlers._ACTION_HANDLERS["DescribeStacks"] = _describe_fully(handlers._ACTION_HANDLERS["DescribeStacks"])
    for module in (provisioners, stacks):
        replace(module, "_provision_resource", _authorize_create)
        replace(module, "_update_resource", _authorize_update)
        replace(module, "_delete_resource", _authorize_delete)
    resource_types.register()
    resource_properties.register()
    imports.apply()
    updates.apply()


def _under_role(operation: str, original: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    def handle(params: Mapping[str, Any]) -> Any:
        given = _p(params, "RoleARN")
        if given:
            try:
                identity.check_pass_role(given, _PRINCIPAL)
            except identity.AccessDeniedError as error:
                return _error("AccessDenied", str(error), 403)
            try:
                identity.require_trust(given, _PRINCIPAL)
            except identity.AccessDeniedError as error:
                return _error("ValidationError", f"Role {given} is invalid or cannot be assumed: {error}")
        change_set, stack = _change_set(operation, params), _stack(operation, params)
        role = given or str((change_set or {}).get(_ROLE) or (stack or {}).get(_ROLE) or "")
        # The operation's background task copies this context, so it acts under the role, too.
        with identity.acting_as(role):
            answer = original(params)
        if role and answer[0] == 200:
            record = _created(operation, params) if operation in ("CreateStack", "CreateChangeSet") else stack
            if record is not None:
                record[_ROLE] = role
        return answer

    return handle


def _change_set(operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    if operation != "ExecuteChangeSet":
        return None
    found: dict[str, Any] | None = changesets._find_change_set(_p(params, "ChangeSetName"), _p(params, "StackName"))[1]
    return found


def _stack(operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    change_set = _change_set(operation, params)
    name = change_set["StackName"] if change_set else _p(params, "StackName")
    stack: dict[str, Any] | None = handlers._resolve_stack(name)
    return None if stack is None or stack.get("StackStatus") == "DELETE_COMPLETE" else stack


def _created(operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    if operation == "CreateStack":
        return _stack(operation, params)
    found: dict[str, Any] | None = changesets._find_change_set(_p(params, "ChangeSetName"), _p(params, "StackName"))[1]
    return found


def _admit_outputs(original: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Let a change set change outputs only: AWS then makes one that has no changes and can be executed."""

    def create_change_set(params: Mapping[str, Any]) -> Any:
        answer = original(params)
        name = _p(params, "StackName")
        found = changesets._find_change_set(_p(params, "ChangeSetName"), name)[1] if answer[0] == 200 else None
        if found and found["Status"] == "FAILED" and found["StatusReason"].startswith(_NO_CHANGES):
            before = (handlers._resolve_stack(name) or {}).get("_template", {})
            if found["_template"].get("Outputs", {}) != before.get("Outputs", {}):
                found |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}
        return answer

    return create_change_set


def _describe_fully(original: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Add the stack's role and the resolved values of Parameter Store parameters to DescribeStacks.

    AWS returns such a parameter's name as ParameterValue and the value behind it as ResolvedValue. MiniStack returns
    the resolved value as ParameterValue, and no role.
    """

    def describe_stacks(params: Mapping[str, Any]) -> Any:
        status, headers, body = original(params)
        if status != 200:
            return status, headers, body
        document = ElementTree.fromstring(body)
        for member in document.iterfind(f"{_XML}DescribeStacksResult/{_XML}Stacks/{_XML}member"):
            stack = handlers._resolve_stack(member.findtext(f"{_XML}StackId"))
            if role := stack.get(_ROLE):
                ElementTree.SubElement(member, f"{_XML}RoleARN").text = role
            for parameter in member.iterfind(f"{_XML}Parameters/{_XML}member"):
                resolved = stack["_resolved_params"].get(parameter.findtext(f"{_XML}ParameterKey")) or {}
                value = parameter.find(f"{_XML}ParameterValue")
                if "SsmName" in resolved and value is not None:
                    ElementTree.SubElement(parameter, f"{_XML}ResolvedValue").text = value.text
                    value.text = resolved["SsmName"]
        return status, headers, ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)

    return describe_stacks


def _authorize_create(original: Callable[..., Any]) -> Callable[..., Any]:
    def provision_resource(resource_type: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        authorize_resource("create", resource_type, props, f"{stack}-{logical_id}-generated")
        imports.require_absent(resource_type, props)
        return original(resource_type, logical_id, props, stack)

    return provision_resource


def _authorize_update(original: Callable[..., Any]) -> Callable[..., Any]:
    def update_resource(
        resource_type: str, physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any
    ) -> Any:
        if old != new:
            authorize_resource("update", resource_type, new, physical_id)
        return original(resource_type, physical_id, old, new, *rest, **more)

    return update_resource


def _authorize_delete(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_resource(resource_type: str, physical_id: str, props: dict[str, Any], *rest: Any, **more: Any) -> Any:
        authorize_resource("delete", resource_type, props, physical_id)
        return original(resource_type, physical_id, props, *rest, **more)

    return delete_resource
