"""The fleet's file: one precedence, and every error at once with its path, its value and what is allowed."""

import copy
import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import images
from infra.fleet import Fleet, FleetError, load, parse

ROOT = Path(__file__).parents[3]
EXAMPLE = yaml.safe_load((ROOT / "fleet.yaml").read_text(encoding="utf-8"))


def broken(change: Any) -> str:
    document = copy.deepcopy(EXAMPLE)
    change(document)
    with pytest.raises(FleetError) as caught:
        parse(document)
    return str(caught.value)


def test_example_is_a_fleet() -> None:
    ids = [environment.names.id for environment in load(ROOT / "fleet.yaml").environments()]
    assert ids[0] == "arrivals-dev-us-east-1"
    assert len(ids) == 6


def test_precedence_is_built_in_defaults_stage_model_override() -> None:
    document = copy.deepcopy(EXAMPLE)
    model = document["teams"][0]["models"][0]

    def threshold() -> Any:
        fleet = parse(document)
        values = fleet.settings(fleet.teams[0].models[0], "dev").drift
        return values and values.min_effect

    assert threshold() == 0.07
    document["defaults"]["drift"] = {"min_effect": 0.3}
    assert threshold() == 0.3
    document["stages"][0]["defaults"]["drift"] = {"min_effect": 0.4}
    assert threshold() == 0.4
    model["drift"] = {"min_effect": 0.5}
    assert threshold() == 0.5
    model["stages"] = {"dev": {"drift": {"min_effect": 0.6}}, "prod": {"drift": {"min_effect": 0.9}}}
    assert threshold() == 0.6


def test_only_the_training_stage_retrains_by_itself() -> None:
    fleet = load(ROOT / "fleet.yaml")
    triggers = {
        environment.names.stage: environment.model_settings(
            environment.team.models[0], code_uri="s3://b/k"
        ).retraining.triggers
        for environment in fleet.environments()
        if environment.team.name == "arrivals"
    }
    assert triggers == {"dev": ("drift", "quality"), "staging": (), "prod": ()}


def schedules(document: Any) -> dict[str, str | None]:
    """Stage -> the retraining schedule of the first team's first model."""
    return {
        environment.names.stage: environment.retraining_schedule(environment.team.models[0])
        for environment in parse(document).environments()
        if environment.team.name == "arrivals"
    }


def test_only_the_training_stage_has_the_retraining_schedule() -> None:
    document = copy.deepcopy(EXAMPLE)
    assert schedules(document) == {"dev": None, "staging": None, "prod": None}
    document["teams"][0]["models"][0]["retraining"] = {"triggers": ["schedule"], "schedule": "rate(7 days)"}
    assert schedules(document) == {"dev": "rate(7 days)", "staging": None, "prod": None}


def test_null_takes_away_the_retraining_schedule_of_the_defaults() -> None:
    document = copy.deepcopy(EXAMPLE)
    document["defaults"]["retraining"] = {"triggers": ["drift", "schedule"], "schedule": "rate(7 days)"}
    model = document["teams"][0]["models"][0]
    model["retraining"] = {"triggers": ["drift"], "schedule": None}
    document["teams"][1]["models"][0].pop("retraining")
    assert set(schedules(document).values()) == {None}
    model["retraining"] = {}
    assert schedules(document)["dev"] == "rate(7 days)"
    model["stages"] = {"dev": {"retraining": {"schedule": "cron(0 3 ? * MON *)"}}}
    assert schedules(document)["dev"] == "cron(0 3 ? * MON *)"
    model["stages"] = {"dev": {"retraining": {"triggers": ["drift"], "schedule": None}}}
    assert schedules(document)["dev"] is None


@pytest.mark.parametrize(
    ("retraining", "expected"),
    [
        (
            {"triggers": ["drift", "schedule"]},
            "teams[0].models[0].retraining.schedule: None; "
            "allowed: a rate(…) or cron(…), because retraining.triggers names schedule (in stage dev)",
        ),
        (
            {"triggers": ["drift", "commit"], "schedule": "rate(7 days)"},
            "teams[0].models[0].retraining.schedule: 'rate(7 days)'; "
            "allowed: null, or schedule among retraining.triggers, which are drift, commit (in stage dev)",
        ),
        (
            {"triggers": [], "schedule": "rate(7 days)"},
            "allowed: null, or schedule among retraining.triggers, which are empty (in stage dev)",
        ),
        ({"triggers": ["schedule"], "schedule": "weekly"}, "retraining.schedule: 'weekly'; allowed: match pattern"),
    ],
)
def test_refuses_a_schedule_without_its_trigger_and_a_trigger_without_its_schedule(
    retraining: dict[str, Any], expected: str
) -> None:
    text = broken(lambda document: document["teams"][0]["models"][0].update(retraining=retraining))
    assert expected in text


def test_all_errors_come_in_one_go() -> None:
    def change(document: Any) -> None:
        document["teams"][0]["models"][0]["drift"] = {"window_hours": 0, "min_efect": 0.3}
        document["teams"][0]["environments"][0]["account"] = "12345"
        document["teams"][1]["environments"][0]["region"] = "eu-west-9"
        document["teams"][1]["models"][0]["gate"]["metric"] = "auc"
        document["teams"][1]["name"] = "arrivals"

    text = broken(change)
    assert "teams[0].models[0].drift.window_hours: 0; allowed: greater than or equal to 1" in text
    assert "teams[0].models[0].drift.min_efect: 'min_efect'; allowed: did you mean min_effect?" in text
    assert "teams[0].environments[0].account: '12345'; allowed: an account id: 12 digits" in text
    assert "teams[1].environments[0].region: 'eu-west-9'; allowed: did you mean eu-west-" in text
    assert "teams[1].models[0].gate.metric: 'auc'; allowed: for regression one of mae, rmse" in text
    assert "teams[1].name: 'arrivals'; allowed: a name that stands once" in text


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("teams", 0, "environments", 0, "account"), 111111111111, "put quotes around it"),
        (("teams", 0, "models", 0, "serving"), {"mode": "serverless"}, "a serverless endpoint captures no traffic"),
        (("teams", 0, "models", 0, "serving"), {"capture_percentage": 0}, "serving.capture_percentage: 0"),
        (("teams", 0, "models", 0, "serving"), {"min_instances": 9}, "at most max_instances"),
        (("stages", 2, "defaults", "serving"), {"min_instances": 1}, "at least 2 in prod"),
        (("teams", 0, "models", 0, "serving"), {"instance_type": "m5.large"}, "serving.instance_type: 'm5.large'"),
        (("teams", 0, "models", 0, "training"), {"instance_type": "ml.m5d.large"}, "a type without disks of its own"),
        (("teams", 0, "models", 0, "training_stage"), "test", "one of the team's stages dev, staging, prod"),
        (("teams", 0, "models", 0, "stages"), {"prodd": {}}, "one of the stages dev, staging, prod"),
        (("teams", 0, "models", 0, "name"), "late-arrival-of-flights-that-left-new-york", "characters for the"),
        (("teams", 0, "models", 0, "name"), "Late_Arrival", "small letters"),
        (("teams", 0, "models", 0, "gate"), {"metric": "auc"}, "gate.bound: None"),
        (("teams", 0, "environments", 1, "stage"), "dev", "an environment (team, stage, region) that stands once"),
        (("teams", 0, "owners"), [], "at least 1"),
        (("teams", 0, "colour"), "blue", "teams[0].colour: 'colour'; allowed: one of"),
    ],
)
def test_refuses(path: tuple[int | str, ...], value: Any, expected: str) -> None:
    def change(document: Any) -> None:
        at = document
        for part in path[:-1]:
            at = at[part]
        at[path[-1]] = value

    assert expected in broken(change)


@pytest.mark.parametrize("document", [None, [], "text", {}, {"teams": []}, {"stages": 1, "teams": [None]}])
def test_refuses_what_is_no_fleet(document: Any) -> None:
    with pytest.raises(FleetError):
        parse(document)


def test_yaml_errors_name_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("stages: [dev\nteams: {}\n")
    with pytest.raises(FleetError, match=r"line 2, column \d+"):
        load(path)
    path.write_text("stages:\n  - name: dev\n    name: prod\n")
    with pytest.raises(FleetError, match=r"line 3, column 5.*'name' stands twice"):
        load(path)
    with pytest.raises(FleetError, match="a readable UTF-8 file"):
        load(tmp_path / "absent.yaml")


def test_unknown_environment_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(FleetError, match=r"'nowhere'; allowed: one of arrivals-dev-us-east-1"):
        load(ROOT / "fleet.yaml").environment("nowhere")


def test_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "fleet.schema.json").read_text(encoding="utf-8"))
    assert committed == Fleet.model_json_schema(), "python -m infra.fleet.reading > fleet.schema.json"


def test_images_are_those_that_sagemaker_publishes() -> None:
    # Read as a file: importing the SDK takes seconds.
    path = distribution("sagemaker-core").locate_file("sagemaker/core/image_uri_config/sklearn.json")
    config = json.loads(Path(str(path)).read_text(encoding="utf-8"))
    for scope in ("training", "inference"):
        said = config[scope]["versions"][images.VERSION]
        commercial = {
            region: account
            for region, account in said["registries"].items()
            if not region.startswith(("cn-", "us-gov-", "us-iso"))
        }
        assert commercial == images.REGISTRIES
        assert (said["repository"], said["processors"], said["py_versions"]) == (images.REPOSITORY, ["cpu"], ["py3"])


def test_image_has_its_region_in_its_address() -> None:
    expected = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    assert images.scikit_learn("eu-west-1") == expected


def test_wrong_budget_hides_no_wrong_region() -> None:
    document = yaml.safe_load(Path("fleet.yaml").read_text(encoding="utf-8"))
    team = document["teams"][0]
    del team["monthly_budget_usd"]
    team["owners"] = "a@b.c"
    team["environments"][0] |= {"account": 111111111111, "region": "eu-wset-1"}
    with pytest.raises(FleetError) as refused:
        parse(document)
    assert [problem.path for problem in refused.value.problems] == [
        "teams[0].owners",
        "teams[0].monthly_budget_usd",
        "teams[0].environments[0].account",
        "teams[0].environments[0].region",
    ]


def test_account_that_begins_with_a_zero_is_no_octal_number(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    text = Path("fleet.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace('"111111111111"', "011111111111"), encoding="utf-8")
    assert load(path).teams[0].environments[0].account == "011111111111"


@pytest.mark.parametrize("text", ["defaults: &a {loop: *a}", "2020-01-01: x", "? [a]\n: x", "- a", "text", ""])
def test_odd_yaml_is_refused_with_problems(text: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FleetError, match="problem"):
        load(path)
