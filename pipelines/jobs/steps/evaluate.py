"""The step *evaluate*: candidate and champion on the same held-out rows.

It writes ``evaluation.json`` (metrics, segments, the paired bootstrap of their difference), ``baseline.json`` (the
profile of the candidate's training rows and of its predictions there, and the importance of its features) and
``golden.json`` (requests with the answers that the served model must give).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.interface import jobs, log
from pipelines.interface.codec import JsonObject, to_json
from pipelines.interface.records import EvaluationReport, GoldenRequest, GoldenRequests, RowCount, SegmentEvaluation
from pipelines.jobs.evaluation import score
from pipelines.jobs.evaluation.artifact import content_sha256, rows_sha256, sha256_of, unpack
from pipelines.jobs.evaluation.bootstrap import paired_gain
from pipelines.jobs.evaluation.importance import Permutations
from pipelines.jobs.steps import failure
from pipelines.jobs.validation.data_contract.contract import DataContract, read_contract
from pipelines.statistics.baseline import Baseline, usual_effects
from pipelines.statistics.calibration import calibrate
from pipelines.statistics.metrics import Array, measure
from pipelines.statistics.profile import PREDICTION, Profile
from pipelines.statistics.segment_counts import Segment
from pipelines.tables.reading import read_table

GOLDEN_REQUESTS = (1, 1, 1, 5)
"""Number of rows in each golden request."""
GOLDEN_TOLERANCE = 1e-6
MIN_SEGMENT_ROWS = 200
"""Smallest number of rows of a segment that is evaluated or profiled."""
MIN_MONTH_ROWS = 1000
"""Smallest number of rows of a training month that is compared with the whole."""
MAX_SEGMENTS = 20
"""Largest number of a column's segments that are profiled, the most frequent ones."""
SCORE_TIMEOUT_S = 1800

Columns = Mapping[str, npt.NDArray[np.generic]]


class ScoringFailedError(RuntimeError):
    """A model's own inference program failed on the rows; the message holds the end of its error output."""


@dataclass(frozen=True, kw_only=True)
class ArtifactScores:
    """Predictions of one archive's model for each file of rows, and the digest of the archive's content."""

    content_sha256: str
    predictions: list[Array]


def score_archive(archive: Path, rows: Sequence[Path]) -> ArtifactScores:
    """Return the predictions of the model in ``archive`` for each CSV file, by its own code in a separate process."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        unpack(archive, model)
        digest = content_sha256(model)
        code = str(model / "code")
        # Two models score at once: OpenMP's threads must not spin while they wait for a core.
        environment = {
            **os.environ,
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONPATH": code,
            "SAGEMAKER_SUBMIT_DIRECTORY": code,
        }
        outputs = [Path(folder) / f"{number}.npy" for number in range(len(rows))]
        pairs = [str(path) for pair in zip(rows, outputs, strict=True) for path in pair]
        # -P keeps the program's own folder, and so our modules, off the model's path.
        command = [sys.executable, "-P", score.__file__, str(model), *pairs]
        ran = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=SCORE_TIMEOUT_S, check=False
        )
        if ran.returncode:
            raise ScoringFailedError(
                f"the inference program of {archive.parent.name}/{archive.name} failed: {ran.stderr.strip()[-400:]}"
            )
        return ArtifactScores(content_sha256=digest, predictions=[np.load(output) for output in outputs])


def evaluate(options: argparse.Namespace) -> None:
    begun = time.monotonic()
    task, metric = options.task, options.metric
    contract = read_contract(Path(options.contract))
    training_file, holdout_file = (Path(folder) / "rows.csv.gz" for folder in (options.training, options.holdout))
    training, holdout = read_table(training_file, training_file.name), read_table(holdout_file, holdout_file.name)
    labels = holdout[options.target].astype(float).to_numpy()
    candidate_file = Path(options.candidate) / "model.tar.gz"
    champion_file = Path(options.champion) / "model.tar.gz" if options.champion else None
    permutations = Permutations.of(len(holdout), contract.features, seed=options.seed)
    with ThreadPoolExecutor() as pool, tempfile.TemporaryDirectory() as folder:
        pending = pool.submit(score_archive, champion_file, [holdout_file]) if champion_file else None
        permuted_file = Path(folder) / "permuted.csv.gz"
        permutations.write(holdout, permuted_file)
        of_candidate = score_archive(candidate_file, [holdout_file, training_file, permuted_file])
        of_champion = pending.result() if pending else None
    candidate, on_training, on_permuted = of_candidate.predictions
    champion = of_champion.predictions[0] if of_champion else None
    table = {**{name: training[name].to_numpy() for name in contract.features}, PREDICTION: on_training}
    profile = profile_of(contract, table)
    baseline = Baseline(
        profile=profile,
        importance=permutations.importance(task, metric, labels, on_permuted),
        usual=usual_effects(profile, months_of(contract, training, table)),
        segments=profiles_of_segments(contract, training, table),
    )
    golden = golden_requests(holdout[contract.features], candidate)
    gain = None
    if champion is not None:
        gain = paired_gain(task, metric, labels, candidate, champion, seed=options.seed)
    report = EvaluationReport(
        task=task,
        target=options.target,
        metric=metric,
        rows=len(holdout),
        candidate=measure(task, labels, candidate),
        champion=None if champion is None else measure(task, labels, champion),
        gain=gain,
        segments=tuple(segments(task, contract, holdout, labels, candidate, champion)),
        baseline=RowCount(rows=profile.rows),
        golden=RowCount(rows=sum(len(request.expected) for request in golden.requests)),
        candidate_sha256=sha256_of(candidate_file),
        candidate_content_sha256=of_candidate.content_sha256,
        training_rows_sha256=rows_sha256(training_file),
        holdout_rows_sha256=rows_sha256(holdout_file),
        champion_version=options.champion_version if champion_file else None,
        champion_sha256=sha256_of(champion_file) if champion_file else None,
        champion_content_sha256=of_champion.content_sha256 if of_champion else None,
        calibration=calibrate(labels, candidate) if task == "classification" else None,
        seconds=round(time.monotonic() - begun, 2),
    )
    output = Path(options.output) / "evaluation"
    _write(output / "evaluation.json", to_json(report))
    _write(output / "baseline.json", baseline.to_document())
    _write(output / "golden.json", to_json(golden))
    log.info(
        "candidate evaluated",
        rows=report.rows,
        candidate=report.candidate,
        champion=report.champion,
        champion_version=report.champion_version,
        gain=to_json(gain) if gain else None,
        seconds=report.seconds,
    )


def _write(path: Path, document: JsonObject) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")


def profile_of(contract: DataContract, table: Columns) -> Profile:
    """Return the profile of a table of features and predictions, by the contract's types."""
    types = {name: contract.columns[name].type for name in contract.features}
    return Profile.of(
        [table],
        categories=[name for name, kind in types.items() if kind == "category"],
        times=[name for name, kind in types.items() if kind == "time"],
    )


def months_of(contract: DataContract, training: pd.DataFrame, table: Columns) -> Iterator[Columns]:
    """Yield the rows of each month by the contract's first column of times; months of few rows are left out."""
    times = [name for name, column in contract.columns.items() if column.type == "time" and name in training]
    for name in times[:1]:
        for positions in training.groupby(training[name].astype(str).str[:7]).indices.values():
            if len(positions) >= MIN_MONTH_ROWS:
                yield {column: values[positions] for column, values in table.items()}


def profiles_of_segments(contract: DataContract, training: pd.DataFrame, table: Columns) -> dict[Segment, Profile]:
    """Return the profiles of the most frequent values of the contract's segment columns."""
    found = {}
    for column in contract.segments:
        parts = sorted(training.groupby(column).indices.items(), key=lambda part: (-len(part[1]), str(part[0])))
        for value, positions in parts[:MAX_SEGMENTS]:
            if len(positions) >= MIN_SEGMENT_ROWS:
                rows = {name: values[positions] for name, values in table.items()}
                found[column, str(value)] = profile_of(contract, rows)
    return found


def segments(
    task: str,
    contract: DataContract,
    rows: pd.DataFrame,
    labels: Array,
    candidate: Array,
    champion: Array | None,
) -> Iterator[SegmentEvaluation]:
    """Yield both models' metrics by value of the contract's segment columns; values of few rows are left out."""
    for column in contract.segments:
        for value, positions in rows.groupby(column).indices.items():
            if len(positions) < MIN_SEGMENT_ROWS:
                continue
            yield SegmentEvaluation(
                column=column,
                value=str(value),
                rows=len(positions),
                candidate=measure(task, labels[positions], candidate[positions]),
                champion=None if champion is None else measure(task, labels[positions], champion[positions]),
            )


def golden_requests(features: pd.DataFrame, predictions: Array) -> GoldenRequests:
    """Return requests from all over the held-out rows, with the candidate's predictions for them."""
    picked = np.linspace(0, len(features) - 1, min(sum(GOLDEN_REQUESTS), len(features))).astype(int)
    requests = []
    for start, count in zip(np.cumsum((0, *GOLDEN_REQUESTS)), GOLDEN_REQUESTS, strict=False):
        positions = picked[start : start + count]
        if len(positions):
            body = features.iloc[positions].to_csv(index=False, lineterminator="\n")
            requests.append(GoldenRequest(body=body, expected=tuple(predictions[positions].tolist())))
    return GoldenRequests(content_type="text/csv", tolerance=GOLDEN_TOLERANCE, requests=tuple(requests))


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--training", default=jobs.input_dir("training"))
    parser.add_argument("--holdout", default=jobs.input_dir("holdout"))
    parser.add_argument("--candidate", default=jobs.input_dir(jobs.CANDIDATE_INPUT))
    parser.add_argument("--champion", help="folder of the champion's model.tar.gz, if there is a champion")
    parser.add_argument("--champion-version", type=int)
    parser.add_argument("--contract", default="contract.yaml")
    parser.add_argument("--output", default=jobs.OUTPUT)
    parser.add_argument("--message-file", default=jobs.MESSAGE_FILE)
    parser.add_argument("--task", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


if __name__ == "__main__":
    given = parse()
    failure.run(lambda: evaluate(given), Path(given.message_file))
