"""Which models learn from which dataset, as their deployed settings say."""

from collections import defaultdict

from pipelines.clients import Services
from pipelines.contract.settings import ModelSettings


def learners(services: Services) -> dict[str, list[ModelSettings]]:
    """The settings of the environment's models, by dataset.

    Parameter Store gives ten parameters a request: for a thousand models this is some 200 requests, a dozen seconds.
    """
    found: dict[str, list[ModelSettings]] = defaultdict(list)
    pages = services.client("ssm").get_paginator("get_parameters_by_path")
    for page in pages.paginate(Path=f"/mooring/{services.environment.id}/", Recursive=True):
        for parameter in page["Parameters"]:
            if parameter["Name"].endswith("/settings"):
                settings = ModelSettings.from_json(parameter["Value"])
                found[settings.dataset].append(settings)
    return dict(found)
