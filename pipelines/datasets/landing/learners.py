"""Which models learn from which dataset, as their deployed settings say."""

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
    """The environment's models by the dataset that they learn from.

    Of the settings only what is asked for is looked at: one model's, written by another version of this code, would
    else keep the files of all others waiting. Parameter Store gives ten parameters a request: for a thousand models
    this is some 200 requests, a dozen seconds.
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
