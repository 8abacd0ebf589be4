"""A model's year: April to December month by month to the model of January to March, and what drift costs it.

Every month its flights are sent to the endpoint, their labels are handed in, and exactly that traffic is checked. The
month's flights are committed as well and a retraining is asked for: it learns from the three months before, holds the
month out, and measures both models on it. Nobody approves what it registers, so the old model serves all the year. The
drift that the checks find asks for retrainings of its own; the lease refuses them while the month's run is under way,
and the cooldown for a minute after its start.
"""

import time
from calendar import month_name
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from mooring.checks import Checks
from mooring.demo import chapters, traffic
from mooring.demo.chapters import ENGINEER, MODEL, RUN_TIMEOUT_S, Stage
from mooring.demo.labelled import LabelledTraffic
from mooring.demo.month import ChangedColumn, Month, drift_table, quality_table
from mooring.demo.year_picture import render
from mooring.deployed import wait
from pipelines.aws.clients import read_settings
from pipelines.models import flights
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.quality.quality import QualityMeasurement

YEAR = range(4, 13)
SUMMER = range(5, 11)
CAPTURED_WITHIN_S = 120
SAME = 1e-9
"""How far two computations of one area under the curve may be apart."""
LARGE = 0.3
"""A Jensen-Shannon distance far beyond the 0.07 from which on a change is drift."""
SCHEDULE = ("distance", "departure_minute", "arrival_minute", "day_of_week")


def tell_year(stage: Stage) -> dict[str, str]:
    """Live through the year; returns what it has made, as what and where."""
    folder = stage.home / "year"
    folder.mkdir(exist_ok=True)
    year = Year(stage)
    months = [year.live(number) for number in YEAR]
    picture = render(months, model=f"{MODEL} v1 of {stage.arrivals.environment.id}")
    (folder / "year.md").write_text(f"{quality_table(months)}\n{drift_table(months)}", encoding="utf-8")
    (folder / "year.svg").write_text(picture, encoding="utf-8")
    year.close(months)
    return {
        "The year as tables": str(folder / "year.md"),
        "The year as a picture": str(folder / "year.svg"),
        "Each month's report": str(folder / "2013-*.html"),
    }


class Year:
    """What has happened so far."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._story = stage.story
        self._deployed = stage.arrivals
        self._checks = Checks(stage.arrivals, MODEL)
        self._services = stage.arrivals.services("auditor")
        self._settings = read_settings(self._services, MODEL)
        self._labelled = 0
        self._joined: dict[str, int] = {}

    def live(self, number: int) -> Month:
        """One month: its traffic, its labels, its check, and the retraining that holds it out."""
        name = month_name[number]
        with self._story.chapter(f"{name}: sent, labelled, checked, retrained") as figures:
            run = self._retraining(number) if number > YEAR.start else None
            window, answers = self._traffic(number)
            self._hand_in(number, window)
            check = self._check(number, window, rows=len(answers))
            measured = self._measured(number, window, answers)
            value = measured.metrics["auc"]
            evaluation, verdict = self._retrained(run, name, value) if run else (None, None)
            found = self._checks.document(check["check_id"])
            month = Month(
                name=f"2013-{number:02}",
                rows=len(answers),
                labelled=measured.rows,
                outcome=check["outcome"],
                changed=tuple(
                    ChangedColumn(name=column["name"], effect=column["effect"], drifted=column["drifted"])
                    for column in check["worst"]
                ),
                measured=value,
                quality=measured.outcome,
                estimated=found["predictions"]["estimated_auc"],
                retrained=evaluation["candidate"]["auc"] if evaluation else None,
                gain=(evaluation["gain"]["low"], evaluation["gain"]["high"]) if evaluation else None,
                verdict=verdict,
            )
            figures[month.outcome] = (
                f"AUC {month.measured:.3f}, estimated {month.estimated:.3f}, retrained {month.fresh:.3f}"
            )
        return month

    def _retraining(self, number: int) -> str:
        """Commit the month and start the retraining that holds it out, once no other is under way."""
        chapters.commit_months(self._stage, self._deployed, range(number, number + 1))
        with self._story.doing("waiting for earlier retrainings to end"):
            wait(
                lambda: all(run.ended for run in self._deployed.executions("retraining")) or None,
                what="the end of earlier retrainings",
                timeout_s=RUN_TIMEOUT_S,
            )
        return self._deployed.start_retraining(MODEL, by=ENGINEER, reason=f"{month_name[number]} is known")

    def _traffic(self, number: int) -> tuple[Window, list[str]]:
        """Send the month's flights; returns the window that holds them and nothing else, and the answers."""
        begin = next_second()
        answers = chapters.send_month(self._stage, number, month_name[number])
        return Window(begin=begin, end=next_second()), answers

    def _hand_in(self, number: int, window: Window) -> None:
        """Hand in the month's labels, for each hour that its window touches."""
        file = self._stage.home / "year" / f"labels-2013-{number:02}.csv"
        file.write_text(traffic.month_labels(number, month_name[number].lower()), encoding="utf-8")
        self._labelled += int(flights.month_rows(number)["late"].notna().sum())
        for hour in {window.begin.replace(minute=0, second=0), window.end.replace(minute=0, second=0)}:
            self._checks.put_labels(file, hour)

    def _check(self, number: int, window: Window, *, rows: int) -> dict[str, Any]:
        """Check exactly the month's traffic once it is captured, and keep the report."""
        one = self._one(window)
        with self._story.doing("waiting for the capture, checking it"):
            wait(
                lambda: sum(chunk.rows for chunk in one.captured()) >= rows or None,
                what=f"{rows:,} captured rows",
                timeout_s=CAPTURED_WITHIN_S,
            )
            check = self._checks.run((window.begin, window.end))
        worst = ", ".join(f"{column['name']} {column['effect']:.2f}" for column in check["worst"] if column["drifted"])
        self._story.claim(
            f"the check of {check['rows']:,} rows says {check['outcome']}: {worst or 'no column has drifted'}",
            check["rows"] == rows and check["version"] == 1,
            otherwise=f"{check['rows']} rows of v{check['version']}, {check['outcome']}",
        )
        self._joined |= {item["window"]: item["rows"] for item in check["quality"]}
        self._story.claim(
            f"labels joined so far: {self._labelled:,}, one for each flight sent that arrived",
            sum(self._joined.values()) == self._labelled,
            otherwise=str(self._joined),
        )
        report = self._stage.home / "year" / f"2013-{number:02}.html"
        report.write_bytes(chapters.report_of(self._deployed, check["check_id"]))
        return check

    def _measured(self, number: int, window: Window, answers: list[str]) -> QualityMeasurement:
        """How good the month's predictions were, by the labels that were joined to them."""
        one, labels = self._one(window), flights.month_rows(number)["late"]
        known = labels.notna().to_numpy()
        measured = one.measure(one.captured())
        self._story.claim(
            f"{known.sum():,} of the month's {len(answers):,} flights have a label, and all are joined",
            measured.rows == known.sum(),
            otherwise=str(measured.rows),
        )
        directly = float(roc_auc_score(labels[known].astype(int), np.array(answers, dtype=np.float64)[known]))
        self._story.claim(
            f"AUC {measured.metrics['auc']:.4f} from joined labels, as scikit-learn has it from flights and answers",
            abs(measured.metrics["auc"] - directly) < SAME,
            otherwise=str(directly),
        )
        return measured

    def _one(self, window: Window) -> LabelledTraffic:
        return LabelledTraffic(services=self._services, settings=self._settings, version=1, window=window)

    def _retrained(self, arn: str, name: str, value: float) -> tuple[dict[str, Any], str]:
        """The evaluation of the month's retraining, and its verdict."""
        with self._story.doing("retraining on the three months before"):
            run = self._deployed.wait_for(arn, timeout_s=RUN_TIMEOUT_S)
        record = chapters.run_record(self._deployed, MODEL, run)
        self._story.claim(
            f"the model of the three months before {name} is {record['outcome']}",
            record["outcome"] in ("registered", "rejected"),
            otherwise=f"{run.status} {record} {run.cause}",
        )
        evaluation = chapters.evaluation_of(self._deployed, MODEL, record["run_id"])
        old, new, gain = evaluation["champion"]["auc"], evaluation["candidate"]["auc"], evaluation["gain"]
        self._story.claim(
            f"it has AUC {new:.3f} on {name}, the old model {old:.3f}, as its labels say "
            f"(gain, 95 % interval {gain['low']:+.3f} to {gain['high']:+.3f})",
            abs(old - value) < SAME,
            otherwise=f"{old} by the evaluation, {value} from joined labels",
        )
        return evaluation, str(record["outcome"])

    def close(self, months: list[Month]) -> None:
        """What holds of the year as a whole."""
        with self._story.chapter("The year as a whole") as figures:
            summer = [month for month in months if int(month.name[-2:]) in SUMMER]
            moved = {month.name: _effect(month, "temp") for month in summer}
            weighty = sum("temp" in month.drifted for month in summer)
            self._story.claim(
                f"from {month_name[SUMMER.start]} to {month_name[SUMMER.stop - 1]} the temperature's change is found "
                f"every month (effect {min(moved.values()):.2f} to {max(moved.values()):.2f}), and called drift by "
                f"itself in {weighty} of {len(summer)} months",
                min(moved.values()) >= LARGE,
                otherwise=str(moved),
            )
            cried = {month.name: sorted({*SCHEDULE} & {*month.drifted}) for month in months}
            self._story.claim(
                f"{', '.join(SCHEDULE)} are never called drift; their largest effect is "
                f"{max(_effect(month, column) for month in months for column in SCHEDULE):.3f}",
                not any(cried.values()),
                otherwise=str({name: columns for name, columns in cried.items() if columns}),
            )
            old = self._deployed.package_arn(MODEL, 1)
            self._story.claim(
                f"{MODEL} v1 has served all the year: nobody approved another",
                chapters.serving_package(self._deployed, MODEL) == old,
                otherwise=chapters.serving_package(self._deployed, MODEL),
            )
            refused = Counter(item["refusal"] for item in self._deployed.model_items(MODEL, "refusal#"))
            said = ", ".join(f"{count} by {name}" for name, count in refused.items()) or "none"
            self._story.say(f"retrainings that drift or lost quality asked for and that were refused: {said}")
            figures["cost"] = f"{min(m.cost for m in months):+.3f} to {max(m.cost for m in months):+.3f} of AUC"


def next_second() -> datetime:
    """Wait for the next full second, and return it: windows begin and end at full seconds."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
    return moment


def _effect(month: Month, column: str) -> float:
    """How far a column has changed by the check; 0 if it has not."""
    return max((changed.effect for changed in month.changed if changed.name == column), default=0.0)
