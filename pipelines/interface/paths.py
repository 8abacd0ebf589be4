"""Where things lie in the environment's buckets. All functions return keys, without bucket and leading slash."""


def object_key(dataset: str, digest: str) -> str:
    """Data bucket: one distinct content of a dataset, by its SHA-256 in hexadecimal."""
    return f"datasets/{dataset}/objects/{digest}"


def commit_key(dataset: str, commit_id: str) -> str:
    """Data bucket: one commit's manifest."""
    return f"datasets/{dataset}/commits/{commit_id}.json"


def places_key(dataset: str, commit_id: str) -> str:
    """Data bucket: where one commit's bytes lie: bucket, and VersionId by digest."""
    return f"datasets/{dataset}/places/{commit_id}.json"


FORGETTINGS = "forgettings/"
"""Audit bucket: below it lie the records of what was forgotten."""
RUN_COPIES = ("data/", "evaluation/golden.json", "validation/examples.json", "commit.json", "manifest.json")
"""Below a run's prefix: what holds rows of the commit that the run read, or names their contents."""


def forgetting_key(dataset: str, forgetting_id: str, stage: str) -> str:
    """Audit bucket: the record of what was forgotten; ``stage`` is ``begun`` or ``ended``."""
    return f"{FORGETTINGS}{dataset}/{forgetting_id}/{stage}.json"


def run_prefix(model: str, run_id: str) -> str:
    """Artifacts bucket: everything that one retraining run writes. Ends in a slash."""
    return f"runs/{model}/{run_id}/"


def capture_prefix(model: str, version: int | str) -> str:
    """Capture bucket: the traffic that one package version served; SageMaker appends endpoint, variant and hour."""
    return f"{model}/v{version}"


def check_prefix(model: str, check_id: str) -> str:
    """Artifacts bucket: what one drift check writes. Ends in a slash."""
    return f"checks/{model}/{check_id}/"


def checked_windows_prefix(model: str) -> str:
    """Artifacts bucket: which files each checked window has read. Ends in a slash."""
    return f"checks/{model}/windows/"


def quarantine_prefix(model: str, check_id: str) -> str:
    """Capture bucket: what one drift check could not read. Ends in a slash."""
    return f"quarantine/{model}/{check_id}/"


def labels_prefix(model: str) -> str:
    """Capture bucket: what came true of predictions, by their hour: ``yyyy/mm/dd/hh/*.csv``. Ends in a slash."""
    return f"labels/{model}/"


def quality_key(model: str, window: str, version: int) -> str:
    """Artifacts bucket: how good one version's predictions of a window were."""
    return f"checks/{model}/quality/{window}-v{version}.json"


def measured_labels_key(model: str) -> str:
    """Artifacts bucket: of which state of its labels each hour was measured."""
    return f"checks/{model}/labels.json"
