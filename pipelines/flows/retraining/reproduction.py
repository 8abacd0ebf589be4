"""Training a registered package again from what was recorded of its run, and comparing the two.

Metrics are compared within ``TOLERANCE``, a difference of zero being called exact. Rows and artifacts are compared by
the digests of their content: an archive's own bytes carry times, and so differ between two runs of the same program.
"""

import math
from collections.abc import Mapping
from typing import Any

from pipelines.aws.clients import Services
from pipelines.aws.packages import UnknownPackageError, describe
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.flows.retraining.recipe import PACKAGES, applied
from pipelines.interface import keys
from pipelines.interface.names import Model
from pipelines.interface.paths import run_prefix
from pipelines.interface.settings import ModelSettings

TOLERANCE = 1e-9
"""Relative. Above rounding in the last digits, far below what any gate could see."""
REPRODUCED = "reproduced"
DIFFERS = "differs"
COMPARED_BY_DIGEST = {
    "training_rows": "training_rows_sha256",
    "holdout_rows": "holdout_rows_sha256",
    "artifact": "candidate_content_sha256",
}
"""What is compared -> its field in both evaluations."""


class NotReproducibleError(LookupError):
    """What the package was made of is not recorded, or not there any more; the message says which part."""


class CommitForgottenError(NotReproducibleError):
    """The commit was rewritten to forget something: what the package was trained on must not come back."""


def read_original(services: Services, model: Model, package_arn: str) -> dict[str, Any]:
    """The package to reproduce: ``package_arn``, ``version``, ``model_uri``, and of its run ``run_id``, ``commit``,
    ``recipe`` and ``packages_uri``. Without its artifact ``model_uri`` is None, and only what was recorded is compared.

    Raises
    ------
    NotReproducibleError
        There is no such package of this model, or its run was recorded without a recipe.
    """
    group, _, version = package_arn.rpartition("/")
    if group != model.environment.arn("sagemaker", f"model-package/{model.package_group}"):
        raise NotReproducibleError(f"{package_arn!r} is no package of {model.id}")
    try:
        package = describe(services, package_arn)
    except UnknownPackageError as error:
        raise NotReproducibleError(str(error)) from error
    run_id = package.get("CustomerMetadataProperties", {}).get("run", "")
    run = services.ledger.get(keys.model_pk(model.name), keys.run_sk(run_id))
    if not run or not run.get("recipe"):
        raise NotReproducibleError(f"the ledger holds no recipe of run {run_id or 'unknown'}, which made {package_arn}")
    artifacts = services.bucket("artifacts")
    uri = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    return {
        "package_arn": package_arn,
        "version": int(version),
        "model_uri": uri if artifacts.exists(artifacts.key_of(uri)) else None,
        "run_id": run_id,
        "commit": run["commit"],
        "recipe": run["recipe"],
        "packages_uri": artifacts.uri(f"{run_prefix(model.name, run_id)}{PACKAGES}"),
    }


def plan_again(
    services: Services, settings: ModelSettings, original: Mapping[str, Any]
) -> tuple[ModelSettings, Dataset, Commit]:
    """The settings, the dataset and the commit that made the ``original``.

    Raises
    ------
    CommitForgottenError
        The commit was rewritten since; the message names its successor.
    NoDataError
        The commit is not there any more.
    """
    recorded = applied(settings, original["recipe"])
    ledger = services.ledger
    commit_id = original["commit"]
    tombstone = ledger.get(keys.dataset_pk(recorded.dataset), keys.tombstone_sk(commit_id))
    if tombstone:
        raise CommitForgottenError(
            f"{original['package_arn']} cannot be reproduced: its commit {commit_id} of {recorded.dataset} was "
            f"rewritten to {tombstone['new']} at {tombstone.get('time')} by {tombstone.get('by')}, to forget something"
        )
    dataset = Dataset(name=recorded.dataset, bucket=services.bucket("data"), ledger=ledger)
    return recorded, dataset, dataset.read_commit(commit_id)


def compare_reproduction(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """``outcome``, ``differences`` in words, and what they rest on; from both runs' evaluations.

    Raises
    ------
    MissingObjectError
        One of the evaluations is not there.
    """
    plan, artifacts = event["plan"], services.bucket("artifacts")
    recorded, found = (
        artifacts.read_json(f"{run_prefix(event['model'], run_id)}evaluation/evaluation.json")
        for run_id in (plan["reproduces"]["run_id"], plan["run_id"])
    )
    return {"package_arn": plan["reproduces"]["package_arn"], **compare(recorded, found)}


def compare(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Two evaluations of what should be the same model on the same rows.

    Of an evaluation that recorded no digest of its artifact, the original's is taken as the reproduction's own
    evaluation found it: it has scored both. ``outcome`` is ``reproduced`` if rows and metrics are the same; whether
    the artifact is, stands apart, because a trainer that is not deterministic may make another of the same quality.
    """
    metrics = {
        name: {"recorded": recorded["candidate"].get(name), "reproduced": found["candidate"].get(name)}
        for name in sorted({*recorded["candidate"], *found["candidate"]})
    }
    apart = [name for name, pair in metrics.items() if not _close(pair["recorded"], pair["reproduced"])]
    digests = {what: _same(recorded.get(field), found.get(field)) for what, field in COMPARED_BY_DIGEST.items()}
    if digests["artifact"] == "unknown":
        digests["artifact"] = _same(found.get("champion_content_sha256"), found.get("candidate_content_sha256"))
    rows_differ = recorded["rows"] != found["rows"] or "differs" in (digests["training_rows"], digests["holdout_rows"])
    differences = [f"{name}: {metrics[name]['recorded']} recorded, {metrics[name]['reproduced']} now" for name in apart]
    differences += [f"{what.replace('_', ' ')}: other content" for what, same in digests.items() if same == "differs"]
    if recorded["rows"] != found["rows"]:
        differences.append(f"held-out rows: {recorded['rows']} recorded, {found['rows']} now")
    return {
        "outcome": DIFFERS if apart or rows_differ else REPRODUCED,
        "exact": all(pair["recorded"] == pair["reproduced"] for pair in metrics.values()),
        "tolerance": TOLERANCE,
        "metrics": metrics,
        **digests,
        "differences": differences,
    }


def _close(one: Any, two: Any) -> bool:
    if one is None or two is None:
        return False
    return math.isclose(one, two, rel_tol=TOLERANCE, abs_tol=0.0)


def _same(one: str | None, two: str | None) -> str:
    if not one or not two:
        return "unknown"
    return "equal" if one == two else "differs"
