"""Buildspecs that are read, and those that are refused with the part that is wrong."""

import pytest

from mooring.embedded.services.codebuild.buildspec import Artifacts, BuildspecError, parse

WHOLE = """
version: 0.2
env:
  shell: bash
  variables: {SIZE: 1, ON: yes}
  parameter-store: {KEY: /a/key}
  exported-variables: [SIZE]
phases:
  install:
    runtime-versions: {python: 3.12, nodejs: 22}
  build:
    on-failure: ABORT
    commands:
      - echo one
      - |
        echo two
        echo three
    finally: [echo last]
artifacts:
  files: ['**/*']
  base-directory: out
  secondary-artifacts:
    assembly: {files: [cdk.out/**/*], discard-paths: yes, exclude-paths: [cdk.out/tree.json], name: a.zip}
"""


def _with(part: str, value: str) -> str:
    return f"version: 0.2\nphases: {{build: {{commands: [a]}}}}\n{part}: {value}"


def test_reads_every_part_as_it_is_written() -> None:
    found = parse(WHOLE)
    assert (found.shell, found.variables, found.parameters) == ("bash", {"SIZE": "1", "ON": "yes"}, {"KEY": "/a/key"})
    assert found.exported == ("SIZE",)
    assert list(found.phases) == ["install", "build"]
    build = found.phases["build"]
    assert build.commands == ("echo one", "echo two\necho three\n")
    assert (build.final, build.on_failure) == (("echo last",), "ABORT")
    assert found.artifacts == Artifacts(files=("**/*",), exclude=(), base_directory="out", name="", discard_paths=False)
    assert found.secondary["assembly"] == Artifacts(
        files=("cdk.out/**/*",), exclude=("cdk.out/tree.json",), base_directory="", name="a.zip", discard_paths=True
    )


def test_reads_json_and_only_secondary_artifacts() -> None:
    found = parse('{"version": "0.2", "phases": {"build": {"commands": ["a"]}}}')
    assert (found.artifacts, found.secondary) == (None, {})
    found = parse(_with("artifacts", "{secondary-artifacts: {one: {files: [a]}}}"))
    assert (found.artifacts, list(found.secondary)) == (None, ["one"])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a: [", "YAML_FILE_ERROR"),
        ("just a text", "buildspec must be a mapping"),
        ("version: 0.1\nphases: {build: {commands: [a]}}", "version '0.1'"),
        ("version: 0.2", "phases is required"),
        ("version: 0.2\nphases: {deploy: {commands: [a]}}", "deploy in phases"),
        ("version: 0.2\nphases: {build: {run-as: root, commands: [a]}}", "run-as in phases.build"),
        ("version: 0.2\nphases: {build: {finally: [a]}}", "phases.build has no commands"),
        ("version: 0.2\nphases: {build: {commands: a}}", "phases.build.commands must be a list"),
        ("version: 0.2\nphases: {build: {commands: [a: b]}}", r"phases.build.commands\[0\] to be of string type"),
        ("version: 0.2\nphases: {build: {commands: [a], on-failure: RETRY-3}}", "on-failure 'RETRY-3'"),
        ("version: 0.2\nphases: {build: {commands: [a], runtime-versions: {python: 3}}}", "runtime-versions in phases"),
        ("version: 0.2\nphases: {install: {runtime-versions: {java: 21}}}", "java in phases.install.runtime-versions"),
        (_with("reports", "{}"), "reports in buildspec"),
        (_with("cache", "{}"), "cache in buildspec"),
        (_with("batch", "{}"), "batch in buildspec"),
        (_with("proxy", "{}"), "proxy in buildspec"),
        (_with("env", "{secrets-manager: {A: b}}"), "secrets-manager in env"),
        (_with("env", "{shell: zsh}"), "env.shell 'zsh'"),
        (_with("env", "{variables: {A-B: c}}"), "'A-B' is no name of a variable"),
        (_with("env", "{variables: {A: [b]}}"), "env.variables.A must be a text"),
        (_with("env", "{exported-variables: ['$(x)']}"), "no name of a variable"),
        (_with("artifacts", "{name: a}"), "artifacts.files is required"),
        (_with("artifacts", "{files: [a], s3-prefix: p}"), "s3-prefix in artifacts"),
        (_with("artifacts", "{files: [a], enable-symlinks: yes}"), "enable-symlinks in artifacts"),
        (_with("artifacts", "{files: [a], discard-paths: maybe}"), "discard-paths 'maybe'"),
        (_with("artifacts", "{secondary-artifacts: [a]}"), "secondary-artifacts must be a mapping"),
    ],
)
def test_refuses_by_name(text: str, named: str) -> None:
    with pytest.raises(BuildspecError, match=named):
        parse(text)
