"""The keys of the ledger: one DynamoDB table per environment, partition key ``pk``, sort key ``sk``, both strings."""


def dataset_pk(dataset: str) -> str:
    return f"dataset#{dataset}"


def model_pk(model: str) -> str:
    return f"model#{model}"


def commit_pk(dataset: str, commit_id: str) -> str:
    """What one commit was used for; no person may write it, since engineers' rights end at ``dataset_pk``."""
    return f"commit#{dataset}#{commit_id}"


def execution_pk(execution: str) -> str:
    """Of an execution's ARN; its one item ``EXECUTION`` says what it works on: {model, run_id or release_id}."""
    return f"execution#{execution}"


EXECUTION = "execution"
HEAD = "head"
"""Of a dataset: {commit, number, tree}. Moves by a conditional write only."""
LEASE = "lease"
"""Of a model: {holder, token, expires_at, cooldown_until, day, runs_today, recent_triggers}; times in epoch seconds."""
CHAMPION = "champion"
"""Of a model: {package_arn, version, release_id, since}."""
RELEASE_LOCK = "release-lock"
"""Of a model, while a release is under way: {release_id, execution, package_arn, previous, intended, predecessors}."""


USE = "run#"
"""How the items of a commit's uses begin; see ``use_sk``."""


def commit_sk(commit_id: str) -> str:
    """Of a dataset, written before the head moves: {tree, parent, time, manifest_sha256}."""
    return f"commit#{commit_id}"


def tombstone_sk(commit_id: str) -> str:
    """Of a dataset, for a commit that was rewritten: {new, time, by, reason}; never what was forgotten."""
    return f"tombstone#{commit_id}"


def forgetting_sk(forgetting_id: str) -> str:
    """Of a dataset: {by, reason, what, begun, ended, commits, contents, rows, runs}; never what was forgotten."""
    return f"forgetting#{forgetting_id}"


def run_sk(run_id: str) -> str:
    """Run ids sort by their start: ``yyyymmddThhmmssZ-<hash>``."""
    return f"run#{run_id}"


def use_sk(model: str, run_id: str) -> str:
    """Of a commit's partition, for each run that was planned from it: {model, run_id, dataset, commit}."""
    return f"{USE}{model}#{run_id}"


def refusal_sk(moment: str, trigger_id: str) -> str:
    return f"refusal#{moment}#{trigger_id}"


def release_sk(release_id: str) -> str:
    return f"release#{release_id}"


def approval_sk(version: int, approved_at: str) -> str:
    """Present once an approval was consumed by a release."""
    return f"approval#{version:06d}#{approved_at}"


QUALITY = "quality#"


def quality_sk(window: str, version: int) -> str:
    """Sorts by the window's end (``pipelines.monitoring.capture.window.Window.name``)."""
    return f"{QUALITY}{window}#v{version:06d}"


def check_sk(check_id: str) -> str:
    return f"check#{check_id}"
