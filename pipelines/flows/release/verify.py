"""Verifies a release by the stack, the endpoint and the golden requests."""

import math
import statistics
import time
from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.aws.packages import read_package
from pipelines.aws.transient import is_throttled
from pipelines.flows.release.serving import leads_to, read_chain, read_stack
from pipelines.interface import log
from pipelines.interface.names import GOLDEN_INFERENCE, Model, version_of
from pipelines.interface.paths import capture_prefix
from pipelines.interface.records import GoldenRequests, Verification
from pipelines.interface.requests import VerifyRequest


class VerificationFailedError(RuntimeError):
    """The stack, the endpoint or its answers are not those intended; the message names the difference."""


def verify_release(
    request: VerifyRequest, services: Services, *, clock: Callable[[], float] = time.perf_counter
) -> Verification:
    """Check the stack, the endpoint and its answers to the golden requests.

    Raises
    ------
    VerificationFailedError
        One of them is not as intended.
    """
    release = request.release
    model, arn = services.environment.model(release.model), release.package_arn
    stack = read_stack(services, model)
    if stack.resolved != release.intended:
        raise VerificationFailedError(
            f"{stack.name} has the release state {stack.resolved}, {release.intended} was intended"
        )
    chain = read_chain(services, model)
    if chain is None or not leads_to(chain, arn):
        raise VerificationFailedError(f"endpoint {model.endpoint} should lead to {arn}, found {chain}")
    # If the endpoint still captured for its last version, the drift check would not see this one's traffic.
    wanted = services.bucket("capture").uri(capture_prefix(model.name, version_of(arn)))
    if chain.capture_uri != wanted:
        found = chain.capture_uri or "nowhere"
        raise VerificationFailedError(f"endpoint {model.endpoint} captures traffic to {found}, not to {wanted}")
    verification = ask_golden(services, model, arn, release.release_id, clock)
    log.info("release verified", latency_ms=verification.latency_ms, golden_rows=verification.golden_rows)
    return verification


def ask_golden(
    services: Services, model: Model, package_arn: str, release_id: str, clock: Callable[[], float]
) -> Verification:
    """Send the endpoint the golden requests, and compare its answers within the recorded tolerance."""
    uri = read_package(services, package_arn).metadata.golden_uri
    artifacts = services.bucket("artifacts")
    golden = artifacts.read_record(GoldenRequests, artifacts.key_of(uri))
    latencies, rows = [], 0
    for number, request in enumerate(golden.requests):
        begun = clock()
        try:
            answer = services.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=model.endpoint,
                ContentType=golden.content_type,
                Accept="text/csv",
                Body=request.body.encode(),
                InferenceId=f"{GOLDEN_INFERENCE}{release_id}-{number}",
            )
            text = answer["Body"].read().decode()
        except ClientError as error:
            if is_throttled(error):
                raise
            raise VerificationFailedError(f"golden request {number} of {package_arn} failed: {error}") from error
        latencies.append(1000 * (clock() - begun))
        check_answer(text, request.expected, golden.tolerance, f"golden request {number} of {package_arn}")
        rows += len(request.expected)
    if not rows:
        raise VerificationFailedError(f"{uri} holds no golden request")
    return Verification(latency_ms=round(statistics.median(latencies), 1), golden_rows=rows)


def check_answer(text: str, expected: Sequence[float], tolerance: float, what: str) -> None:
    """Raise ``VerificationFailedError`` unless ``text`` has the expected number in each line."""
    try:
        found = [float(line) for line in text.split()]
    except ValueError as error:
        raise VerificationFailedError(f"{what}: the answer is not one number per line: {text[:100]!r}") from error
    close = len(found) == len(expected) and all(
        math.isclose(one, two, rel_tol=tolerance, abs_tol=tolerance) for one, two in zip(found, expected, strict=True)
    )
    if not close:
        raise VerificationFailedError(f"{what}: the answer is {found}, recorded is {list(expected)}")
