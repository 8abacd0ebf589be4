"""InvokeEndpoint: forward an HTTP request to a variant's process and return its answer."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id

from mooring.embedded.repairs import metrics
from mooring.embedded.sagemaker import endpoints, store
from mooring.embedded.sagemaker.capture import Exchange
from mooring.embedded.sagemaker.errors import SageMakerError, unsupported
from mooring.embedded.sagemaker.variants import Answer, Variant

MAX_BODY = 6 * 1024 * 1024
"""Largest request body in bytes."""

_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations/?")
_UNSUPPORTED = {
    "x-amzn-sagemaker-target-model": "TargetModel",
    "x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname",
    "x-amzn-sagemaker-inference-component": "InferenceComponentName",
    "x-amzn-sagemaker-enable-explanations": "EnableExplanations",
    "x-amzn-sagemaker-session-id": "SessionId",
}
_CUSTOM = "x-amzn-sagemaker-custom-attributes"

Response = tuple[int, dict[str, str], bytes]


def endpoint_name(path: str) -> str | None:
    """Return the endpoint that the path invokes, or None for any other path."""
    match = _INVOCATION.fullmatch(path)
    return match.group(1) if match else None


def invoke(name: str, headers: dict[str, str], body: bytes) -> Response:
    """Answer one InvokeEndpoint request; block until the model has answered."""
    try:
        return _invoke(name, headers, body)
    except SageMakerError as error:
        return refusal(error)


def refusal(error: SageMakerError) -> Response:
    """Return the HTTP answer of the runtime for an error."""
    headers = {"Content-Type": "application/json", "x-amzn-errortype": error.code}
    return error.status, headers, json.dumps({"Message": error.message, **error.details}).encode()


def _invoke(name: str, headers: dict[str, str], body: bytes) -> Response:
    began = time.monotonic()
    for header, parameter in _UNSUPPORTED.items():
        if header in headers:
            raise unsupported(f"InvokeEndpoint with {parameter}")
    if len(body) > MAX_BODY:
        message = f"The request body has {len(body)} bytes; at most {MAX_BODY} are allowed: send fewer rows"
        raise SageMakerError("ValidationError", message, status=413)
    try:
        endpoint = endpoints.find(name)
    except SageMakerError:
        message = f"Endpoint {name} of account {get_account_id()} not found."
        raise SageMakerError("ValidationError", message) from None
    forwarded = {"Content-Type": headers.get("content-type", ""), "Accept": headers.get("accept", "*/*")}
    if not forwarded["Content-Type"]:
        del forwarded["Content-Type"]
    if _CUSTOM in headers:
        forwarded["X-Amzn-SageMaker-Custom-Attributes"] = headers[_CUSTOM]
    with endpoint.use_fleet() as fleet:
        variant = fleet.choose(headers.get("x-amzn-sagemaker-target-variant"))
        with _measured(name, variant, began):
            answer = _forward(variant, body, forwarded)
            if answer.status >= 400:
                raise _model_error(variant, answer)
        if fleet.capture is not None:
            fleet.capture.offer(
                Exchange(
                    variant=variant.name,
                    body=body,
                    content_type=forwarded.get("Content-Type", ""),
                    answer=answer.body,
                    answer_type=answer.content_type,
                    inference_id=headers.get("x-amzn-sagemaker-inference-id", ""),
                    time=store.now(),
                )
            )
    # "content-type" is in lower case, because MiniStack replaces "Content-Type: application/json" by the content type
    # of SageMaker's control plane.
    answer_headers = {"content-type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant.name}
    if _CUSTOM in headers:
        answer_headers["X-Amzn-SageMaker-Custom-Attributes"] = headers[_CUSTOM]
    return 200, answer_headers, answer.body


@contextlib.contextmanager
def _measured(endpoint: str, variant: Variant, began: float) -> Iterator[None]:
    """Publish the metrics of one request, whose model works inside the block; ``began`` is when the request came.

    The rest of the request, which OverheadLatency is, ends here: what follows takes no time that counts.
    """
    called = time.monotonic()
    status = 200
    try:
        yield
    except SageMakerError as error:
        status = error.details.get("OriginalStatusCode", error.status)
        raise
    finally:
        ended = time.monotonic()
        values = {
            "Invocations": (1.0, "None"),
            "InvocationsPerInstance": (1.0 / variant.instances, "None"),
            "Invocation4XXErrors": (float(400 <= status < 500), "None"),
            "Invocation5XXErrors": (float(status >= 500), "None"),
            "InvocationModelErrors": (float(status >= 400), "None"),
            "ModelLatency": (_microseconds(ended - called), "Microseconds"),
            "OverheadLatency": (_microseconds(called - began), "Microseconds"),
        }
        metrics.record("AWS/SageMaker", values, {"EndpointName": endpoint, "VariantName": variant.name})


def _microseconds(seconds: float) -> float:
    """Return a duration to two digits: under load, equal ones share a stored point."""
    return float(f"{seconds * 1e6:.2g}")


def _forward(variant: Variant, body: bytes, headers: dict[str, str]) -> Answer:
    try:
        return variant.invoke(body, headers)
    except OSError as error:
        message = f"The variant {variant.name} is not available; it is being restarted, so try again ({error})"
        raise SageMakerError("ServiceUnavailable", message, status=503) from error


def _model_error(variant: Variant, answer: Answer) -> SageMakerError:
    text = answer.body.decode("utf-8", "replace")[:4096]
    details: dict[str, Any] = {
        "OriginalStatusCode": answer.status,
        "OriginalMessage": text,
        "LogStreamArn": f"{variant.log_names['group']}:{variant.log_names['stream']}",
    }
    message = f"Received {'client' if answer.status < 500 else 'server'} error ({answer.status}) from primary"
    return SageMakerError(
        "ModelError", f'{message} with message "{text}". See {details["LogStreamArn"]}', status=424, details=details
    )
