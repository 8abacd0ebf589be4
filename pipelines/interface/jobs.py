"""Where a job's programs find and leave things: the local paths that requests name and programs are told of.

A processing job's inputs are, under ``INPUT``: ``code`` (the model's source as one .tar.gz), and for *validate*
``data`` (the commit's objects, by their digests), ``commit`` (commit.json) and ``packages`` (what the container lacks,
as one .tar.gz); for *evaluate* ``training``, ``holdout``, ``candidate`` and, if there is one, ``champion``. Outputs
lie under ``OUTPUT``, named as in ``OUTPUTS``.
"""

INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"
MESSAGE_FILE = "/opt/ml/output/message"
"""What a processing job writes here becomes its ExitMessage."""

OUTPUTS = {
    "validate": {"training": "data/training", "holdout": "data/holdout", "validation": "validation"},
    "evaluate": {"evaluation": "evaluation"},
}
"""Of each step: output name, which is also its folder under ``OUTPUT`` -> where it goes below ``run_uri``."""

KEPT_OF_FAILURES = ("validation",)
"""Outputs that are uploaded while the job runs, and so even if it fails; the others are uploaded at its end."""

CODE_CHANNEL = "/opt/ml/input/data/code"
"""Where a training job finds its source: a channel, because without network it cannot fetch it from S3."""
CANDIDATE_INPUT = "candidate"
"""The evaluate step's input that the state machine adds: the S3 URI of the training job's model.tar.gz."""


def input_dir(name: str) -> str:
    return f"{INPUT}/{name}"


def output_dir(name: str) -> str:
    return f"{OUTPUT}/{name}"


def entrypoint(step: str) -> list[str]:
    """ContainerEntrypoint of a processing step: unpack the model's source, then run ``pipelines.jobs.steps.<step>``."""
    unpack = "mkdir -p /opt/ml/processing/source && cd /opt/ml/processing/source"
    run = f'tar -xzf {input_dir("code")}/* && exec python3 -m pipelines.jobs.steps.{step} "$@"'
    return ["/bin/bash", "-c", f"{unpack} && {run}", step]
