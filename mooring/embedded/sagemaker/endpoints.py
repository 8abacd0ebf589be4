"""Endpoints: a fleet of variants in service, and its exchange for another without a failed request."""

import contextlib
import contextvars
import logging
import random
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mooring.embedded.sagemaker import events, store, variants
from mooring.embedded.sagemaker.capture import CaptureWriter
from mooring.embedded.sagemaker.errors import in_use, invalid
from mooring.embedded.sagemaker.store import Record
from mooring.embedded.sagemaker.variants import Variant, VariantError

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
    """Where endpoints have their folders."""
    global _home  # noqa: PLW0603 - one server, one home
    _home = home


class Fleet:
    """The variants of one endpoint config, started together."""

    def __init__(self, endpoint: str, config: Record) -> None:
        self.config = config
        self._base = _home / "endpoints" / store.suffix()
        self.variants = [Variant(endpoint, production, self._base) for production in config["ProductionVariants"]]
        self.capture: CaptureWriter | None = None
        self._endpoint = endpoint
        self._inflight = 0
        self._idle = threading.Condition()

    def start(self) -> None:
        """Start every variant at once, and return when all are healthy.

        Raises
        ------
        VariantError
            One is not; none is left running.
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
        """A request that ``retire`` waits for."""
        with self._idle:
            self._inflight += 1
        try:
            yield
        finally:
            with self._idle:
                self._inflight -= 1
                self._idle.notify_all()

    def choose(self, target: str | None) -> Variant:
        """The variant that the caller names, else one by weight.

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
        """Once the last request is answered: write what was captured, end the processes."""
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
    """An endpoint's record and what serves it; its changes run in threads of their own."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.fleet: Fleet | None = None
        self._deleted = False
        self._changed = threading.Condition()

    def begin(self, config: Record, *, status: str) -> None:
        """Start the change to ``config``; returns at once."""
        self.record["_updating_to"] = config["EndpointConfigName"]
        self._enter(status)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._change, config), daemon=True).start()

    @contextlib.contextmanager
    def lease(self) -> Iterator[Fleet]:
        """The fleet in service, kept alive meanwhile.

        Raises
        ------
        SageMakerError
            Nothing is in service.
        """
        with contextlib.ExitStack() as stack:
            with self._changed:
                if self.fleet is None:
                    raise invalid(f"Endpoint {self.record['EndpointName']} is {self.record['EndpointStatus']}.")
                fleet = self.fleet
                stack.enter_context(fleet.request())
            yield fleet

    def delete(self) -> None:
        """Take it out of service; processes end once their requests are answered."""
        with self._changed:
            self._deleted = True
            fleet, self.fleet = self.fleet, None
        if fleet is not None:
            threading.Thread(target=contextvars.copy_context().run, args=(fleet.retire,), daemon=True).start()

    def wait_settled(self, timeout_s: float) -> Record:
        """The record once no change is under way."""
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


def create(request: Record) -> Record:
    """CreateEndpoint."""
    config = store.get("endpoint-config", request["EndpointConfigName"])
    record = {"EndpointConfigName": config["EndpointConfigName"], "EndpointStatus": "Creating"}
    stored = store.add("endpoint", request["EndpointName"], record, request.get("Tags", []))
    endpoint = Endpoint(stored)
    _live[stored["EndpointArn"]] = endpoint
    endpoint.begin(config, status="Creating")
    return {"EndpointArn": stored["EndpointArn"]}


def update(request: Record) -> Record:
    """UpdateEndpoint: the old config serves until the new one is healthy, and goes on if it never is."""
    record = store.get("endpoint", request["EndpointName"])
    config = store.get("endpoint-config", request["EndpointConfigName"])
    with store.region().lock:
        if record["EndpointStatus"] not in ("InService", "Failed"):
            raise invalid(f"Cannot update in-progress endpoint {record['EndpointArn']}: {record['EndpointStatus']}.")
        if record["EndpointStatus"] == "InService" and config["EndpointConfigName"] == record["EndpointConfigName"]:
            raise invalid(f"Cannot update endpoint {record['EndpointName']}: it has this endpoint config already.")
        record.pop("FailureReason", None)
        find(record["EndpointName"]).begin(config, status="Updating")
    return {"EndpointArn": record["EndpointArn"]}


def describe(request: Record) -> Record:
    """DescribeEndpoint."""
    return _public(store.get("endpoint", request["EndpointName"]))


def delete(request: Record) -> Record:
    """DeleteEndpoint."""
    record = store.get("endpoint", request["EndpointName"])
    if record["EndpointStatus"] in ("Creating", "Updating"):
        raise in_use(f"Cannot delete in-progress endpoint {record['EndpointArn']}: {record['EndpointStatus']}.")
    endpoint = _live.pop(record["EndpointArn"])
    endpoint.delete()
    store.remove("endpoint", record["EndpointName"])
    return {}


def summaries(request: Record) -> Record:
    """ListEndpoints."""
    found = store.listing("endpoint", request, fields="EndpointStatus LastModifiedTime", descending=True)
    page, token = store.page(found, request)
    return {"Endpoints": page, **token}


def find(name: str) -> Endpoint:
    """The endpoint of that name in the calling account and region.

    Raises
    ------
    SageMakerError
        There is none.
    """
    return _live[store.get("endpoint", name)["EndpointArn"]]


def _in_service(config: Record, fleet: Fleet) -> Record:
    described: Record = {
        "EndpointConfigName": config["EndpointConfigName"],
        "ProductionVariants": [
            variants.describe(variant, production)
            for variant, production in zip(fleet.variants, config["ProductionVariants"], strict=True)
        ],
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
