"""Does what serves serve what was meant, and answer as it did when it was evaluated?"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.flows.release.serving import leads_to, read_chain, read_stack, resolved_value
from pipelines.interface.names import GOLDEN_INFERENCE, Model
from pipelines.interface.paths import capture_prefix


class VerificationFailedError(RuntimeError):
    """The release is not what was intended; the message says what was found."""


def verify_release(
    event: Mapping[str, Any], services: Services, *, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Any]:
    """Check stack, chain and golden requests; returns ``latency_ms`` (median of a request) and ``golden_rows``."""
    release = event["release"]
    model, arn = services.environment.model(release["model"]), release["package_arn"]
    stack = read_stack(services, model)
    resolved = resolved_value(stack, model)
    if resolved != release["intended"]:
        raise VerificationFailedError(f"{stack['StackName']} stands at {resolved}, {release['intended']} was intended")
    chain = read_chain(services, model)
    if chain is None or not leads_to(chain, arn):
        raise VerificationFailedError(f"endpoint {model.endpoint} should lead to {arn}, found {chain}")
    # An endpoint that still captures for its last version would hide this one's traffic from the drift check.
    wanted = services.bucket("capture").uri(capture_prefix(model.name, arn.rpartition("/")[2]))
    if chain.capture_uri != wanted:
        found = chain.capture_uri or "nowhere"
        raise VerificationFailedError(f"endpoint {model.endpoint} captures traffic to {found}, not to {wanted}")
    return ask_golden(services, model, arn, release["release_id"], clock)


def ask_golden(
    services: Services, model: Model, package_arn: str, release_id: str, clock: Callable[[], float]
) -> dict[str, Any]:
    """Ask the endpoint what the evaluation asked, and compare within the recorded tolerance."""
    uri = services.package(package_arn).get("CustomerMetadataProperties", {}).get("golden_uri", "")
    artifacts = services.bucket("artifacts")
    golden = artifacts.read_json(artifacts.key_of(uri))
    latencies, rows = [], 0
    for number, request in enumerate(golden["requests"]):
        begun = clock()
        try:
            answer = services.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=model.endpoint,
                ContentType=golden["content_type"],
                Accept="text/csv",
                Body=request["body"].encode(),
                InferenceId=f"{GOLDEN_INFERENCE}{release_id}-{number}",
            )
            text = answer["Body"].read().decode()
        except ClientError as error:
            raise VerificationFailedError(f"golden request {number} of {package_arn} failed: {error}") from error
        latencies.append(1000 * (clock() - begun))
        check_answer(text, request["expected"], golden["tolerance"], f"golden request {number} of {package_arn}")
        rows += len(request["expected"])
    if not rows:
        raise VerificationFailedError(f"{uri} holds no golden request")
    return {"latency_ms": round(statistics.median(latencies), 1), "golden_rows": rows}


def check_answer(text: str, expected: Sequence[float], tolerance: float, what: str) -> None:
    """Raise ``VerificationFailedError`` unless ``text`` has the expected number in each line."""
    try:
        found = [float(line) for line in text.split()]
    except ValueError as error:
        raise VerificationFailedError(f"{what}: the answer is no number a line: {text[:100]!r}") from error
    close = len(found) == len(expected) and all(
        math.isclose(one, two, rel_tol=tolerance, abs_tol=tolerance) for one, two in zip(found, expected, strict=True)
    )
    if not close:
        raise VerificationFailedError(f"{what}: answered {found}, recorded were {list(expected)}")
