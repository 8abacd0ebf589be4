"""Endpoints: a fleet of variants in service, and its replacement by another one without a failed request."""

import contextlib
import contextvars
import logging
import random
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mooring.embedded.sagemaker import events, limits, store, variants
from mooring.embedded.sagemaker.capture import CaptureWriter
from mooring.embedded.sagemaker.errors import in_use, invalid
from mooring.embedded.sagemaker.store import Record
from mooring.embedded.sagemaker.variants import Variant, VariantError
from mooring.embedded.services import scaling

logger = logging.getLogger("mooring.sagemaker")

_DRAIN_S = 70.0
_EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "InService": "IN_SERVICE",
    "Failed": "FAILED",
    "Deleting": "DELETING",
}

_home = Path()
_live: dict[str, "Endpoint"] = {}


def set_home(home: Path) -> None:
    """Set the folder below which endpoints get their folders."""
    global _home  # noqa: PLW0603 - one server, one home
    _home = home


class Fleet:
    """Variants of one endpoint config, which start and stop together."""

    def __init__(self, endpoint: str, config: Record) -> None:
        self.config = config
        self._base = _home / "endpoints" / store.suffix()
        self.variants = [Variant(endpoint, production, self._base) for production in config["ProductionVariants"]]
        self.capture: CaptureWriter | None = None
        self._endpoint = endpoint
        self._inflight = 0
        self._idle = threading.Condition()

    def start(self) -> None:
        """Start all variants in parallel, and return when all are healthy.

        Raises
        ------
        VariantError
            A variant did not become healthy; all variants are stopped.
        """
        try:
            with ThreadPoolExecutor(len(self.variants)) as pool:
                contexts = [contextvars.copy_context() for _ in self.variants]
                list(pool.map(lambda context, variant: context.run(variant.start), contexts, self.variants))
        except Exception:
            self._end()
            raise
        capture = self.config.get("DataCaptureConfig")
        if capture and capture.get("EnableCapture", True):
            sessions = {variant.name: variant.session for variant in self.variants}
            self.capture = CaptureWriter(self._endpoint, capture, sessions)

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Count the block as a request that ``retire`` waits for."""
        with self._idle:
            self._inflight += 1
        try:
            yield
        finally:
            with self._idle:
                self._inflight -= 1
                self._idle.notify_all()

    def choose(self, target: str | None) -> Variant:
        """Return the variant named ``target``; without a name, choose one at random by weight.

        Raises
        ------
        SageMakerError
            There is no such variant.
        """
        if target is None:
            return random.choices(self.variants, [variant.weight for variant in self.variants])[0]
        for variant in self.variants:
            if variant.name == target:
                return variant
        raise invalid(f"Variant {target} not found for Request")

    def retire(self) -> None:
        """Wait until all requests are answered (at most ``_DRAIN_S``), write the captured data, end the processes."""
        with self._idle:
            self._idle.wait_for(lambda: self._inflight == 0, _DRAIN_S)
        if self.capture is not None:
            self.capture.close()
        self._end()

    def _end(self) -> None:
        for variant in self.variants:
            variant.stop()
        shutil.rmtree(self._base, ignore_errors=True)


class Endpoint:
    """An endpoint's record and the fleet that serves it; each change runs in a thread of its own."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.fleet: Fleet | None = None
        self._deleted = False
        self._changed = threading.Condition()

    def begin(self, config: Record, *, status: str) -> None:
        """Start the change to ``config`` and return at once."""
        self.record["_updating_to"] = config["EndpointConfigName"]
        self._enter(status)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._change, config), daemon=True).start()

    @contextlib.contextmanager
    def use_fleet(self) -> Iterator[Fleet]:
        """Yield the fleet in service; it keeps running until the block ends.

        Raises
        ------
        SageMakerError
            No fleet is in service.
        """
        with contextlib.ExitStack() as stack:
            with self._changed:
                if self.fleet is None:
                    raise invalid(f"Endpoint {self.record['EndpointName']} is {self.record['EndpointStatus']}.")
                fleet = self.fleet
                stack.enter_context(fleet.request())
            yield fleet

    def delete(self) -> None:
        """Take the endpoint out of service; its processes end once their requests are answered."""
        with self._changed:
            self._deleted = True
            fleet, self.fleet = self.fleet, None
        if fleet is not None:
            threading.Thread(target=contextvars.copy_context().run, args=(fleet.retire,), daemon=True).start()

    def wait_settled(self, timeout_s: float) -> Record:
        """Return the record once no change runs, or after ``timeout_s`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: "_updating_to" not in self.record, timeout_s)
        return self.record

    def _change(self, config: Record) -> None:
        name = self.record["EndpointName"]
        try:
            fleet = Fleet(name, config)
            fleet.start()
        except Exception as error:
            if not isinstance(error, VariantError):
                logger.exception("endpoint %s", name)
            self._settle("Failed" if self.fleet is None else "InService", reason=str(error)[:1024])
            return
        with self._changed:
            if self._deleted:
                old: Fleet | None = fleet
            else:
                old, self.fleet = self.fleet, fleet
        if not self._deleted:
            self.record.pop("FailureReason", None)
            self.record |= _in_service(config, fleet)
            self._settle("InService")
        if old is not None:
            old.retire()

    def _settle(self, status: str, *, reason: str = "") -> None:
        if reason:
            self.record["FailureReason"] = reason
        with self._changed:
            self.record.pop("_updating_to", None)
            if not self._deleted:
                self._enter(status)
            self._changed.notify_all()

    def _enter(self, status: str) -> None:
        self.record |= {"EndpointStatus": status, "LastModifiedTime": store.now()}
        detail = {**_public(self.record), "EndpointStatus": _EVENT_STATUS[status]}
        detail["Tags"] = store.region().tags.get(self.record["EndpointArn"], {})
        events.emit("SageMaker Endpoint State Change", self.record["EndpointArn"], detail)


def instances(name: str, variant: str) -> int | None:
    """Return the count of instances of a variant; None if no such variant is in service."""
    record = store.region().records["endpoint"].get(name, {})
    counts = {each["VariantName"]: int(each["DesiredInstanceCount"]) for each in record.get("ProductionVariants", [])}
    return counts.get(variant)


def scale(name: str, variant: str, count: int) -> None:
    """Set the count of instances of a variant in service; its one process stays."""
    endpoint = find(name)
    with endpoint.use_fleet() as fleet:
        for each in fleet.variants:
            each.instances = count if each.name == variant else each.instances
        endpoint.record |= _in_service(fleet.config, fleet)


def create(request: Record) -> Record:
    """Handle CreateEndpoint."""
    config = store.get("endpoint-config", request["EndpointConfigName"])
    record = {"EndpointConfigName": config["EndpointConfigName"], "EndpointStatus": "Creating"}
    with store.region().lock:
        limits.require_serving(config)
        stored = store.add("endpoint", request["EndpointName"], record, request.get("Tags", []))
    endpoint = Endpoint(stored)
    _live[stored["EndpointArn"]] = endpoint
    endpoint.begin(config, status="Creating")
    return {"EndpointArn": stored["EndpointArn"]}


def update(request: Record) -> Record:
    """Handle UpdateEndpoint.

    The old config serves until the new one is healthy; if the new one fails, the old one stays in service.
    """
    record = store.get("endpoint", request["EndpointName"])
    config = store.get("endpoint-config", request["EndpointConfigName"])
    with store.region().lock:
        if record["EndpointStatus"] not in ("InService", "Failed"):
            raise invalid(f"Cannot update in-progress endpoint {record['EndpointArn']}: {record['EndpointStatus']}.")
        if record["EndpointStatus"] == "InService" and config["EndpointConfigName"] == record["EndpointConfigName"]:
            raise invalid(f"Cannot update endpoint {record['EndpointName']}: it has this endpoint config already.")
        _require_types(record, config)
        if request.get("RetainAllVariantProperties"):
            excluded = [item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])]
            config = _retaining(record.get("ProductionVariants", []), config, excluded)
        limits.require_serving(config)
        record.pop("FailureReason", None)
        find(record["EndpointName"]).begin(config, status="Updating")
    return {"EndpointArn": record["EndpointArn"]}


def _require_types(record: Record, config: Record) -> None:
    """Raise ``SageMakerError`` if an update changes the instance type of a variant that is a scalable target."""
    name = record["EndpointName"]
    current = store.region().records["endpoint-config"].get(record["EndpointConfigName"], {})
    types = {variant["VariantName"]: variant["InstanceType"] for variant in current.get("ProductionVariants", [])}
    for variant in config["ProductionVariants"]:
        before, after = types.get(variant["VariantName"]), variant["InstanceType"]
        if before not in (None, after) and scaling.is_target(name, variant["VariantName"]):
            raise invalid(
                f"Cannot update endpoint {name}: the update would change the instance type of variant"
                f" {variant['VariantName']} from {before} to {after} while the variant is registered as a scalable"
                " target. Deregister the variant from auto scaling, then update the endpoint."
            )


_RETAINED = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}
"""Property that an update may retain -> its name in a config. AWS does not retain the config of the capture."""


def _retaining(serving: list[Record], config: Record, excluded: list[str]) -> Record:
    """Return the config with the counts and weights of the variants that serve, apart from the excluded properties."""
    kept = {
        variant["VariantName"]: {name: variant[kind] for kind, name in _RETAINED.items() if kind not in excluded}
        for variant in serving
    }
    variants = [variant | kept.get(variant["VariantName"], {}) for variant in config["ProductionVariants"]]
    return {**config, "ProductionVariants": variants}


def describe(request: Record) -> Record:
    """Handle DescribeEndpoint."""
    return _public(store.get("endpoint", request["EndpointName"]))


def delete(request: Record) -> Record:
    """Handle DeleteEndpoint."""
    record = store.get("endpoint", request["EndpointName"])
    if record["EndpointStatus"] in ("Creating", "Updating"):
        raise in_use(f"Cannot delete in-progress endpoint {record['EndpointArn']}: {record['EndpointStatus']}.")
    endpoint = _live.pop(record["EndpointArn"])
    endpoint.delete()
    store.remove("endpoint", record["EndpointName"])
    return {}


def list_endpoints(request: Record) -> Record:
    """Handle ListEndpoints."""
    found = store.listing("endpoint", request, fields="EndpointStatus LastModifiedTime", descending=True)
    page, token = store.page(found, request)
    return {"Endpoints": page, **token}


def find(name: str) -> Endpoint:
    """Return the endpoint of that name in the calling account and region.

    Raises
    ------
    SageMakerError
        There is no such endpoint.
    """
    return _live[store.get("endpoint", name)["EndpointArn"]]


def _in_service(config: Record, fleet: Fleet) -> Record:
    described: Record = {
        "EndpointConfigName": config["EndpointConfigName"],
        "ProductionVariants": [variants.describe(variant) for variant in fleet.variants],
    }
    if capture := config.get("DataCaptureConfig"):
        described["DataCaptureConfig"] = {
            "EnableCapture": capture.get("EnableCapture", True),
            "CaptureStatus": "Started" if fleet.capture else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return described


def _public(record: Record) -> Record:
    return {name: value for name, value in record.items() if not name.startswith("_")}
