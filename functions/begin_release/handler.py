"""Check a package and begin its release: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.aws.log_groups import keep_endpoint_log
from pipelines.flows.release.begin import begin_release
from pipelines.interface.env import BeginReleaseEnv
from pipelines.interface.requests import BeginReleaseRequest, ReleaseGrant


@handler(BeginReleaseEnv, BeginReleaseRequest)
def handle(request: BeginReleaseRequest, services: Services, env: BeginReleaseEnv) -> ReleaseGrant:
    grant = begin_release(request, services)
    # SageMaker would make the log group with the endpoint, without retention and key.
    keep_endpoint_log(services, grant.model, key_arn=env.key_arn, days=int(env.log_days))
    return grant
