"""What a fleet needs of AWS's quotas agrees with its templates, and a thousand models fit the defaults."""

from collections import Counter

import yaml

from infra.fleet import Fleet, parse
from infra.fleet.quotas import exceeded, needs
from tests.support.synth import FLEET, Template, example_fleet, templates_of

TYPES = {
    "iam": "AWS::IAM::Role",
    "application-autoscaling": "AWS::ApplicationAutoScaling::ScalableTarget",
    "ssm": "AWS::SSM::Parameter",
    "scheduler": "AWS::Scheduler::Schedule",
    "monitoring": "AWS::CloudWatch::Alarm",
}


def of_models(count: int, **serving: int) -> Fleet:
    """Return the tests' fleet with its first team's dev only, and that many models."""
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    team = document["teams"][0]
    model = {**team["models"][0], "serving": serving, "program": "late_arrival"}
    team["environments"] = team["environments"][:1]
    team["models"] = [{**model, "name": f"model-{number}"} for number in range(count)]
    return parse({**document, "teams": [team]})


def test_needs_are_the_numbers_of_resources(templates: dict[str, Template]) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for environment in example_fleet().environments():
        account = environment.names.account
        for stack in (name for name in templates if name.startswith(environment.names.id)):
            found["cloudformation", account] += 1
            for resource in templates[stack]["Resources"].values():
                for service, kind in TYPES.items():
                    found[service, account] += resource["Type"] == kind
                is_rule = resource["Type"] == "AWS::Events::Rule"
                found["events", account] += is_rule and "EventBusName" not in resource["Properties"]
            # A function makes the release states.
            found["ssm", account] += stack.endswith("-serving")
    assert {(need.quota.service, need.account): need.needed for need in needs(example_fleet())} == found


def test_a_thousand_models_of_a_team_fit_the_defaults_of_one_account() -> None:
    fleet = of_models(1000)
    assert [str(need) for need in exceeded(fleet)] == []
    assert {need.quota.service: need.needed for need in needs(fleet)} == {
        "cloudformation": 1034,
        "iam": 32,
        "application-autoscaling": 0,
        "ssm": 2001,
        "events": 5,
        "scheduler": 1001,
        "monitoring": 1001,
    }


def test_an_exceeded_default_is_named_with_code_value_and_command() -> None:
    (need,) = exceeded(of_models(501, min_instances=1, max_instances=2))
    assert str(need) == (
        "account 111111111111 in us-east-1 needs 501 of application-autoscaling 'Scalable targets for SageMaker' "
        "(L-1AAF0700), whose default is 500; ask for it with: aws service-quotas request-service-quota-increase "
        "--service-code application-autoscaling --quota-code L-1AAF0700 --desired-value 501 --region us-east-1"
    )


def test_models_spread_over_the_registry_stacks_and_stay_where_they_are() -> None:
    few, more = of_models(8), of_models(9)
    stacks = [
        {name: set(template["Resources"]) for name, template in templates_of(fleet).items()} for fleet in (few, more)
    ]
    registries = [{name: ids for name, ids in found.items() if "-registry-" in name} for found in stacks]
    changed = {name for name, ids in registries[1].items() if registries[0].get(name) != ids}
    assert len(changed) == 1
    assert all(len(ids) <= 400 for ids in registries[1].values())
