"""Checks of what is deployed: key, parameters, release states, alerts, budget, functions."""

import json
from collections.abc import Iterator
from typing import Any

from mooring.preflight.findings import Finding, blocks, warns
from mooring.preflight.target import Target, found
from pipelines.interface.codec import InvalidRecordError
from pipelines.interface.release_state import InvalidReleaseStateError, ReleaseState
from pipelines.interface.settings import ModelSettings

PUBLISHERS = ("cloudwatch", "events", "budgets", "scheduler")
"""Services that must use the key, else what they send to the encrypted topic or queue is lost."""


def key(target: Target) -> Iterator[Finding]:
    """The environment's key is enabled, and admits the services that publish alerts."""
    names, kms = target.names, target.client("kms")
    if not target.is_deployed(names.stack("foundation")):
        return
    described = found(kms.describe_key, KeyId=names.key_alias)
    if described is None:
        yield blocks(
            f"there is no key {names.key_alias}",
            why="all data of the environment are encrypted with it",
            remedy=f"recreate the alias: aws kms create-alias --alias-name {names.key_alias} --target-key-id KEY",
        )
        return
    metadata = described["KeyMetadata"]
    if metadata["KeyState"] != "Enabled":
        repair = "cancel-key-deletion" if metadata["KeyState"] == "PendingDeletion" else "enable-key"
        yield blocks(
            f"the key {names.key_alias} is {metadata['KeyState']}",
            why="no data can be read or written; after its deletion they are lost",
            remedy=f"aws kms {repair} --key-id {metadata['KeyId']}",
        )
        return
    policy = json.loads(kms.get_key_policy(KeyId=metadata["KeyId"], PolicyName="default")["Policy"])
    admitted = _services(policy)
    for publisher in PUBLISHERS:
        if f"{publisher}.amazonaws.com" not in admitted:
            yield blocks(
                f"the policy of the key {names.key_alias} does not admit {publisher}.amazonaws.com",
                why="its messages to the encrypted topic and queue are lost without an error",
                remedy=f"deploy the stack that owns the key: cdk deploy {names.stack('foundation')}",
            )


def _services(policy: dict[str, Any]) -> set[str]:
    admitted: set[str] = set()
    for statement in policy["Statement"]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement["Effect"] == "Allow":
            admitted |= {services} if isinstance(services, str) else set(services)
    return admitted


def parameters(target: Target) -> Iterator[Finding]:
    """Every deployed model has settings and a release state that can be read."""
    names = target.names
    path = f"/mooring/{names.id}/"
    values = {
        item["Name"]: item["Value"]
        for item in target.pages("ssm", "get_parameters_by_path", "Parameters", Path=path, Recursive=True)
    }
    for spec in target.environment.team.models:
        model = names.model(spec.name)
        if not target.is_deployed(model.stack("serving")):
            continue
        deploy = f"cdk deploy '{names.id}-*'"
        for name, what in ((model.settings_parameter, "settings"), (model.release_parameter, "release state")):
            if name not in values:
                yield blocks(
                    f"the parameter {name} is missing",
                    why=f"the flows read the model's {what} from it",
                    remedy=deploy if what == "settings" else f"{deploy}; it creates an absent release state",
                )
        try:
            if (value := values.get(model.settings_parameter)) is not None:
                ModelSettings.from_json(value)
        except InvalidRecordError as error:
            yield blocks(f"{model.settings_parameter}: {error}", why="no flow of the model can start", remedy=deploy)
        try:
            if (value := values.get(model.release_parameter)) is not None:
                ReleaseState.from_value(value)
        except InvalidReleaseStateError as error:
            yield blocks(
                f"{model.release_parameter}: {error}",
                why="no release of the model can start",
                remedy=f"put back an earlier value: aws ssm get-parameter-history --name {model.release_parameter}",
            )


def parameter_throughput(target: Target) -> Iterator[Finding]:
    """Parameter Store answers as often as the fleet's checks ask."""
    if len(target.environment.team.models) <= MODELS_AT_DEFAULT_THROUGHPUT:
        return
    setting = target.client("ssm").get_service_setting(SettingId="/ssm/parameter-store/high-throughput-enabled")
    if setting["ServiceSetting"]["SettingValue"] != "true":
        yield warns(
            f"Parameter Store answers 40 requests a second, for {len(target.environment.team.models)} models",
            why="checks and releases of many models at once are throttled and repeated",
            remedy="aws ssm update-service-setting --setting-id /ssm/parameter-store/high-throughput-enabled "
            "--setting-value true; then each request costs $0.05 per 10,000",
        )


MODELS_AT_DEFAULT_THROUGHPUT = 200
"""Models whose checks, all due at once, are answered in ten seconds at 40 requests a second and two a check."""


def alerts(target: Target) -> Iterator[Finding]:
    """Every owner has confirmed the subscription of the alerts."""
    names = target.names
    if not target.is_deployed(names.stack("foundation")):
        return
    subscriptions = list(target.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=names.topic_arn))
    confirmed = {item["Endpoint"] for item in subscriptions if item["SubscriptionArn"].startswith("arn:")}
    for owner in target.environment.team.owners:
        if owner not in confirmed:
            yield warns(
                f"{owner} has not confirmed the subscription of {names.topic}",
                why="no alert reaches this owner",
                remedy="confirm by the link in AWS's mail; it is valid for three days, then subscribe again: aws sns "
                f"subscribe --topic-arn {names.topic_arn} --protocol email --notification-endpoint {owner}",
            )


def budget(target: Target) -> Iterator[Finding]:
    """The environment's budget exists and its limit is the fleet's."""
    names, foundation = target.names, target.names.stack("foundation")
    if not target.is_deployed(foundation):
        return
    resources = target.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=foundation)
    wanted = float(target.environment.team.monthly_budget_usd)
    for item in resources:
        if item["ResourceType"] != "AWS::Budgets::Budget":
            continue
        name = item["PhysicalResourceId"]
        described = found(target.client("budgets").describe_budget, AccountId=names.account, BudgetName=name)
        limit = float(described["Budget"]["BudgetLimit"]["Amount"]) if described else None
        if limit != wanted:
            yield warns(
                f"the budget {name} is {'missing' if limit is None else f'${limit:,.0f}'}, in the fleet ${wanted:,.0f}",
                why="nobody is told when the month costs more",
                remedy=f"cdk deploy {foundation}",
            )


def functions(target: Target) -> Iterator[Finding]:
    """Every deployed function is active and has the runtime of the templates."""
    client = target.client("lambda")
    for stack, logical_id, properties in target.assembly.resources("AWS::Lambda::Function"):
        if not target.is_deployed(stack):
            continue
        name = properties.get("FunctionName", logical_id)
        deploy = f"cdk deploy {stack}"
        described = found(client.get_function_configuration, FunctionName=name)
        if described is None:
            yield blocks(f"the function {name} is missing", why="the flow that calls it fails", remedy=deploy)
            continue
        state, update = described.get("State", "Active"), described.get("LastUpdateStatus", "Successful")
        if state != "Active" or update == "Failed":
            reason = described.get("StateReason") or described.get("LastUpdateStatusReason") or "no reason given"
            yield blocks(
                f"the function {name} is {state}, its last update {update}: {reason}",
                why="the flow that calls it fails",
                remedy=deploy,
            )
        if described["Runtime"] != properties["Runtime"]:
            yield warns(
                f"the function {name} runs on {described['Runtime']}, the templates say {properties['Runtime']}",
                why="its packages are compiled for the other one",
                remedy=deploy,
            )
