"""The comment on a change: a golden file, what is escaped, and what an incomplete folder says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mooring.ci.comment import LONGEST, MARKER, comment, escaped
from mooring.ci.inputs import DataDifference, Inputs, MovedColumn, PlanFile, Trial, read_inputs
from mooring.cli import cli
from mooring.errors import MooringError
from mooring.plan.records import (
    Action,
    CostChange,
    Effect,
    EndpointChange,
    EnvironmentPlan,
    Plan,
    PropertyChange,
    ResourceChange,
    Sentence,
    StackChange,
)
from pipelines.interface.codec import to_json
from pipelines.interface.settings import Gate

GOLDEN = Path(__file__).with_name("comment.md")
DEV, PROD = "arrivals-dev-us-east-1", "arrivals-prod-us-east-1"
GATE = Gate(metric="auc", bound=0.65, min_gain=0.0, min_rows=5000)


def resource(action: Action, effect: Effect, refused: str = "") -> ResourceChange:
    change = PropertyChange(path="Value", before="0.6", after="0.65", effect=effect)
    return ResourceChange(
        logical_id="Settings",
        type="AWS::SSM::Parameter",
        name="settings",
        action=action,
        effect=effect,
        properties=(change,),
        refused=refused,
    )


def planned(name: str, *resources: ResourceChange, cost: CostChange | None = None) -> EnvironmentPlan:
    stage = name.split("-")[1]
    gate = Sentence(model="late-arrival", text="gate stricter: auc from 0.6 to 0.65", when="next retraining only")
    untouched = EndpointChange(model="late-arrival", text="endpoint untouched", untouched=True)
    stack = StackChange(
        name=f"{name}-registry-16", model="", action=Action.CHANGE, reason="template", resources=resources
    )
    return EnvironmentPlan(
        environment=name,
        stage=stage,
        is_new=False,
        stacks=(stack,) if resources else (),
        sentences=(gate,) if resources else (),
        endpoints=(untouched,),
        costs=(cost,) if cost else (),
    )


PLANS = (
    planned(DEV, resource(Action.CHANGE, Effect.NONE)),
    planned("arrivals-staging-us-east-1"),
    planned(
        PROD,
        resource(Action.CHANGE, Effect.REPLACE),
        resource(Action.CHANGE, Effect.INTERRUPT, refused="the type of a scaled endpoint does not change"),
        resource(Action.ADD, Effect.NONE),
        cost=CostChange(
            model="late-arrival", list_usd_before=173.8, list_usd_after=347.6, usd_before=173.5, usd_after=347.2
        ),
    ),
)
MOVED = MovedColumn(name="temp", kind="number", effect=0.547, psi=4.134, before="mean 36.53", after="mean 55.75")
DATA = DataDifference(
    environment=DEV,
    dataset="flights",
    files={"added": 1, "removed": 0, "changed": 2, "renamed": 0},
    rows_before=27004,
    rows_after=51955,
    columns=(MOVED, *(replace(MOVED, name=f"column_{number}", effect=0.1, psi=0.05) for number in range(9))),
    schema=("gate|no is added, of kind text",),
)
TRIALS = (
    Trial(
        environment=DEV,
        model="late-arrival",
        why="its settings differ: gate",
        gate=GATE,
        ending="rejected",
        rows=27902,
        value=0.6381,
        champion=0.6755,
        gain=(-0.048, -0.034),
        reasons=("auc 0.6381, at least 0.65 wanted",),
    ),
    Trial(
        environment=DEV,
        model="air-time",
        why="its program differs",
        gate=Gate(metric="mae", bound=12.0, min_gain=0.0, min_rows=5000),
        ending="registered",
        rows=30118,
        value=8.52,
    ),
    Trial(
        environment=DEV,
        model="no-samples",
        why="it is new",
        gate=GATE,
        reasons=("There are no samples in samples/bookings.",),
    ),
)


def write_inputs(folder: Path) -> None:
    for each in PLANS:
        plan = Plan(prices_of="2026-11-01", environments=(each,))
        (folder / f"plan-{each.environment}.json").write_text(json.dumps(to_json(plan)))
    (folder / "data-flights.json").write_text(json.dumps(to_json(DATA)))
    for trial in TRIALS:
        (folder / f"retraining-{trial.model}.json").write_text(json.dumps(to_json(trial)))


def test_comment_is_the_golden_file(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    done = CliRunner().invoke(cli, ["ci", "comment", str(tmp_path)])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "comment.md").read_text()
    assert text == GOLDEN.read_text(), "look at the difference, and write the golden file anew if it is right"
    assert json.loads((tmp_path / "comment.json").read_text()) == {"body": text}


def test_first_line_is_the_marker() -> None:
    assert comment(Inputs()).splitlines()[0] == MARKER


@pytest.mark.parametrize("text", ["<script>", "[x](http://a)", "a|b", "`x`", "@team", "#1", "*x*", "a\n# b"])
def test_what_others_wrote_is_text(text: str) -> None:
    shown = comment(Inputs(trials=(replace(TRIALS[1], model=text),)))
    assert f"**{text}**" not in shown
    assert escaped(text) in shown


def test_a_change_without_changes_says_so() -> None:
    (inputs,) = [Inputs(plans=(PlanFile(prices_of="2026-11-01", environments=()),))]
    assert "No plan was made" in comment(inputs)


def test_unchanged_environments_are_counted(tmp_path: Path) -> None:
    plan = Plan(prices_of="2026-11-01", environments=(PLANS[1],))
    (tmp_path / "plan-one.json").write_text(json.dumps(to_json(plan)))
    assert "**Nothing changes** in 1 environment." in comment(read_inputs(tmp_path))


def test_a_long_comment_is_shortened_to_what_github_takes() -> None:
    trial = replace(TRIALS[0], reasons=tuple("reason " * 20 for _ in range(1000)))
    text = comment(Inputs(trials=(trial,)))
    assert LONGEST < len(text) + 200 < 65_536
    assert text.endswith("_Shortened: the job's files hold all of it._\n")


def test_a_file_that_no_step_writes_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "plan-one.json").write_text('{"prices_of": 3}')
    with pytest.raises(MooringError, match=r"plan-one\.json is not what its step writes: .*environments is missing"):
        read_inputs(tmp_path)


def test_an_absent_folder_is_refused() -> None:
    with pytest.raises(MooringError, match="there is no folder"):
        read_inputs(Path("/nowhere/at/all"))
