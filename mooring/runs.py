"""Reads how a retraining ended from the ledger and the run's evaluation, as text and as an exit code."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mooring.deployed import DeployedEnvironment
from pipelines.aws.clients import Services
from pipelines.aws.parallel import each
from pipelines.aws.s3 import MissingObjectError
from pipelines.interface import keys
from pipelines.interface.codec import InvalidRecordError
from pipelines.interface.names import execution_name, version_of
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import EvaluationReport, Refusal, Run, RunOutcome, TriggerKind

LEASE_HELD = "LeaseHeldError"
REFUSALS_READ = 50
"""Number of the newest refusals that are searched for an execution's."""


class Ending(StrEnum):
    """Ending of a retraining."""

    REGISTERED = "registered"
    REJECTED = "rejected"
    REFUSED = "refused"
    FAILED = "failed"


EXIT_CODES = {Ending.REGISTERED: 0, Ending.FAILED: 1, Ending.REJECTED: 2, Ending.REFUSED: 3}


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of one retraining. ``reasons`` say why it was rejected, refused or failed.

    ``value`` and ``champion_value`` are the values of ``metric`` on the same held-out rows; ``gain`` is the 95 %
    interval of their difference. They are None if nothing was evaluated, or nothing served.
    """

    ending: Ending
    execution: str
    model: str
    run_id: str | None = None
    version: int | None = None
    rows: int | None = None
    metric: str | None = None
    value: float | None = None
    champion_value: float | None = None
    gain: tuple[float, float] | None = None
    reasons: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.ending]

    def __str__(self) -> str:
        why = "; ".join(self.reasons)
        if self.ending == Ending.REGISTERED:
            return f"{self.model} v{self.version} is registered: {self.scores()}"
        if self.ending == Ending.REJECTED:
            return f"{self.model}: the candidate is rejected: {self.scores()}: {why}"
        if self.ending == Ending.REFUSED:
            return f"{self.model}: the retraining is refused: {why}"
        return f"{self.model}: the retraining failed: {why}"

    def scores(self) -> str:
        """Return the candidate's metric, and the champion's on the same rows."""
        if self.metric is None or self.value is None:
            return "not evaluated"
        text = f"{self.metric} {self.value:.3f} on {self.rows:,} held-out rows"
        if self.champion_value is None or self.gain is None:
            return text
        low, high = self.gain
        return f"{text}; the champion has {self.champion_value:.3f} (gain, 95 % interval {low:+.3f} to {high:+.3f})"


def follow(deployed: DeployedEnvironment, model: str, arn: str) -> RunResult:
    """Wait for the end of a retraining, and return its result.

    If it was refused because a run that a commit started is under way, wait for that run and return its result.
    """
    run_of_commit = _ended_or_commit(deployed, model, arn)
    return result_of(deployed, model, run_of_commit or arn)


def _ended_or_commit(deployed: DeployedEnvironment, model: str, arn: str) -> str | None:
    """Wait for the end; return the execution of the commit's run if that run was the reason of a refusal."""
    deployed.wait_for(arn)
    refusal = find_refusal(deployed, model, arn)
    if refusal is None or refusal.refusal != LEASE_HELD:
        return None
    newest = deployed.ledger.latest(keys.runs(model), 1)
    if not newest or newest[0].trigger.kind != TriggerKind.COMMIT:
        return None
    deployed.wait_for(newest[0].execution)
    return newest[0].execution


def result_of(deployed: DeployedEnvironment, model: str, arn: str) -> RunResult:
    """Return the result of an execution that has ended."""
    if run := find_run(deployed, model, arn):
        return _result_of_run(deployed, model, run)
    if refusal := find_refusal(deployed, model, arn):
        return RunResult(ending=Ending.REFUSED, execution=arn, model=model, reasons=(refusal.reason,))
    ended = deployed.execution(arn)
    cause = ended.cause or f"the execution ended as {ended.status}"
    return RunResult(ending=Ending.FAILED, execution=arn, model=model, reasons=(cause,))


def find_run(deployed: DeployedEnvironment, model: str, arn: str) -> Run | None:
    """Return the run that an execution works on, or None if it took no lease."""
    execution = deployed.ledger.get(keys.execution(arn))
    if execution is None or execution.run_id is None:
        return None
    return deployed.ledger.get(keys.run(model, execution.run_id))


def find_refusal(deployed: DeployedEnvironment, model: str, arn: str) -> Refusal | None:
    newest = deployed.ledger.latest(keys.refusals(model), REFUSALS_READ)
    return next((refusal for refusal in newest if refusal.execution == arn), None)


def read_evaluation(services: Services, model: str, run_id: str) -> EvaluationReport | None:
    """Return a run's evaluation; None if there is no readable one."""
    try:
        return services.bucket("artifacts").read_record(EvaluationReport, RunFiles(model, run_id).evaluation)
    except (MissingObjectError, InvalidRecordError):
        return None


def read_evaluations(services: Services, model: str, run_ids: Iterable[str]) -> dict[str, EvaluationReport]:
    """Return the evaluations of runs by their ids, without runs that have none; read them in parallel."""
    found = each(lambda run_id: (run_id, read_evaluation(services, model, run_id)), run_ids)
    return {run_id: evaluation for run_id, evaluation in found if evaluation}


def _result_of_run(deployed: DeployedEnvironment, model: str, run: Run) -> RunResult:
    endings = {RunOutcome.REGISTERED: Ending.REGISTERED, RunOutcome.REJECTED: Ending.REJECTED}
    ending = endings.get(run.outcome, Ending.FAILED) if run.outcome else Ending.FAILED
    evaluation = read_evaluation(deployed.services("auditor"), model, run.run_id)
    cause = run.cause or f"the execution {execution_name(run.execution)} ended without a record"
    result = RunResult(
        ending=ending,
        execution=run.execution,
        model=model,
        run_id=run.run_id,
        version=version_of(run.package_arn) if run.package_arn else None,
        reasons=() if ending == Ending.REGISTERED else (cause,),
    )
    return _with_scores(result, evaluation) if evaluation else result


def _with_scores(result: RunResult, evaluation: EvaluationReport) -> RunResult:
    metric, gain, champion = evaluation.metric, evaluation.gain, evaluation.champion
    return replace(
        result,
        rows=evaluation.rows,
        metric=metric,
        value=evaluation.candidate.get(metric),
        champion_value=champion.get(metric) if champion else None,
        gain=(gain.low, gain.high) if gain else None,
    )
