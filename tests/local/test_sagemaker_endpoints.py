"""SageMaker endpoints, called with boto3: invocations, capture, updates under load, IAM."""

import json
import threading
import time
from collections import Counter
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION
from tests.support.sagemaker_world import BUCKET, World, constant_model, wait, world

__all__ = ["world"]


def _invoke(client: Any, name: str, body: bytes = b"1\n2\n", **more: Any) -> Any:
    answer = client.invoke_endpoint(EndpointName=name, Body=body, ContentType="text/csv", **more)
    return json.loads(answer["Body"].read())


def test_an_endpoint_serves_and_captures(world: World) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    began = time.monotonic()
    world.serve("captured", 7.0, DataCaptureConfig=capture)
    assert time.monotonic() - began < 10
    runtime = world.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName="captured", Body=b"1,2\n3,4\n", ContentType="text/csv", InferenceId="i-1", CustomAttributes="trace"
    )
    assert json.loads(answer["Body"].read()) == [7.0, 7.0]
    assert (answer["InvokedProductionVariant"], answer["ContentType"]) == ("main", "application/json")
    assert answer["CustomAttributes"] == "trace"
    s3 = world.client("s3")
    files = wait(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="capture/captured/main/").get("Contents", []))
    assert files[0]["Key"].endswith(".jsonl")
    line = json.loads(world.read(f"s3://{BUCKET}/{files[0]['Key']}").splitlines()[0])
    assert line["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2\n3,4\n",
        "encoding": "CSV",
    }
    assert line["captureData"]["endpointOutput"]["encoding"] == "BASE64"
    assert line["eventMetadata"]["inferenceId"] == "i-1"
    described = world.client("sagemaker").describe_endpoint(EndpointName="captured")
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert described["ProductionVariants"][0]["DesiredWeight"] == 1.0


def test_endpoint_config_accepts_what_terraform_sends(world: World) -> None:
    """Terraform writes the switches of every variant, off unless asked otherwise."""
    variant = {
        "VariantName": "main",
        "ModelName": world.model("terraform", constant_model(1.0)),
        "InstanceType": "ml.t2.medium",
        "InitialInstanceCount": 1,
        "EnableSSMAccess": False,
        "ManagedInstanceScaling": {"Status": "DISABLED"},
    }
    client = world.client("sagemaker")
    client.create_endpoint_config(EndpointConfigName="terraform", ProductionVariants=[variant])
    client.create_endpoint(EndpointName="terraform", EndpointConfigName="terraform")
    assert world.endpoint_settled("terraform")["EndpointStatus"] == "InService"
    (described,) = client.describe_endpoint_config(EndpointConfigName="terraform")["ProductionVariants"]
    assert described["EnableSSMAccess"] is False
    with pytest.raises(ClientError, match=r"ProductionVariants\.EnableSSMAccess = True"):
        client.create_endpoint_config(
            EndpointConfigName="debugged", ProductionVariants=[variant | {"EnableSSMAccess": True}]
        )


def test_no_request_fails_during_an_update(world: World) -> None:
    world.serve("steady-1", 1.0)
    world.config("steady-2", world.model("steady-2", constant_model(2.0)))
    seen: Counter[float] = Counter()
    done = threading.Event()

    def invoke() -> None:
        runtime = world.client("sagemaker-runtime")
        while not done.is_set():
            seen[_invoke(runtime, "steady-1")[0]] += 1

    threads = [threading.Thread(target=invoke) for _ in range(4)]
    for thread in threads:
        thread.start()
    sagemaker = world.client("sagemaker")
    sagemaker.update_endpoint(EndpointName="steady-1", EndpointConfigName="steady-2")
    assert sagemaker.describe_endpoint(EndpointName="steady-1")["EndpointStatus"] == "Updating"
    described = world.endpoint_settled("steady-1")
    assert described["EndpointConfigName"] == "steady-2"
    wait(lambda: seen[2.0] > 50)
    done.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert set(seen) == {1.0, 2.0}


def test_a_failed_update_keeps_the_old_config_in_service(world: World) -> None:
    world.serve("keeps", 1.0)
    world.config("broken", world.model("broken", constant_model(0, before="raise RuntimeError('cannot load')")))
    world.client("sagemaker").update_endpoint(EndpointName="keeps", EndpointConfigName="broken")
    described = world.endpoint_settled("keeps")
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == "keeps"
    assert "cannot load" in described["FailureReason"]
    assert _invoke(world.client("sagemaker-runtime"), "keeps") == [1.0, 1.0]


def test_an_endpoint_that_cannot_load_its_model_fails_and_can_be_deleted(world: World) -> None:
    world.config("dead", world.model("dead", constant_model(0, before="import nothing_like_this")))
    sagemaker = world.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="dead", EndpointConfigName="dead")
    described = world.endpoint_settled("dead")
    assert described["EndpointStatus"] == "Failed"
    assert "nothing_like_this" in described["FailureReason"]
    sagemaker.delete_endpoint(EndpointName="dead")
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_endpoint(EndpointName="dead")


def test_http_error_of_the_model_is_a_model_error(world: World) -> None:
    world.serve("picky", 1.0)
    runtime = world.client("sagemaker-runtime")
    with pytest.raises(ClientError) as refused:
        runtime.invoke_endpoint(EndpointName="picky", Body=b"x", ContentType="image/png")
    answer: Any = refused.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == 415
    with pytest.raises(ClientError, match="TargetModel"):
        runtime.invoke_endpoint(EndpointName="picky", Body=b"1", ContentType="text/csv", TargetModel="a")


def test_a_killed_variant_is_restarted(world: World) -> None:
    world.serve("phoenix", 3.0)
    before = {p.pid for p in psutil.process_iter(["cmdline"]) if "serving.py" in " ".join(p.info["cmdline"] or [])}
    runtime = world.client("sagemaker-runtime")
    victims = [
        process
        for process in map(psutil.Process, before)
        if "supervise.py" not in " ".join(process.cmdline()) and process.environ().get("MOORING_ENDPOINT") == "phoenix"
    ]
    assert len(victims) == 1
    victims[0].kill()

    def answers() -> bool:
        try:
            return bool(_invoke(runtime, "phoenix") == [3.0, 3.0])
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ServiceUnavailable"  # noqa: PT017 - no other error is allowed
            return False

    wait(answers)


def test_weights_and_targets_choose_the_variant(world: World) -> None:
    models = {name: world.model(f"split-{name}", constant_model(value)) for name, value in {"a": 1.0, "b": 2.0}.items()}
    variants = [
        {
            "VariantName": name,
            "ModelName": model,
            "InstanceType": "ml.t2.medium",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for (name, model), weight in zip(models.items(), (3.0, 1.0), strict=True)
    ]
    sagemaker, runtime = world.client("sagemaker"), world.client("sagemaker-runtime")
    sagemaker.create_endpoint_config(EndpointConfigName="split", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="split", EndpointConfigName="split")
    assert world.endpoint_settled("split")["EndpointStatus"] == "InService"
    seen = Counter(_invoke(runtime, "split", b"1")[0] for _ in range(200))
    assert 110 < seen[1.0] < 185
    assert _invoke(runtime, "split", b"1", TargetVariant="b") == [2.0]
    with pytest.raises(ClientError, match="Variant c not found"):
        _invoke(runtime, "split", b"1", TargetVariant="c")


def test_invoking_needs_permission_on_that_endpoint(world: World) -> None:
    world.serve("guarded", 1.0)
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/guarded"
    allowed = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn}
    runtime = world.client("sagemaker-runtime", world.aws.create_role("invokes", [allowed]))
    assert _invoke(runtime, "guarded", b"1") == [1.0]
    other = {**allowed, "Resource": arn.replace("guarded", "another")}
    runtime = world.client("sagemaker-runtime", world.aws.create_role("invokes-another", [other]))
    with pytest.raises(ClientError, match="sagemaker:InvokeEndpoint"):
        _invoke(runtime, "guarded", b"1")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ShadowProductionVariants": []}, "ShadowProductionVariants"),
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/p"}}}, "AsyncInferenceConfig"),
    ],
)
def test_unsupported_configs_are_refused_by_name(world: World, changes: dict[str, Any], named: str) -> None:
    sagemaker = world.client("sagemaker")
    model = world.model(f"m-{named[:6]}", constant_model(1.0))
    variant = {"VariantName": "v", "ModelName": model, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
    if named == "ShadowProductionVariants":
        changes = {named: [variant]}
    with pytest.raises(ClientError, match=named):
        sagemaker.create_endpoint_config(EndpointConfigName="refused", ProductionVariants=[variant], **changes)


def test_guardrails_are_refused_by_name(world: World) -> None:
    world.serve("plain", 1.0)
    policy = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    }
    with pytest.raises(ClientError, match="DeploymentConfig"):
        world.client("sagemaker").update_endpoint(
            EndpointName="plain", EndpointConfigName="plain", DeploymentConfig=policy
        )


def test_update_that_retains_keeps_the_number_of_instances_and_not_the_capture_prefix(world: World) -> None:
    sagemaker, model = world.client("sagemaker"), world.model("retain", constant_model(1.0))

    def configure(version: int, count: int) -> str:
        variant = {"VariantName": "main", "ModelName": model, "InstanceType": "ml.t2.medium"}
        variants = [{**variant, "InitialInstanceCount": count, "InitialVariantWeight": 1.0}]
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/retained/v{version}",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }
        name = f"retain-{version}"
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants, DataCaptureConfig=capture
        )
        return name

    def updated(version: int, count: int, **how: Any) -> tuple[int, str]:
        sagemaker.update_endpoint(EndpointName="retain", EndpointConfigName=configure(version, count), **how)
        described = world.endpoint_settled("retain")
        return (
            described["ProductionVariants"][0]["CurrentInstanceCount"],
            described["DataCaptureConfig"]["DestinationS3Uri"],
        )

    sagemaker.create_endpoint(EndpointName="retain", EndpointConfigName=configure(1, 2))
    world.endpoint_settled("retain")
    assert updated(2, 1, RetainAllVariantProperties=True) == (2, f"s3://{BUCKET}/retained/v2")
    assert updated(4, 1, RetainAllVariantProperties=True)[0] == 2, (
        "the number is that of the instances, not of a config"
    )
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    how = {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": excluded}
    assert updated(3, 1, **how) == (1, f"s3://{BUCKET}/retained/v3")
