"""Builds an environment in moto, with fakes of what moto lacks: stack updates, invocations, executions, a bus."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from pipelines.aws.clients import Services
from pipelines.interface.keys import Key
from pipelines.interface.names import Environment
from pipelines.interface.paths import capture_prefix
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.settings import Drift, Gate, Job, ModelSettings, Quality, Retraining

R = TypeVar("R")

ENVIRONMENT = Environment(team="arrivals", stage="dev", account="123456789012", region="us-east-1")
MODEL = ENVIRONMENT.model("late-arrival")
ASSETS = "assets"
CODE = b"not really a code bundle"
PACKAGES_URI = f"s3://{ASSETS}/packages.gz"


def settings(**changes: Any) -> ModelSettings:
    """Return the settings of ``MODEL``, with some of them changed."""
    values: dict[str, Any] = {
        "model": MODEL.name,
        "dataset": "flights",
        "task": "classification",
        "target": "late",
        "time_column": "scheduled_departure",
        "window_months": 3,
        "holdout_months": 1,
        "image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0",
        "code_uri": f"s3://{ASSETS}/code.gz",
        "training": Job(instance_type="ml.m5.large", volume_gb=10, max_runtime_s=600),
        "processing": Job(instance_type="ml.m5.large", volume_gb=10, max_runtime_s=600),
        "gate": Gate(metric="auc", bound=0.6, min_gain=0.0, min_rows=100),
        "drift": Drift(window_hours=2, min_rows=50, false_alarm_rate=0.005, min_effect=0.07, persistence=1),
        "quality": Quality(min_labels=100, max_loss=0.1),
        "retraining": Retraining(triggers=("drift", "commit"), cooldown_s=600, max_runs_per_day=5),
        "approval": "manual",
        "two_people": True,
    }
    return ModelSettings(**{**values, **changes})


@dataclass
class Stack:
    """Fake of CloudFormation with one Serving stack, which resolves the release parameter at every update."""

    read: Callable[[], str]
    status: str = "UPDATE_COMPLETE"
    resolved: str = ReleaseState().to_value()
    calls: list[dict[str, Any]] = field(default_factory=list)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        parameters = [
            {"ParameterKey": "BootstrapVersion", "ParameterValue": "/cdk-bootstrap/x/version", "ResolvedValue": "30"},
            {"ParameterKey": "State", "ParameterValue": MODEL.release_parameter, "ResolvedValue": self.resolved},
        ]
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.status, "Parameters": parameters}]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {
            "StackEvents": [
                {"LogicalResourceId": StackName, "ResourceStatus": "UPDATE_ROLLBACK_COMPLETE"},
                {
                    "LogicalResourceId": "Endpoint",
                    "ResourceStatus": "UPDATE_FAILED",
                    "ResourceStatusReason": "the container did not answer /ping",
                },
                {"LogicalResourceId": StackName, "ResourceStatus": "UPDATE_IN_PROGRESS"},
            ]
        }

    def update_stack(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        if self.resolved == self.read():
            message = "No updates are to be performed."
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "UpdateStack")
        self.resolved = self.read()
        return {"StackId": "x"}

    def continue_update_rollback(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        self.status = "UPDATE_ROLLBACK_COMPLETE"
        return {}


@dataclass
class Bus:
    """Fake of the environment's bus, which keeps the events as (detail type, detail)."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        for entry in Entries:
            assert (entry["Source"], entry["EventBusName"]) == ("mooring", ENVIRONMENT.bus)
            self.events.append((entry["DetailType"], json.loads(entry["Detail"])))
        return {"FailedEntryCount": 0, "Entries": []}


@dataclass
class Sagemaker:
    """SageMaker of moto, whose update of a package otherwise deletes the metadata that the request does not name."""

    moto: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.moto, name)

    def update_model_package(self, **request: Any) -> Any:
        described = self.moto.describe_model_package(ModelPackageName=request["ModelPackageArn"])
        kept = described.get("CustomerMetadataProperties", {})
        return self.moto.update_model_package(**request, CustomerMetadataProperties=kept)


@dataclass
class Executions:
    """Fake of Step Functions, which keeps the inputs of the executions that were started."""

    running: set[str] = field(default_factory=set)
    started: list[dict[str, Any]] = field(default_factory=list)

    def start_execution(self, stateMachineArn: str, input: str) -> dict[str, str]:  # noqa: N803
        self.started.append({"machine": stateMachineArn, **json.loads(input)})
        return {"executionArn": f"{stateMachineArn}:{len(self.started)}"}

    def describe_execution(self, executionArn: str) -> dict[str, str]:  # noqa: N803
        number = executionArn.rpartition(":")[2]
        given = self.started[int(number) - 1] if number.isdigit() else {}
        return {"status": "RUNNING" if executionArn in self.running else "ABORTED", "input": json.dumps(given)}


@dataclass
class Endpoint:
    """Fake of sagemaker-runtime; ``answer`` returns the answer to a body, ``ids`` are the inference ids."""

    answer: Callable[[str], str]
    ids: list[str] = field(default_factory=list)

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.ids.append(request["InferenceId"])
        return {"Body": io.BytesIO(self.answer(request["Body"].decode()).encode())}


@dataclass
class World:
    """An environment, with the fakes in it; ``queue`` receives the alerts."""

    services: Services
    stack: Stack
    executions: Executions
    endpoint: Endpoint
    bus: Bus
    queue: str

    def client(self, service: str) -> Any:
        return self.services.client(service)

    def alerts(self) -> list[str]:
        """Return the alerts since the last call."""
        found = []
        while (
            messages := self.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages")
        ):
            for message in messages:
                self.client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"])["Message"])
        return found

    def set_settings(self, chosen: ModelSettings) -> None:
        self.client("ssm").put_parameter(
            Name=MODEL.settings_parameter, Value=chosen.to_json(), Type="String", Overwrite=True
        )

    def item(self, key: Key[R]) -> R:
        """Return a record of the ledger, which must be there."""
        found = self.services.ledger.get(key)
        assert found is not None, f"no item {key.pk} {key.sk}"
        return found

    def create_package(self, **request: Any) -> str:
        """Create a package of ``MODEL`` from CreateModelPackage's other arguments, and return its ARN."""
        created = self.client("sagemaker").create_model_package(ModelPackageGroupName=MODEL.package_group, **request)
        return str(created["ModelPackageArn"])


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", ENVIRONMENT.region)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@contextmanager
def new_world() -> Iterator[World]:
    """Return an environment without models in moto's AWS."""
    with mock_aws():
        made: dict[str, Any] = {}

        def clients(service: str) -> Any:
            if service not in made:
                made[service] = boto3.client(service, region_name=ENVIRONMENT.region)  # type: ignore[call-overload]
            return made[service]

        services = Services(ENVIRONMENT, clients)
        made["sagemaker"] = Sagemaker(moto=clients("sagemaker"))
        made["events"] = bus = Bus()
        made["cloudformation"] = stack = Stack(read=lambda: services.parameter(MODEL.release_parameter))
        made["stepfunctions"] = executions = Executions()
        made["sagemaker-runtime"] = endpoint = Endpoint(answer=lambda _: "0.5")
        for kind in ("data", "artifacts", "capture"):
            clients("s3").create_bucket(Bucket=ENVIRONMENT.bucket(kind))
        clients("s3").create_bucket(Bucket=ASSETS)
        clients("s3").put_object(Bucket=ASSETS, Key="code.gz", Body=CODE)
        clients("s3").put_object(Bucket=ASSETS, Key="packages.gz", Body=b"not really wheels")
        clients("dynamodb").create_table(
            TableName=ENVIRONMENT.ledger_table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        )
        queue = clients("sqs").create_queue(QueueName="alerts")["QueueUrl"]
        arn = f"arn:aws:sqs:{ENVIRONMENT.region}:{ENVIRONMENT.account}:alerts"
        clients("sns").create_topic(Name=ENVIRONMENT.topic)
        clients("sns").subscribe(TopicArn=ENVIRONMENT.topic_arn, Protocol="sqs", Endpoint=arn)
        clients("ssm").put_parameter(
            Name=ENVIRONMENT.key_parameter, Value="arn:aws:kms:us-east-1:1:key/k", Type="String"
        )
        services.put_parameter(MODEL.release_parameter, ReleaseState().to_value())
        clients("sagemaker").create_model_package_group(ModelPackageGroupName=MODEL.package_group)
        found = World(services=services, stack=stack, executions=executions, endpoint=endpoint, bus=bus, queue=queue)
        found.set_settings(settings())
        yield found


@pytest.fixture
def world() -> Iterator[World]:
    with new_world() as made:
        yield made


def serve(world: World, package_arn: str, suffix: str, *, captured_as: str = "") -> None:
    """Put a package into service as CloudFormation does, with a model, a config and an endpoint.

    ``captured_as`` is the version under which its traffic is captured, by default its own.
    """
    sagemaker = world.client("sagemaker")
    version = captured_as or package_arn.rpartition("/")[2]
    sagemaker.create_model(
        ModelName=f"model-{suffix}",
        ExecutionRoleArn=MODEL.environment.role_arn(MODEL.environment.job_role("serving")),
        PrimaryContainer={"ModelPackageName": package_arn},
    )
    variant = {"VariantName": "champion", "ModelName": f"model-{suffix}", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"config-{suffix}",
        ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{ENVIRONMENT.bucket('capture')}/{capture_prefix(MODEL.name, version)}",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    if sagemaker.list_endpoints()["Endpoints"]:
        sagemaker.delete_endpoint(EndpointName=MODEL.endpoint)
    sagemaker.create_endpoint(EndpointName=MODEL.endpoint, EndpointConfigName=f"config-{suffix}")
