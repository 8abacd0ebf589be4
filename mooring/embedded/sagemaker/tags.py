"""Tags of SageMaker's resources: AddTags, ListTags and DeleteTags."""

from collections.abc import Iterator

from ministack.services import tagging

from mooring.embedded.sagemaker import store
from mooring.embedded.sagemaker.store import Record


def add(request: Record) -> Record:
    """Handle AddTags."""
    tags = store.tags_of(request["ResourceArn"])
    tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
    return {"Tags": _listed(tags)}


def list_tags(request: Record) -> Record:
    """Handle ListTags."""
    found, token = store.page(_listed(store.tags_of(request["ResourceArn"])), request)
    return {"Tags": found, **token}


def remove(request: Record) -> Record:
    """Handle DeleteTags."""
    tags = store.tags_of(request["ResourceArn"])
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def _listed(tags: dict[str, str]) -> list[Record]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def register() -> None:
    """Let the Resource Groups Tagging API find SageMaker's resources."""
    tagging._COLLECTORS["sagemaker"] = _all


def _all() -> Iterator[tuple[str, list[Record]]]:
    for arn, tags in list(store.region().tags.items()):
        if tags:
            yield arn, _listed(tags)
