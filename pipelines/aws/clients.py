"""One environment's resources through one set of AWS clients."""

from collections.abc import Callable
from functools import cache

import boto3
from botocore.config import Config

from pipelines.aws.client import Client
from pipelines.aws.ledger import Ledger
from pipelines.aws.parallel import WORKERS
from pipelines.aws.s3 import HASHED_ONCE, Bucket
from pipelines.interface.names import Environment
from pipelines.interface.settings import ModelSettings


@cache
def client(service: str) -> Client:
    """Return a boto3 client that retries throttling and outages a few times, with backoff; one per process."""
    config = Config(retries={"mode": "standard", "max_attempts": 4}, max_pool_connections=WORKERS, **HASHED_ONCE)
    return boto3.client(service, config=config)  # type: ignore[call-overload]


class Services:
    """One environment's resources; ``clients`` returns a client by its service's name."""

    def __init__(self, environment: Environment, clients: Callable[[str], Client] = client) -> None:
        self.environment = environment
        self.client = clients

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
