"""cdk-nag's AwsSolutions rules hold for the stack of the pipelines, but for the exceptions here."""

import json
import re
from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.parts import parts_of
from infra.synthesis import ROOT, add_shared, new_app
from tests.support.synth import promoting_fleet

TOOLING = "arrivals-tooling-eu-west-1"
PACK = "AwsSolutions"
ACKNOWLEDGED = (
    (
        r"DrivePromotion/Function",
        r"AwsSolutions-L1",
        "The layers hold wheels for Python 3.12, which AWS supports; all functions move to another version at once.",
    ),
    (
        r"DrivePromotion/Role|Models/Models/Role|Personas/\w+",
        r"AwsSolutions-IAM5\[Resource::.*/records/\*\.zip\]",
        "A record's key is its digest, which no template can know; the prefix holds records only.",
    ),
    (
        r"DrivePromotion/Role|Builds/[\w-]+/Role",
        r"AwsSolutions-IAM5\[Resource::arn:aws:logs:.*:log-group:/aws/(lambda|codebuild)/[a-z0-9-]+:\*\]",
        "The star is the log stream, which each start of the function or of a build names; the group is its own.",
    ),
    (
        r"Promotion/Role",
        r"AwsSolutions-IAM5\[Resource::\*\]",
        "AWS has no resource for the delivery of a state machine's log and for X-Ray.",
    ),
    (
        r"(Builds/[\w-]+|Code/Code|Models/Models)/Role",
        r"AwsSolutions-IAM5\[Resource::<BucketsPipeline[0-9A-F]+\.Arn>/\*\]",
        "CodePipeline names the artifacts of each execution; the bucket holds nothing else.",
    ),
    (
        r"(Code/Code|Models/Models)/Role|Personas/\w+",
        r"AwsSolutions-IAM5\[Resource::arn:aws:states:.*:execution:[a-z0-9-]+-promotion:\*\]",
        "CodePipeline names each execution; they are those of one state machine.",
    ),
    (
        r"Personas/\w+",
        r"AwsSolutions-IAM5\[Resource::\*\]",
        "AWS has no resource for listing log groups.",
    ),
    (
        r"Personas/\w+",
        r"AwsSolutions-IAM5\[Resource::arn:aws:logs:.*:log-group:/aws/[a-z/]+/[a-z0-9-]+-tooling-[a-z0-9-]+-\*\]",
        "They are the log groups of one tooling environment: its functions, builds and state machine.",
    ),
    (
        r"Personas/Operator",
        r"AwsSolutions-IAM5\[Resource::arn:aws:codepipeline:.*-(code|models)/\*\]",
        "The star is the stage: an operator retries every stage of the team's two pipelines.",
    ),
)
"""Construct below the stack, rule, and reason of each exception; the first two are regular expressions."""


def app_with_nag(folder: Path) -> App:
    app = new_app(str(folder))
    (part,) = parts_of(promoting_fleet().deployable()[TOOLING])
    add_shared(app, part, ROOT)
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    return app


def reason_of(construct: str, rule: str) -> str | None:
    path = construct.partition("/")[2].removesuffix("/Resource")
    found = [why for where, what, why in ACKNOWLEDGED if re.fullmatch(where, path) and re.fullmatch(what, rule)]
    return found[0] if found else None


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Return the construct and the rule of every finding before exceptions."""
    folder = tmp_path_factory.mktemp("nag")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app_with_nag(folder).synth()
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return [
        (construct["constructPath"], violation["ruleName"])
        for plugin in report["pluginReports"]
        if plugin["pluginName"] == PACK
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]


def test_every_finding_is_an_exception_with_a_reason(findings: list[tuple[str, str]]) -> None:
    assert [found for found in findings if reason_of(*found) is None] == []


def test_every_exception_excepts_something(findings: list[tuple[str, str]]) -> None:
    used = {reason_of(*found) for found in findings}
    assert [reason for _, _, reason in ACKNOWLEDGED if reason not in used] == []


def test_stack_passes_with_its_exceptions(findings: list[tuple[str, str]], tmp_path: Path) -> None:
    app = app_with_nag(tmp_path)
    constructs = {construct.node.path: construct for construct in app.node.find_all()}
    for construct, rule in findings:
        reason = reason_of(construct, rule)
        assert reason
        Validations.of(constructs[construct]).acknowledge(Acknowledgment(id=f"{PACK}::{rule}", reason=reason))
    app.synth()
