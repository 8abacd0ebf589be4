"""A bucket, an execution role, and small programs for jobs and endpoints, for the tests of SageMaker."""

import io
import json
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws

IMAGE = f"141502667606.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
SAGEMAKER = {"Service": "sagemaker.amazonaws.com"}
BUCKET = "sagemaker-world"

TRAIN = """
import json, os, pathlib, sys
import numpy as np
from sklearn.linear_model import LinearRegression
import joblib
rows = np.loadtxt(pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]) / "rows.csv", delimiter=",")
model = LinearRegression().fit(rows[:, :1], rows[:, 1])
joblib.dump(model, pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "args.json").write_text(json.dumps([sys.argv[1:], dict(os.environ)]))
print("slope=%.3f" % model.coef_[0])
"""

INFERENCE = """
import joblib, os
def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
def predict_fn(data, model):
    return model.predict(data.reshape(-1, 1))
"""


def tar(files: dict[str, bytes | str]) -> bytes:
    """Return a .tar.gz of the files."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return sink.getvalue()


def constant_model(value: float, *, before: str = "") -> bytes:
    """Return a model.tar.gz that predicts ``value`` for every row; its code begins with ``before``."""
    code = f"""{before}
import numpy as np
def model_fn(model_dir):
    return {value}
def predict_fn(data, model):
    return np.full(np.atleast_1d(data).shape[0], model)
"""
    return tar({"code/inference.py": code})


@dataclass(frozen=True, kw_only=True)
class World:
    """A server with one bucket and one execution role, and calls that many tests make."""

    aws: EmbeddedAws
    role: str

    def client(self, service: str, role: str | None = None) -> Any:
        return self.aws.client(service, role=role)

    def put(self, key: str, body: bytes | str) -> str:
        data = body.encode() if isinstance(body, str) else body
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)
        return f"s3://{BUCKET}/{key}"

    def read(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def training_request(self, name: str, program: str, **changes: Any) -> dict[str, Any]:
        source = self.put(f"code/{name}.tar.gz", tar({"train.py": program}))
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": self.role,
            "HyperParameters": {
                "sagemaker_program": json.dumps("train.py"),
                "sagemaker_submit_directory": json.dumps(source),
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **changes,
        }

    def train(self, name: str, program: str, **changes: Any) -> dict[str, Any]:
        self.client("sagemaker").create_training_job(**self.training_request(name, program, **changes))
        return self.training_end(name)

    def training_end(self, name: str) -> dict[str, Any]:
        sagemaker = self.client("sagemaker")
        job: dict[str, Any] = wait(
            lambda: sagemaker.describe_training_job(TrainingJobName=name),
            until=lambda job: job["TrainingJobStatus"] not in ("InProgress", "Stopping"),
        )
        return job

    def model(self, name: str, archive: bytes) -> str:
        url = self.put(f"models/{name}.tar.gz", archive)
        container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}
        self.client("sagemaker").create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role)
        return name

    def config(self, name: str, model: str, **changes: Any) -> str:
        variant = {
            "VariantName": "main",
            "ModelName": model,
            "InstanceType": "ml.t2.medium",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1.0,
        }
        self.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant], **changes
        )
        return name

    def endpoint_settled(self, name: str) -> dict[str, Any]:
        sagemaker = self.client("sagemaker")
        described: dict[str, Any] = wait(
            lambda: sagemaker.describe_endpoint(EndpointName=name),
            until=lambda endpoint: endpoint["EndpointStatus"] in ("InService", "Failed"),
        )
        return described

    def serve(self, name: str, value: float, **changes: Any) -> None:
        self.config(name, self.model(name, constant_model(value)), **changes)
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
        described = self.endpoint_settled(name)
        assert described["EndpointStatus"] == "InService", described


def wait(read: Callable[[], Any], *, until: Callable[[Any], bool] = bool, timeout_s: float = 30) -> Any:
    """Call ``read`` until ``until`` accepts its value, and return the value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = read()
        if until(value):
            return value
        assert time.monotonic() < deadline, value
        time.sleep(0.05)


@pytest.fixture(scope="module")
def world(embedded_aws: EmbeddedAws) -> World:
    s3 = embedded_aws.client("s3")
    if BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:  # another test module has created it
        return World(aws=embedded_aws, role=f"arn:aws:iam::{ACCOUNT}:role/world-execution")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        },
        {"Effect": "Allow", "Action": "logs:*", "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:*"},
    ]
    role = embedded_aws.create_role("world-execution", statements, trusted=SAGEMAKER)
    return World(aws=embedded_aws, role=role)
