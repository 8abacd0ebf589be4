"""CodeBuild without a server: operations, plans, archives and artifacts."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mooring.embedded.services.codebuild import artifacts, events, operations, plans, service, zips
from mooring.embedded.services.codebuild.buildspec import Artifacts
from mooring.embedded.services.codebuild.errors import CodeBuildError
from mooring.embedded.services.codebuild.phases import PhaseError

INLINE = "version: 0.2\nphases: {build: {commands: [a]}}"


def _project(**changes: Any) -> dict[str, Any]:
    return {
        "name": "p1",
        "arn": "arn:aws:codebuild:us-east-1:000000000000:project/p1",
        "source": {"type": "CODEPIPELINE", "buildspec": INLINE},
        "secondarySources": [],
        "artifacts": {"type": "CODEPIPELINE"},
        "secondaryArtifacts": [],
        "environment": {"environmentVariables": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        **changes,
    }


def test_every_operation_has_a_handler_and_exists() -> None:
    assert service.HANDLERS.keys() == operations.PARAMETERS.keys()
    for operation in operations.PARAMETERS:
        assert operations.API.operation_model(operation).name == operation


@pytest.mark.parametrize("operation", ["CreateWebhook", "StartBuildBatch", "CreateReportGroup", "NoSuchOperation"])
def test_refuses_other_operations_by_name(operation: str) -> None:
    with pytest.raises(CodeBuildError, match=f"InvalidInputException: The operation {operation} is not supported"):
        operations.API.check(operation, {})


def test_pipeline_gives_the_places_of_sources_and_artifacts() -> None:
    request = {
        "sourceLocationOverride": "bucket/in.zip",
        "secondarySourcesOverride": [{"type": "CODEPIPELINE", "sourceIdentifier": "two", "location": "bucket/2.zip"}],
        "artifactsOverride": {"type": "CODEPIPELINE", "location": "bucket", "path": "out", "name": "a1"},
        "environmentVariablesOverride": [{"name": "B", "value": "3"}],
    }
    found = plans.plan(_project(), request, pipeline=True)
    assert found["source"] == {"type": "CODEPIPELINE", "buildspec": INLINE, "location": "bucket/in.zip"}
    assert artifacts.object_key(found["artifacts"], "p1:number", "ignored.zip") == "out/a1"
    assert [item["value"] for item in found["environment"]["environmentVariables"]] == ["1", "3"]
    with pytest.raises(CodeBuildError, match="Cannot start a build of project p1 with source or artifacts of type COD"):
        plans.plan(_project(), request, pipeline=False)
    with pytest.raises(CodeBuildError, match="needs the location of its artifact"):
        plans.plan(_project(), {}, pipeline=True)


def test_project_of_a_pipeline_starts_with_other_types() -> None:
    request: dict[str, Any] = {"sourceTypeOverride": "NO_SOURCE"}
    with pytest.raises(CodeBuildError, match="both have the type CODEPIPELINE"):
        plans.plan(_project(), request, pipeline=True)
    found = plans.plan(_project(), request | {"artifactsOverride": {"type": "NO_ARTIFACTS"}}, pipeline=False)
    assert found["source"]["type"] == "NO_SOURCE"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"source": {"type": "S3", "location": "bucket/folder/"}}, "'bucket/folder/' must be BUCKET/KEY"),
        ({"source": {"type": "S3"}}, "location '' must be BUCKET/KEY"),
        ({"source": {"type": "NO_SOURCE"}}, "NO_SOURCE needs an inline buildspec"),
        ({"source": {"type": "NO_SOURCE", "buildspec": "arn:aws:s3:::b/spec.yml"}}, "in S3 is not supported"),
        ({"artifacts": {"type": "S3"}}, "location must be a bucket"),
        ({"secondaryArtifacts": [{"type": "S3", "location": "b"}]}, "needs a artifactIdentifier"),
        ({"concurrentBuildLimit": 0}, "concurrentBuildLimit: 0 must be at least 1"),
    ],
)
def test_faults_of_a_project_are_named(changes: dict[str, Any], named: str) -> None:
    good = {"source": {"type": "NO_SOURCE", "buildspec": INLINE}, "artifacts": {"type": "NO_ARTIFACTS"}}
    with pytest.raises(CodeBuildError, match=named):
        plans.plan(_project(**(good | changes)), {}, pipeline=False)


def _files(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def _wanted(*files: str, **changes: Any) -> Artifacts:
    options: dict[str, Any] = {"exclude": (), "base_directory": "", "name": "", "discard_paths": False} | changes
    return Artifacts(files=files, **options)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (_wanted("**/*"), {"a.txt", "out/b.txt", "out/deep/c.txt"}),
        (_wanted("out/**"), {"out/b.txt", "out/deep/c.txt"}),
        (_wanted("./out/*", "a.txt"), {"out/b.txt", "a.txt"}),
        (_wanted("**/*", base_directory="out"), {"b.txt", "deep/c.txt"}),
        (_wanted("**/*", base_directory="o*"), {"b.txt", "deep/c.txt"}),
        (_wanted("**/*", base_directory="."), {"a.txt", "out/b.txt", "out/deep/c.txt"}),
        (_wanted("out/**/*", discard_paths=True), {"b.txt", "c.txt"}),
        (_wanted("**/*", exclude=("out/deep",)), {"a.txt", "out/b.txt"}),
    ],
)
def test_collects_files_by_patterns(tmp_path: Path, wanted: Artifacts, expected: set[str]) -> None:
    source = _files(tmp_path, "a.txt", "out/b.txt", "out/deep/c.txt")
    found, _ = artifacts.collect(wanted, {}, source, str)
    assert set(found) == expected


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (_wanted("*.zip"), "no matching artifact paths found"),
        (_wanted("**/*", base_directory="none"), "no matching base directory path found for none"),
        (_wanted("/etc/passwd"), "is not valid"),
        (_wanted("out/../../*"), "leads out of the source"),
        (None, "the buildspec has no artifacts.secondary-artifacts.one"),
    ],
)
def test_artifact_without_files_fails(tmp_path: Path, wanted: Artifacts | None, named: str) -> None:
    with pytest.raises(PhaseError, match=named):
        artifacts.collect(wanted, {"artifactIdentifier": "one"}, _files(tmp_path, "a.txt"), str)


def test_archive_keeps_the_modes_of_files(tmp_path: Path) -> None:
    tool = _files(tmp_path, "tool.sh") / "tool.sh"
    tool.chmod(0o755)
    zips.pack({"bin/tool.sh": tool}, tmp_path / "a.zip")
    zips.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert (tmp_path / "out" / "bin" / "tool.sh").stat().st_mode & 0o777 == 0o755


def test_unsafe_archives_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    for name, member in (("up", zipfile.ZipInfo("../up")), ("root", zipfile.ZipInfo("/etc/up")), ("link", link)):
        with zipfile.ZipFile(tmp_path / name, "w") as opened:
            opened.writestr(member, "x")
        with pytest.raises(zips.ZipError, match=r"lies outside the folder|is a link"):
            zips.unpack(tmp_path / name, tmp_path / "out")
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(zips.ZipError, match="not a zip archive"):
        zips.unpack(tmp_path / "text", tmp_path / "out")


def test_times_in_events_are_written_as_aws_does() -> None:
    assert events._time(datetime(2017, 9, 1, 16, 2, 9, tzinfo=UTC)) == "Sep 1, 2017 4:02:09 PM"
    assert events._time(datetime(2017, 9, 1, 0, 2, 9, tzinfo=UTC)) == "Sep 1, 2017 12:02:09 AM"
