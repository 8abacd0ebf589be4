"""Runs a model's year: the model of January to March serves April to December, and the cost of drift is measured.

Each month's flights are sent to the endpoint, their labels are uploaded, and exactly this traffic is checked. The
month's flights are committed as well, and a retraining is started: it trains on the three months before, holds the
month out, and evaluates both models on it. Nobody approves the versions that it registers, so the old model serves all
the year. The drift that the checks find triggers retrainings too; the lease refuses them while the month's run is under
way, and the cooldown for a minute after its start.
"""

import time
from calendar import month_name
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
from sklearn.metrics import roc_auc_score

from mooring.checks import Checks
from mooring.demo import chapters, traffic
from mooring.demo.chapters import ENGINEER, MODEL, RUN_TIMEOUT_S, Stage
from mooring.demo.labelled import LabelledTraffic
from mooring.demo.month import ChangedColumn, Month, drift_table, quality_table
from mooring.demo.year_picture import render
from mooring.deployed import wait
from mooring.runs import Ending, RunResult, result_of
from pipelines.interface import keys
from pipelines.interface.requests import CheckAnswer
from pipelines.models import flights
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.quality.quality import QualityMeasurement

YEAR = range(4, 13)
SUMMER = range(5, 11)
CAPTURED_WITHIN_S = 120
SAME = 1e-9
"""Largest difference between two computations of the same area under the curve."""
LARGE = 0.3
"""Jensen-Shannon distance of a large change, far above the 0.07 from which a change is drift."""
SCHEDULE = ("distance", "departure_minute", "arrival_minute", "day_of_week")


def tell_year(stage: Stage) -> dict[str, str]:
    """Run the year; return the files that it wrote, by their titles."""
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
    """The months so far, and the clients that read them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._story = stage.story
        self._deployed = stage.arrivals
        self._checks = Checks(stage.arrivals, MODEL)
        self._services = stage.arrivals.services("auditor")
        self._settings = self._services.settings(MODEL)
        self._labelled = 0
        self._joined: dict[str, int] = {}

    def live(self, number: int) -> Month:
        """Run one month: its traffic, labels and check, and the retraining that holds it out."""
        name = month_name[number]
        with self._story.chapter(f"{name}: sent, labelled, checked, retrained") as figures:
            run = self._retraining(number) if number > YEAR.start else None
            window, answers = self._traffic(number)
            self._upload_labels(number, window)
            check = self._check(number, window, rows=len(answers))
            measured = self._measured(number, window, answers)
            value = measured.metrics["auc"]
            retrained = self._retrained(run, name, value) if run else None
            month = Month(
                name=f"2013-{number:02}",
                rows=len(answers),
                labelled=measured.rows,
                outcome=check.outcome,
                changed=tuple(
                    ChangedColumn(name=column.name, effect=column.effect, drifted=column.drifted)
                    for column in check.worst
                ),
                measured=value,
                quality=measured.outcome,
                estimated=(check.predictions or {})["estimated_auc"],
                retrained=retrained.value if retrained else None,
                gain=retrained.gain if retrained else None,
                verdict=str(retrained.ending) if retrained else None,
            )
            figures[month.outcome] = (
                f"AUC {month.measured:.3f}, estimated {month.estimated:.3f}, retrained {month.fresh:.3f}"
            )
        return month

    def _retraining(self, number: int) -> str:
        """Commit the month, wait for earlier retrainings to end, and start the one that holds the month out."""
        chapters.commit_months(self._stage, self._deployed, range(number, number + 1))
        with self._story.doing("waiting for earlier retrainings to end"):
            wait(
                lambda: all(run.ended for run in self._deployed.executions("retraining")) or None,
                what="the end of earlier retrainings",
                timeout_s=RUN_TIMEOUT_S,
            )
        return self._deployed.start_retraining(MODEL, by=ENGINEER, reason=f"{month_name[number]} is complete")

    def _traffic(self, number: int) -> tuple[Window, list[str]]:
        """Send the month's flights; return the window with this traffic only, and the answers."""
        begin = next_second()
        answers = chapters.send_month(self._stage, number, month_name[number])
        return Window(begin=begin, end=next_second()), answers

    def _upload_labels(self, number: int, window: Window) -> None:
        """Upload the month's labels for each hour of its window."""
        file = self._stage.home / "year" / f"labels-2013-{number:02}.csv"
        file.write_text(traffic.month_labels(number, month_name[number].lower()), encoding="utf-8")
        self._labelled += int(flights.month_rows(number)["late"].notna().sum())
        for hour in {window.begin.replace(minute=0, second=0), window.end.replace(minute=0, second=0)}:
            self._checks.put_labels(file, hour)

    def _check(self, number: int, window: Window, *, rows: int) -> CheckAnswer:
        """Check exactly the month's traffic once it is captured, and keep the report."""
        one = self._one(window)
        with self._story.doing("waiting for the capture, checking it"):
            wait(
                lambda: sum(chunk.rows for chunk in one.captured()) >= rows or None,
                what=f"{rows:,} captured rows",
                timeout_s=CAPTURED_WITHIN_S,
            )
            check = self._checks.run((window.begin, window.end))
        worst = ", ".join(f"{column.name} {column.effect:.2f}" for column in check.worst if column.drifted)
        self._story.claim(
            f"the check of {check.rows:,} rows says {check.outcome}: {worst or 'no column has drifted'}",
            check.rows == rows and check.version == 1,
            otherwise=f"{check.rows} rows of v{check.version}, {check.outcome}",
        )
        self._joined |= {hour.window: hour.rows for hour in check.quality}
        self._story.claim(
            f"labels joined so far: {self._labelled:,}, one for each sent flight that has arrived",
            sum(self._joined.values()) == self._labelled,
            otherwise=str(self._joined),
        )
        report = self._stage.home / "year" / f"2013-{number:02}.html"
        report.write_bytes(self._checks.report(check.check_id))
        return check

    def _measured(self, number: int, window: Window, answers: list[str]) -> QualityMeasurement:
        """Return the quality of the month's predictions, measured with the joined labels."""
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
            f"AUC {measured.metrics['auc']:.4f} from joined labels is equal to scikit-learn's from flights and answers",
            abs(measured.metrics["auc"] - directly) < SAME,
            otherwise=str(directly),
        )
        return measured

    def _one(self, window: Window) -> LabelledTraffic:
        return LabelledTraffic(services=self._services, settings=self._settings, version=1, window=window)

    def _retrained(self, arn: str, name: str, value: float) -> RunResult:
        """Return the result of the month's retraining, whose evaluation must agree with the joined labels."""
        with self._story.doing("retraining on the three months before"):
            self._deployed.wait_for(arn, timeout_s=RUN_TIMEOUT_S)
        result = result_of(self._deployed, MODEL, arn)
        self._story.claim(
            f"the model of the three months before {name} is {result.ending}",
            result.ending in (Ending.REGISTERED, Ending.REJECTED),
            otherwise=str(result),
        )
        old, new, gain = result.champion_value or 0.0, result.value or 0.0, result.gain or (0.0, 0.0)
        self._story.claim(
            f"it has AUC {new:.3f} on {name}, the old model {old:.3f}, equal to that of its labels "
            f"(gain, 95 % interval {gain[0]:+.3f} to {gain[1]:+.3f})",
            abs(old - value) < SAME,
            otherwise=f"{old} by the evaluation, {value} from joined labels",
        )
        return result

    def close(self, months: list[Month]) -> None:
        """Check the claims on the whole year."""
        with self._story.chapter("The year as a whole") as figures:
            summer = [month for month in months if int(month.name[-2:]) in SUMMER]
            moved = {month.name: _effect(month, "temp") for month in summer}
            weighty = sum("temp" in month.drifted for month in summer)
            self._story.claim(
                f"from {month_name[SUMMER.start]} to {month_name[SUMMER.stop - 1]} the temperature's change is found "
                f"every month (effect {min(moved.values()):.2f} to {max(moved.values()):.2f}), and is drift by "
                f"itself in {weighty} of {len(summer)} months",
                min(moved.values()) >= LARGE,
                otherwise=str(moved),
            )
            false_alarms = {month.name: sorted({*SCHEDULE} & {*month.drifted}) for month in months}
            self._story.claim(
                f"{', '.join(SCHEDULE)} are never drift; their largest effect is "
                f"{max(_effect(month, column) for month in months for column in SCHEDULE):.3f}",
                not any(false_alarms.values()),
                otherwise=str({name: columns for name, columns in false_alarms.items() if columns}),
            )
            old = self._deployed.environment.model(MODEL).package_arn(1)
            self._story.claim(
                f"{MODEL} v1 has served all the year, because nobody approved another version",
                chapters.serving_package(self._deployed, MODEL) == old,
                otherwise=chapters.serving_package(self._deployed, MODEL),
            )
            refused = Counter(refusal.refusal for _, refusal in self._deployed.ledger.query(keys.refusals(MODEL)))
            counts = ", ".join(f"{count} by {name}" for name, count in refused.items()) or "none"
            self._story.say(f"refused retrainings that drift or lost quality triggered: {counts}")
            figures["cost"] = f"{min(m.cost for m in months):+.3f} to {max(m.cost for m in months):+.3f} of AUC"


def next_second() -> datetime:
    """Wait for the next full second and return it, because windows begin and end at full seconds."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
    return moment


def _effect(month: Month, column: str) -> float:
    """Return a column's effect in the check; 0 if it has not changed."""
    return max((changed.effect for changed in month.changed if changed.name == column), default=0.0)
