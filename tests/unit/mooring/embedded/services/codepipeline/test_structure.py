"""A pipeline's declaration is checked by CodePipeline's rules before anything is stored."""

import copy
from typing import Any

import pytest

from mooring.embedded.services.codepipeline.errors import CodePipelineError
from mooring.embedded.services.codepipeline.structure import checked

ROLE = "arn:aws:iam::111111111111:role/pipeline"


def action(name: str, category: str, provider: str, **more: Any) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **more}


def source(**more: Any) -> dict[str, Any]:
    return action(
        "Source",
        "Source",
        "S3",
        configuration={"S3Bucket": "b", "S3ObjectKey": "k.zip"},
        outputArtifacts=[{"name": "Code"}],
        **more,
    )


def build(name: str = "Build", **more: Any) -> dict[str, Any]:
    given = {"configuration": {"ProjectName": "p"}, "inputArtifacts": [{"name": "Code"}], **more}
    return action(name, "Build", "CodeBuild", **given)


def declaration() -> dict[str, Any]:
    return {
        "name": "p",
        "roleArn": ROLE,
        "pipelineType": "V2",
        "artifactStore": {"type": "S3", "location": "store"},
        "stages": [
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build()]},
        ],
    }


def test_defaults_are_filled_in() -> None:
    given = declaration()
    found = checked(given)
    assert found["executionMode"] == "SUPERSEDED"
    assert found["stages"][1]["actions"][0]["runOrder"] == 1
    assert "executionMode" not in given, "the request stays as it is"


def stages(*found: dict[str, Any]) -> dict[str, Any]:
    return {"stages": list(found)}


SOURCE = {"name": "Source", "actions": [source()]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (stages(SOURCE), "2 to 50 stages"),
        (stages(SOURCE, {"name": "Source", "actions": [build()]}), "stage Source exists twice"),
        (stages(SOURCE, {"name": "Empty", "actions": []}), "has no action"),
        (stages(SOURCE, {"name": "B", "actions": [build(), build()]}), "Build exists twice"),
        (stages({"name": "A", "actions": [build()]}, SOURCE), "first stage has source actions"),
        (
            stages(SOURCE, {"name": "B", "actions": [build(inputArtifacts=[{"name": "Other"}])]}),
            "makes the artifact Other",
        ),
        (
            stages(SOURCE, {"name": "B", "actions": [build(outputArtifacts=[{"name": "Code"}])]}),
            "another action makes the artifact Code",
        ),
        (
            stages(
                SOURCE,
                {
                    "name": "B",
                    "actions": [
                        build("Late", runOrder=1, inputArtifacts=[{"name": "Made"}]),
                        build("Early", runOrder=2, outputArtifacts=[{"name": "Made"}]),
                    ],
                },
            ),
            "no earlier action makes the artifact Made",
        ),
        (stages(SOURCE, {"name": "B", "actions": [build(configuration={})]}), "lacks ProjectName"),
        (
            stages(
                SOURCE, {"name": "B", "actions": [build(configuration={"ProjectName": "p", "BatchEnabled": "true"})]}
            ),
            "BatchEnabled is not supported",
        ),
        (
            stages(SOURCE, {"name": "B", "actions": [build(configuration={"ProjectName": "p" * 1001})]}),
            "more than 1000 characters",
        ),
        (
            stages(SOURCE, {"name": "B", "actions": [action("L", "Invoke", "Lambda", configuration={})]}),
            "provider Lambda is not supported",
        ),
        (
            stages(SOURCE, {"name": "B", "actions": [build("A", namespace="n"), build("C", namespace="n")]}),
            "namespace n exists twice",
        ),
        ({"pipelineType": "V1", "executionMode": "QUEUED"}, "needs a pipeline of type V2"),
    ],
)
def test_what_codepipeline_refuses_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CodePipelineError, match=message):
        checked({**declaration(), **copy.deepcopy(changes)})


def test_thousand_actions_are_the_most() -> None:
    many = [build(f"B{number}") for number in range(1000)]
    with pytest.raises(CodePipelineError, match="at most 1000 actions"):
        checked({**declaration(), **stages(SOURCE, {"name": "B", "actions": many})})
