"""The models that learn from each dataset, according to their deployed settings."""

import json
from collections import defaultdict
from dataclasses import dataclass

from pipelines.aws.clients import Services


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A model that learns from a dataset; ``on_commit`` says whether it retrains on new commits."""

    model: str
    on_commit: bool


def learners(services: Services) -> dict[str, list[Learner]]:
    """Return the environment's models by the dataset that they learn from.

    Only the needed fields of the settings are read: else the settings of one model, written by another version of this
    code, would block the files of all others. Parameter Store gives ten parameters a request: a thousand models take
    about 200 requests and a dozen seconds.
    """
    found: dict[str, list[Learner]] = defaultdict(list)
    pages = services.client("ssm").get_paginator("get_parameters_by_path")
    for page in pages.paginate(Path=f"/mooring/{services.environment.id}/", Recursive=True):
        for parameter in page["Parameters"]:
            if parameter["Name"].endswith("/settings"):
                settings = json.loads(parameter["Value"])
                on_commit = "commit" in settings["retraining"]["triggers"]
                found[settings["dataset"]].append(Learner(model=settings["model"], on_commit=on_commit))
    return dict(found)
