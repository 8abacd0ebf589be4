"""Checks of what AWS offers in the region: instance types and the container image."""

from collections.abc import Iterator

from infra import images
from mooring.preflight.findings import Finding, blocks
from mooring.preflight.target import Target


def image(target: Target) -> Iterator[Finding]:
    """AWS's scikit-learn image of the pinned version is in the region's registry."""
    uri = images.scikit_learn(target.names.region)
    registry, _, tag = uri.partition(".")[0], "", uri.rpartition(":")[2]
    answer = target.client("ecr").batch_get_image(
        registryId=registry, repositoryName=images.REPOSITORY, imageIds=[{"imageTag": tag}]
    )
    if not answer["images"]:
        yield blocks(
            f"there is no image {uri}",
            why="every job and endpoint starts from it",
            remedy="choose a region or a version (infra/images.py) whose registry has it",
        )


def instance_types(target: Target) -> Iterator[Finding]:
    """EC2 offers the fleet's instance types in the region."""
    environment = target.environment
    kinds: set[str] = set()
    for model in environment.team.models:
        settings = environment.settings(model).model_dump()
        kinds |= {settings[use]["instance_type"] for use in ("training", "processing", "serving")}
    wanted = sorted(kind.removeprefix("ml.") for kind in kinds)
    filters = [{"Name": "instance-type", "Values": wanted}]
    offered = {
        offer["InstanceType"]
        for offer in target.pages(
            "ec2", "describe_instance_type_offerings", "InstanceTypeOfferings", LocationType="region", Filters=filters
        )
    }
    for kind in wanted:
        if kind not in offered:
            yield blocks(
                f"EC2 does not offer {kind} in {target.names.region}",
                why=f"SageMaker's ml.{kind} runs on it",
                remedy="name another instance type in the fleet's file, or another region",
            )
