"""Commit the files that have landed: see docs/reference/data.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.datasets.landing.landing import land
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import LandingAnswer


@handler(FunctionEnv, object)
def handle(request: object, services: Services, env: FunctionEnv) -> LandingAnswer:  # noqa: ARG001 - files are listed
    return LandingAnswer(batches=land(services))
