"""Checks of IAM: what the templates allow a role, the deployed role may do, with its boundary and the organization."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mooring.preflight.assembly import UnresolvedError, resolve
from mooring.preflight.findings import Finding, blocks, warns
from mooring.preflight.target import Target, found

WORKERS = 8
SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
SCALING_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
SHOWN = 3
POSITIVE = ("ArnEquals", "ArnLike", "Bool", "Null", "StringEquals", "StringLike")
"""Operators of conditions that the first of their own values meets."""


def roles(target: Target) -> Iterator[Finding]:
    """Every deployed role may do what its template allows; service control policies and boundaries may deny it."""
    work = list(_statements(target))
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = pool.map(lambda item: _denied(target, *item), work)
        for (role, _), denied in zip(work, answers, strict=True):
            if denied:
                more = f" and {len(denied) - SHOWN} more" if len(denied) > SHOWN else ""
                yield blocks(
                    f"the role {role} may not {', '.join(denied[:SHOWN])}{more}",
                    why="its template allows it: a boundary, a service control policy or a change by hand denies it",
                    remedy=f"cdk deploy '{target.names.id}-*'; if it stays so, ask for the organization's policies",
                )


def _statements(target: Target) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (name of a deployed role, statement) of the roles' policies in the templates."""
    for stack, logical_id, properties in target.assembly.resources("AWS::IAM::Role"):
        if not target.is_deployed(stack):
            continue
        physical = _Physical(target, stack)
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    yield physical(logical_id, None), resolve(statement, physical)


class _Physical:
    """Looks up what a deployed stack's references are."""

    def __init__(self, target: Target, stack: str) -> None:
        self._target, self._stack = target, stack
        self._ids = target.physical_ids(stack)

    def __call__(self, logical_id: str, attribute: str | None) -> str:
        names, parameters = self._target.names, self._target.assembly.templates[self._stack].get("Parameters", {})
        pseudo = {"AWS::AccountId": names.account, "AWS::Region": names.region, "AWS::Partition": "aws"}
        if logical_id in pseudo:
            return pseudo[logical_id]
        if logical_id in parameters:
            return self._target.parameter(parameters[logical_id]["Default"])
        kind = self._target.assembly.templates[self._stack]["Resources"][logical_id]["Type"]
        physical = self._ids.get(logical_id)
        if physical is None:
            raise UnresolvedError(f"{self._stack} has no {logical_id}: deploy it again")
        if attribute is None:
            return physical
        if (kind, attribute) == ("AWS::KMS::Key", "Arn"):
            return physical if physical.startswith("arn:") else names.arn("kms", f"key/{physical}")
        raise UnresolvedError(f"{kind}.{attribute}")


def _denied(target: Target, role: str, statement: Mapping[str, Any]) -> list[str]:
    """Return the actions of a statement that the role may not do, each with its resource."""
    answers = target.pages(
        "iam",
        "simulate_principal_policy",
        "EvaluationResults",
        PolicySourceArn=target.names.role_arn(role),
        ActionNames=_listed(statement["Action"]),
        ResourceArns=_listed(statement["Resource"]),
        ContextEntries=context(statement.get("Condition", {})),
    )
    return sorted(
        f"{answer['EvalActionName']} on {answer['EvalResourceName']}"
        for answer in answers
        if answer["EvalDecision"] != "allowed"
    )


def context(conditions: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the context of a request that meets a statement's conditions.

    Examples
    --------
    >>> context({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})
    [{'ContextKeyName': 'iam:PassedToService', 'ContextKeyValues': ['sagemaker...'], 'ContextKeyType': 'string'}]
    """
    entries = {}
    for operator, keys in conditions.items():
        name_of_operator = operator.rpartition(":")[2]
        if name_of_operator not in POSITIVE:
            raise UnresolvedError(f"the condition {operator}")
        if operator == "Null":
            # The other operators of the statement name the key as well.
            continue
        kind = "boolean" if operator == "Bool" else "string"
        is_list = operator.startswith("ForA")
        for name, values in keys.items():
            given = _listed(values)
            entries[name] = {
                "ContextKeyName": name,
                "ContextKeyValues": given if is_list else given[:1],
                "ContextKeyType": f"{kind}List" if is_list else kind,
            }
    return list(entries.values())


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def scaling_role(target: Target) -> Iterator[Finding]:
    """The service-linked role of scaling exists, if a model scales."""
    environment = target.environment
    scaled = [
        model.name
        for model in environment.team.models
        if environment.serving(model).min_instances < environment.serving(model).max_instances
    ]
    if scaled and found(target.client("iam").get_role, RoleName=SCALING_ROLE) is None:
        yield warns(
            f"there is no service-linked role {SCALING_ROLE}",
            why=f"AWS makes it when an endpoint is first scaled ({scaled[0]}); an organization may forbid it",
            remedy=f"make it now: aws iam create-service-linked-role --aws-service-name {SCALING_SERVICE}",
        )
