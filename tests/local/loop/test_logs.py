"""``mooring logs`` joins what functions, state machine and jobs of one flow logged, in order of time."""

import json

from mooring.demo.chapters import MODEL
from mooring.deployed import DeployedEnvironment
from pipelines.interface import keys
from tests.local.loop.test_commands import run


def lines_of(arrivals: DeployedEnvironment, *options: str) -> list[dict[str, object]]:
    text = run("logs", arrivals.environment.id, MODEL, *options, "--json")
    return [json.loads(line) for line in text.splitlines()]


def test_logs_of_a_run_have_its_steps_from_trigger_to_registration(arrivals: DeployedEnvironment) -> None:
    registered = next(record for _, record in arrivals.ledger.query(keys.runs(MODEL)) if record.outcome == "registered")
    found = lines_of(arrivals, "--run", registered.run_id)
    times = [str(line["time"]) for line in found]
    assert times == sorted(times)
    lines = [(line["source"], line["message"]) for line in found]
    expected = [
        ("state machine", "execution started"),
        ("take_lease", "lease taken"),
        ("plan_run", "run planned"),
        ("validate", "data validated"),
        ("train", "model trained"),
        ("evaluate", "candidate evaluated"),
        ("judge_candidate", "candidate accepted"),
        ("register_candidate", "candidate registered"),
        ("finish_run", "run registered"),
        ("state machine", "execution succeeded"),
    ]
    assert [line for line in lines if line in expected] == expected
    lease = next(line for line in found if line["message"] == "lease taken")
    assert (lease["kind"], lease["by"]) == ("person", "tester")
    evaluated = next(line for line in found if line["message"] == "candidate evaluated")
    assert "auc" in json.dumps(evaluated)


def test_logs_of_a_release_show_its_verification(arrivals: DeployedEnvironment) -> None:
    found = [(line["source"], line["message"]) for line in lines_of(arrivals, "--release", "last")]
    expected = [
        ("begin_release", "release begun"),
        ("verify_release", "release verified"),
        ("finish_release", "release released"),
    ]
    assert [line for line in found if line in expected] == expected
    assert any(source == "endpoint" for source, _ in found), "the endpoint logs that it loaded its model"


def test_logs_hold_no_values_of_rows(arrivals: DeployedEnvironment) -> None:
    text = run("logs", arrivals.environment.id, MODEL)
    assert "scheduled_departure" not in text
    assert "2013-01-01T05:15:00" not in text
