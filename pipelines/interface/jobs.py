"""The local paths of a job's inputs and outputs, which its request and its program share.

A processing job's inputs are, under ``INPUT``: ``code`` (the model's source as one .tar.gz), and for *validate*
``data`` (the commit's objects, by their digests), ``commit`` (commit.json) and ``packages`` (the packages that the
container lacks, as one .tar.gz); for *evaluate* ``training``, ``holdout``, ``candidate`` and, if there is one,
``champion``. Outputs lie under ``OUTPUT``, named as in ``OUTPUTS``.
"""

INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"
MESSAGE_FILE = "/opt/ml/output/message"
"""File of a processing job whose text becomes the job's ExitMessage."""

OUTPUTS = {
    "validate": {
        "training": ("scratch_uri", "data/training"),
        "holdout": ("scratch_uri", "data/holdout"),
        "validation": ("run_uri", "validation"),
    },
    "evaluate": {"evaluation": ("run_uri", "evaluation")},
}
"""Outputs of each step: name, which is also the folder under ``OUTPUT`` -> field of the plan, and place below it."""

CAPACITY_WAIT_S = 5100
"""Longest time that the state machine waits for one job's instances: between its two tasks, and between retries."""

KEPT_OF_FAILURES = ("validation",)
"""Outputs that are uploaded while the job runs, and so even if it fails; the others are uploaded at its end."""

CODE_CHANNEL = "/opt/ml/input/data/code"
"""Folder of a training job's source: a channel, because without network the job cannot fetch it from S3."""
CANDIDATE_INPUT = "candidate"
"""Input of the evaluate step that the state machine adds: the training job's model.tar.gz."""


def input_dir(name: str) -> str:
    return f"{INPUT}/{name}"


def output_dir(name: str) -> str:
    return f"{OUTPUT}/{name}"


def entrypoint(step: str) -> list[str]:
    """Return a processing step's ContainerEntrypoint: unpack the source, then run ``pipelines.jobs.steps.<step>``."""
    unpack = "mkdir -p /opt/ml/processing/source && cd /opt/ml/processing/source"
    run = f'tar -xzf {input_dir("code")}/* && exec python3 -m pipelines.jobs.steps.{step} "$@"'
    return ["/bin/bash", "-c", f"{unpack} && {run}", step]
