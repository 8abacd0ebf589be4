"""The custom resource that creates absent release states and never changes an existing one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.custom_resource import Send, properties_of, respond
from pipelines.flows.release.serving import is_absent
from pipelines.interface import log
from pipelines.interface.codec import read
from pipelines.interface.names import Model
from pipelines.interface.release_state import ReleaseState

PAGE = 10
"""Largest number of parameters that GetParameters reads at once; Parameter Store serves 40 reads a second."""


class EndpointServesError(RuntimeError):
    """An endpoint serves while its release state is absent: creating an empty one would take the endpoint down."""


@dataclass(frozen=True, kw_only=True)
class ResourceProperties:
    """The properties of the custom resource: the names of the environment's models."""

    Models: tuple[str, ...]


def answer(event: Mapping[str, object], services: Services, *, send: Send | None = None) -> None:
    """Create the absent release states and answer CloudFormation."""

    def act() -> None:
        if event["RequestType"] != "Delete":
            create_release_states(read(ResourceProperties, properties_of(event, "Models")).Models, services)

    respond(event, f"{services.environment.id}-release-states", act, send=send)


def create_release_states(models: tuple[str, ...], services: Services) -> None:
    """Create the release state of each model that has none.

    Raises
    ------
    EndpointServesError
        A model without a release state has an endpoint.
    """
    for model in _without_state(models, services):
        if _serves(services, model.endpoint):
            raise EndpointServesError(
                f"{model.release_parameter} is absent, but endpoint {model.endpoint} serves: restore the parameter "
                "from the ledger's newest release before you deploy"
            )
        try:
            services.client("ssm").put_parameter(
                Name=model.release_parameter, Value=ReleaseState().to_value(), Type="StringList", Overwrite=False
            )
        except ClientError as error:
            if code_of(error) != "ParameterAlreadyExists":
                raise
        log.info("release state created", parameter=model.release_parameter)


def _without_state(models: tuple[str, ...], services: Services) -> Iterator[Model]:
    """Yield the models that have no release state; the others are read in pages."""
    for begin in range(0, len(models), PAGE):
        page = [services.environment.model(name) for name in models[begin : begin + PAGE]]
        found = services.client("ssm").get_parameters(Names=[model.release_parameter for model in page])
        absent = set(found["InvalidParameters"])
        yield from (model for model in page if model.release_parameter in absent)


def _serves(services: Services, endpoint: str) -> bool:
    try:
        services.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if is_absent(error):
            return False
        raise
    return True
