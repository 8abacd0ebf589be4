"""Compares a model package with its reproduction.

Metrics are compared within ``TOLERANCE``; equal ones are called exact. Rows and artifacts are compared by digests of
their content: the bytes of an archive contain times, and so differ between two runs of the same program.
"""

import math

from pipelines.aws.clients import Services
from pipelines.interface import log
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import Comparison, EvaluationReport, MetricPair, RunOutcome
from pipelines.interface.requests import PlannedRun

TOLERANCE = 1e-9
"""Largest relative difference of equal metrics: above rounding errors, far below a difference that decides a gate."""


def compare_reproduction(request: PlannedRun, services: Services) -> Comparison:
    """Compare the evaluations of the recorded run and of its reproduction.

    Raises
    ------
    MissingObjectError
        One of the evaluations does not exist.
    """
    artifacts, original = services.bucket("artifacts"), request.plan.reproduces
    assert original is not None, "the flow compares reproductions only"
    recorded, found = (
        artifacts.read_record(EvaluationReport, RunFiles(request.model, run_id).evaluation)
        for run_id in (original.run_id, request.plan.run_id)
    )
    comparison = compare(original.package_arn, recorded, found)
    log.info("reproduction compared", outcome=comparison.outcome, exact=comparison.exact, artifact=comparison.artifact)
    return comparison


def compare(package_arn: str, recorded: EvaluationReport, found: EvaluationReport) -> Comparison:
    """Compare two evaluations, of a model and of its reproduction.

    If the recorded evaluation lacks a digest of its artifact, the reproduction's evaluation has one: it scored both
    artifacts. The outcome is ``REPRODUCED`` if rows and metrics are the same. The artifact does not decide it, because
    a trainer that is not deterministic may make another artifact of the same quality.
    """
    metrics = {
        name: MetricPair(recorded=recorded.candidate.get(name), reproduced=found.candidate.get(name))
        for name in sorted({*recorded.candidate, *found.candidate})
    }
    apart = [name for name, pair in metrics.items() if not _close(pair)]
    training_rows = _same(recorded.training_rows_sha256, found.training_rows_sha256)
    holdout_rows = _same(recorded.holdout_rows_sha256, found.holdout_rows_sha256)
    artifact = _same(recorded.candidate_content_sha256, found.candidate_content_sha256)
    if artifact == "unknown":
        artifact = _same(found.champion_content_sha256, found.candidate_content_sha256)
    differences = [f"{name}: {metrics[name].recorded} recorded, {metrics[name].reproduced} now" for name in apart]
    contents = {"training rows": training_rows, "holdout rows": holdout_rows, "artifact": artifact}
    differences += [f"{what}: other content" for what, same in contents.items() if same == "differs"]
    if recorded.rows != found.rows:
        differences.append(f"held-out rows: {recorded.rows} recorded, {found.rows} now")
    rows_differ = recorded.rows != found.rows or "differs" in (training_rows, holdout_rows)
    return Comparison(
        package_arn=package_arn,
        outcome=RunOutcome.DIFFERS if apart or rows_differ else RunOutcome.REPRODUCED,
        exact=all(pair.recorded == pair.reproduced for pair in metrics.values()),
        tolerance=TOLERANCE,
        metrics=metrics,
        artifact=artifact,
        training_rows=training_rows,
        holdout_rows=holdout_rows,
        differences=tuple(differences),
    )


def _close(pair: MetricPair) -> bool:
    if pair.recorded is None or pair.reproduced is None:
        return False
    return math.isclose(pair.recorded, pair.reproduced, rel_tol=TOLERANCE, abs_tol=0.0)


def _same(one: str | None, two: str | None) -> str:
    if not one or not two:
        return "unknown"
    return "equal" if one == two else "differs"
