"""Log groups of SageMaker's jobs and endpoints, made before SageMaker makes them without retention and key.

All environments of an account and region share the groups of the jobs. So none of them owns these groups: an
environment never shortens their retention or replaces their key, whatever the order of deployments. CloudFormation
could not do that: a stack fails if its log group exists, and deletes it with its lines in the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipelines.aws.client import Answer, Client, code_of
from pipelines.aws.clients import Services
from pipelines.aws.custom_resource import Send, properties_of, respond
from pipelines.interface import log
from pipelines.interface.codec import read
from pipelines.interface.names import JOB_LOG_GROUPS


@dataclass(frozen=True, kw_only=True)
class LogProperties:
    """The properties of the custom resource; CloudFormation passes ``Days`` on as text."""

    KeyArn: str
    Days: str


def answer(event: Mapping[str, object], services: Services, *, send: Send | None = None) -> None:
    """Create the log groups of jobs and answer CloudFormation; a deleted resource takes its key off them."""

    def act() -> None:
        properties = read(LogProperties, properties_of(event, "KeyArn", "Days"))
        logs = services.client("logs")
        for name in JOB_LOG_GROUPS:
            if event["RequestType"] == "Delete":
                _release_key(logs, name, properties.KeyArn)
            else:
                keep_job_log(logs, name, key_arn=properties.KeyArn, days=int(properties.Days))

    respond(event, f"{services.environment.id}-log-groups", act, send=send)


def keep_job_log(logs: Client, name: str, *, key_arn: str, days: int) -> None:
    """Give a shared log group a key if it has none, and at least ``days`` of retention.

    A group without retention was made by SageMaker: it gets ``days``. The longest retention of all environments wins.
    """
    found = _create(logs, name, key_arn)
    if found.get("retentionInDays", 0) < days:
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        log.info("log group kept", group=name, days=days)


def keep_endpoint_log(services: Services, model: str, *, key_arn: str, days: int) -> None:
    """Give the log group of a model's endpoint, which belongs to this environment, a key and its retention."""
    logs, name = services.client("logs"), services.environment.model(model).endpoint_log_group
    _create(logs, name, key_arn)
    logs.put_retention_policy(logGroupName=name, retentionInDays=days)


def _create(logs: Client, name: str, key_arn: str) -> Answer:
    """Create a group under the key, or give the existing one the key if it has none; return what it was before."""
    try:
        logs.create_log_group(logGroupName=name, kmsKeyId=key_arn)
    except ClientError as error:
        if code_of(error) != "ResourceAlreadyExistsException":
            raise
        found = _describe(logs, name)
        if "kmsKeyId" not in found:
            logs.associate_kms_key(logGroupName=name, kmsKeyId=key_arn)
        return found
    return {}


def _describe(logs: Client, name: str) -> Answer:
    """Return a group's description, empty if there is none. The group itself is the first that its name begins."""
    found = logs.describe_log_groups(logGroupNamePrefix=name, limit=1)["logGroups"]
    return next((group for group in found if group["logGroupName"] == name), {})


def _release_key(logs: Client, name: str, key_arn: str) -> None:
    """Take the key off a group: other environments go on to log there after this one's key is deleted."""
    if _describe(logs, name).get("kmsKeyId") == key_arn:
        logs.disassociate_kms_key(logGroupName=name)
