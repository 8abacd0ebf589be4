"""Refuses instances beyond the account's quotas, in SageMaker's own words."""

from mooring.embedded.sagemaker import store
from mooring.embedded.sagemaker.errors import SageMakerError
from mooring.embedded.sagemaker.store import Record
from mooring.embedded.services import quotas
from pipelines.interface.quotas import quota_name

_RUNNING = ("InProgress", "Stopping")


def require_training(request: Record) -> None:
    """Raise ``SageMakerError`` if a training job needs more instances than the quota leaves."""
    wanted = request["ResourceConfig"]
    jobs = store.region().records["training-job"].values()
    used = [job["ResourceConfig"] for job in jobs if job["TrainingJobStatus"] in _RUNNING]
    _require("training", wanted.get("InstanceType", ""), _count(wanted), _sum(used, wanted))


def require_processing(request: Record) -> None:
    """Raise ``SageMakerError`` if a processing job needs more instances than the quota leaves."""
    wanted = request["ProcessingResources"]["ClusterConfig"]
    jobs = store.region().records["processing-job"].values()
    used = [job["ProcessingResources"]["ClusterConfig"] for job in jobs if job["ProcessingJobStatus"] in _RUNNING]
    _require("processing", wanted.get("InstanceType", ""), _count(wanted), _sum(used, wanted))


def require_serving(config: Record) -> None:
    """Raise ``SageMakerError`` if a config's variants need more instances than the quotas leave.

    An update starts the new instances before the old ones end, so those of the endpoint itself count as used.
    """
    records = store.region().records
    running = [found for found in records["endpoint"].values() if found["EndpointStatus"] != "Failed"]
    configs = [records["endpoint-config"].get(found["EndpointConfigName"], {}) for found in running]
    used = [variant for found in configs for variant in found.get("ProductionVariants", [])]
    for wanted in config["ProductionVariants"]:
        _require("serving", wanted.get("InstanceType", ""), _count(wanted), _sum(used, wanted))


def _count(part: Record) -> int:
    return int(part.get("InstanceCount") or part.get("InitialInstanceCount") or 1)


def _sum(used: list[Record], wanted: Record) -> int:
    return sum(_count(part) for part in used if part.get("InstanceType") == wanted.get("InstanceType"))


def _require(use: str, instance_type: str, wanted: int, used: int) -> None:
    if not instance_type:
        return
    limit = quotas.limit(instance_type, use)
    if used + wanted > limit:
        raise SageMakerError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{quota_name(instance_type, use)}' is {limit} Instances, with current"
            f" utilization of {used} Instances and a request delta of {wanted} Instances. Please use AWS Service Quotas"
            " to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to"
            " request an increase for this quota.",
        )
