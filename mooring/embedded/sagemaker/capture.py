"""Data capture: write requests and answers to S3 as JSON Lines in SageMaker's format, under the model's role."""

import base64
import json
import logging
import queue
import random
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mooring.embedded.sagemaker.s3data import split
from mooring.embedded.sagemaker.store import Record
from mooring.embedded.sessions import RoleSession

logger = logging.getLogger("mooring.sagemaker")

FLUSH_AFTER_S = 2.0
"""Seconds after which a batch is written, from its first exchange."""
FLUSH_AT_BYTES = 4 * 1024 * 1024
"""Bytes of requests and answers from which a batch is written."""
_MAX_WAITING = 100_000


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request to a variant and its answer."""

    variant: str
    body: bytes
    content_type: str
    answer: bytes
    answer_type: str
    inference_id: str
    time: datetime


def line(exchange: Exchange, config: Record) -> bytes:
    """Return the exchange as one line of a capture file; ``config`` is the endpoint config's DataCaptureConfig."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    sides = {
        "endpointInput": ("Input", "INPUT", exchange.body, exchange.content_type),
        "endpointOutput": ("Output", "OUTPUT", exchange.answer, exchange.answer_type),
    }
    captured = {
        name: _side(mode, body, kind, config)
        for name, (option, mode, body, kind) in sides.items()
        if option in modes or "InputAndOutput" in modes
    }
    metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": exchange.time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if exchange.inference_id:
        metadata["inferenceId"] = exchange.inference_id
    return json.dumps({"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}).encode() + b"\n"


def _side(mode: str, body: bytes, kind: str, config: Record) -> dict[str, Any]:
    header = config.get("CaptureContentTypeHeader", {})
    bare = kind.partition(";")[0].strip()
    encoding = "BASE64"
    if bare in header.get("CsvContentTypes", []):
        encoding = "CSV"
    elif bare in header.get("JsonContentTypes", []):
        encoding = "JSON"
    try:
        data = body.decode("utf-8") if encoding != "BASE64" else ""
    except UnicodeDecodeError:
        encoding = "BASE64"
    if encoding == "BASE64":
        data = base64.b64encode(body).decode()
    return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}


class CaptureWriter:
    """Writer of an endpoint's exchanges, in batches; a failure is logged and never fails a prediction."""

    def __init__(self, endpoint: str, config: Record, sessions: dict[str, RoleSession]) -> None:
        self._endpoint = endpoint
        self._config = config
        self._clients = {variant: session.client("s3") for variant, session in sessions.items()}
        self._waiting: queue.Queue[Exchange | None] = queue.Queue(_MAX_WAITING)
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"capture-{endpoint}")
        self._thread.start()

    def offer(self, exchange: Exchange) -> None:
        """Queue the exchange, if the sampling selects it; never block."""
        if random.random() * 100 >= self._config["InitialSamplingPercentage"]:
            return
        try:
            self._waiting.put_nowait(exchange)
        except queue.Full:
            logger.warning("endpoint %s: a capture was dropped, %d are waiting", self._endpoint, _MAX_WAITING)

    def close(self) -> None:
        """Write the exchanges that are left and end the thread."""
        self._waiting.put(None)
        self._thread.join(30)

    def _run(self) -> None:
        batch: list[Exchange] = []
        size, due = 0, 0.0
        while True:
            try:
                exchange = self._waiting.get(timeout=max(0.0, due - time.monotonic()) if batch else None)
            except queue.Empty:
                exchange = None
            else:
                if exchange is None:
                    self._write(batch)
                    return
            if exchange is not None:
                due = due if batch else time.monotonic() + FLUSH_AFTER_S
                batch.append(exchange)
                size += len(exchange.body) + len(exchange.answer)
            if time.monotonic() >= due or size >= FLUSH_AT_BYTES:
                self._write(batch)
                batch, size = [], 0

    def _write(self, batch: list[Exchange]) -> None:
        files: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        for exchange in batch:
            files[exchange.variant, exchange.time.strftime("%Y/%m/%d/%H")].append(exchange)
        for (variant, hour), exchanges in files.items():
            try:
                self._put(variant, hour, b"".join(line(exchange, self._config) for exchange in exchanges))
            except Exception as error:
                logger.warning("endpoint %s: %d captures are lost: %s", self._endpoint, len(exchanges), error)

    def _put(self, variant: str, hour: str, body: bytes) -> None:
        bucket, prefix = split(self._config["DestinationS3Uri"])
        stamp = datetime.now(UTC).strftime("%M-%S-%f")[:-3]
        parts = [prefix.strip("/"), self._endpoint, variant, hour, f"{stamp}-{uuid.uuid4()}.jsonl"]
        key = self._config.get("KmsKeyId")
        self._clients[variant].put_object(
            Bucket=bucket,
            Key="/".join(part for part in parts if part),
            Body=body,
            ContentType="application/jsonlines",
            **({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}),
        )
