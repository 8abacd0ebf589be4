"""One environment's resources through one set of AWS clients."""

from collections.abc import Callable
from functools import cache

import boto3
from botocore.config import Config
from botocore.exceptions import UnknownServiceError

from pipelines.aws.client import Client
from pipelines.aws.ledger import Ledger
from pipelines.aws.parallel import WORKERS
from pipelines.aws.s3 import HASHED_ONCE, Bucket
from pipelines.interface.names import Environment
from pipelines.interface.settings import ModelSettings

NEEDED = {"s3": (("CopyObject", "IfNoneMatch"), ("PutObject", "IfNoneMatch"))}
"""Parameters of operations that are younger than some boto3 of Lambda's runtime, by service."""


class OldSdkError(RuntimeError):
    """The function runs with a boto3 that lacks what it calls, so its layer is missing."""


@cache
def client(service: str, region: str | None = None) -> Client:
    """Return a boto3 client that retries throttling and outages a few times, with backoff; one per process.

    Its region is that of the process unless ``region`` names another.

    Raises
    ------
    OldSdkError
        boto3 does not know the service, or lacks a parameter that the functions need.
    """
    config = Config(retries={"mode": "standard", "max_attempts": 4}, max_pool_connections=WORKERS, **HASHED_ONCE)
    try:
        made = boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]
    except UnknownServiceError as error:
        raise _old_sdk(f"the service {service}") from error
    require_needed(service, made)
    return made


def require_needed(service: str, made: Client) -> None:
    """Raise ``OldSdkError`` if a client lacks a parameter of ``NEEDED``: else the first write would fail."""
    for operation, parameter in NEEDED.get(service, ()):
        if parameter not in made.meta.service_model.operation_model(operation).input_shape.members:
            raise _old_sdk(f"{parameter} of {service}'s {operation}")


def _old_sdk(missing: str) -> OldSdkError:
    return OldSdkError(
        f"boto3 {boto3.__version__} of this function has not {missing}: deploy the Operations stack again, "
        "which gives each function the layer of boto3"
    )


class Services:
    """One environment's resources; ``clients`` returns a client by its service's name."""

    def __init__(self, environment: Environment, clients: Callable[[str], Client] = client) -> None:
        self.environment = environment
        self.client = clients

    @classmethod
    def of(cls, environment: Environment) -> "Services":
        """Return another environment's resources, through clients of its region."""
        return cls(environment, lambda service: client(service, environment.region))

    @property
    def ledger(self) -> Ledger:
        return Ledger(client=self.client("dynamodb"), table=self.environment.ledger_table)

    def bucket(self, kind: str) -> Bucket:
        environment = self.environment
        return Bucket(client=self.client("s3"), name=environment.bucket(kind), owner=environment.account)

    def parameter(self, name: str) -> str:
        return str(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    def put_parameter(self, name: str, value: str) -> None:
        self.client("ssm").put_parameter(Name=name, Value=value, Type="StringList", Overwrite=True)

    def settings(self, model: str) -> ModelSettings:
        """Return a model's settings; raises ``InvalidRecordError`` if its parameter holds none."""
        return ModelSettings.from_json(self.parameter(self.environment.model(model).settings_parameter))
