"""What is put together from finished parts is, file by file, what one app synthesizes."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.app import ROOT, select
from infra.archives import Archives
from infra.assembly import sign, write_joined
from infra.cache import write_assembly
from infra.fleet import Fleet, FleetError, parse
from infra.parts import digest_inputs
from infra.synthesis import build, new_app
from tests.benchmarks.fleets import document_of

INPUTS = "the same code"


def fleet_of(**changes: dict[str, Any]) -> Fleet:
    """Return a fleet of two environments with two models, with other settings of some."""
    document = document_of(2, stages=("dev", "staging"))
    for model in document["teams"][0]["models"]:
        model.update(changes.get(model["name"].replace("-", "_"), {}))
    return parse(document)


class Folder:
    """Assemblies from one set of archives, and what was synthesized for the last one."""

    def __init__(self, path: Path) -> None:
        self.archives = path / "archives"
        self.lines: list[str] = []
        self.first: set[str] = set()
        self._path = path

    def write(self, fleet: Fleet, *, inputs: str = INPUTS, to: str = "out") -> dict[str, bytes]:
        outdir = self._path / to
        before = self.names()
        write_assembly(
            list(fleet.environments()),
            outdir,
            root=ROOT,
            inputs=inputs,
            archives=Archives(self.archives),
            on_line=self.lines.append,
        )
        self.new = self.names() - before
        self.first = self.first or self.new
        return contents(outdir)

    def assets(self) -> set[str]:
        return {path.name for path in self.archives.glob("asset.*")}

    def names(self) -> set[str]:
        return {path.name for path in self.archives.glob("*") if not path.name.startswith("asset.")}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_one_app(fleet: Fleet, folder: Path) -> dict[str, bytes]:
    app = new_app(str(folder))
    build(app, fleet)
    app.synth()
    sign(folder)
    return contents(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return by_one_app(fleet_of(), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Archives that hold every part of ``fleet_of()``."""
    found = Folder(tmp_path_factory.mktemp("parts"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONHASHSEED", "7")
        found.write(fleet_of())
    return found


def differing(first: dict[str, bytes], second: dict[str, bytes]) -> list[str]:
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def test_parts_of_other_processes_give_the_bytes_of_one_app(folder: Folder, whole: dict[str, bytes]) -> None:
    assert len(whole) > 100
    assert differing(contents(folder._path / "out"), whole) == []


def test_a_second_synthesis_synthesizes_nothing_and_gives_the_same_bytes(
    folder: Folder, whole: dict[str, bytes]
) -> None:
    assert differing(folder.write(fleet_of(), to="second"), whole) == []
    assert folder.new == set()


def test_only_the_slot_of_a_changed_model_is_synthesized(folder: Folder, tmp_path: Path) -> None:
    fleet = fleet_of(model_0001={"window_months": 5})
    found = folder.write(fleet, to="changed")
    assert len(folder.new) == len(list(fleet.environments()))
    assert differing(found, by_one_app(fleet, tmp_path)) == []


def test_a_setting_of_one_stage_leaves_the_other_environment(folder: Folder) -> None:
    folder.write(fleet_of(model_0001={"stages": {"staging": {"window_months": 6}}}), to="stage")
    assert len(folder.new) == 1


def test_what_is_damaged_is_synthesized_again(folder: Folder, whole: dict[str, bytes], tmp_path: Path) -> None:
    copied = Folder(tmp_path)
    shutil.copytree(folder.archives, copied.archives)
    archives = [copied.archives / name for name in (*sorted(folder.first)[:3], min(folder.assets()))]
    before = [path.read_bytes() for path in archives]
    for path, damaged in zip(
        archives, (b"", before[1][:2000], before[2][:2000] + b"x" + before[2][2001:]), strict=False
    ):
        path.write_bytes(damaged)
    archives[3].write_bytes(before[3][:-1])
    assert differing(copied.write(fleet_of()), whole) == []
    assert [len(path.read_bytes()) for path in archives] == [len(content) for content in before]


def test_two_syntheses_at_once_share_the_archives(whole: dict[str, bytes], tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda name: Folder(tmp_path).write(fleet_of(), to=name), ("one", "two")))
    assert [differing(each, whole) for each in found] == [[], []]
    assert not list((tmp_path / "archives").glob(".*"))


def test_a_killed_synthesis_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(json.dumps(document_of(40)))
    arguments = [str(tmp_path / name) for name in ("fleet.yaml", "out", "archives")]
    killed = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bench_fleet", "synthesize", *arguments], cwd=ROOT
    )
    started, workers = psutil.Process(killed.pid), set[psutil.Process]()
    while len(workers) < 2:
        assert killed.poll() is None
        # A worker that synthesizes has started the CDK's process.
        workers = {each for each in started.children() if each.children()}
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    for process in alive:
        process.kill()
    assert alive == []


def test_other_code_has_other_keys(tmp_path: Path) -> None:
    for name in ("infra", "functions", "pipelines"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("1")
    known = {digest_inputs(tmp_path, {}, {})}
    changes: list[Callable[[], object]] = [
        lambda: (tmp_path / "functions" / "code.py").write_text("2"),
        lambda: (tmp_path / "infra" / "new.json").write_text("{}"),
        lambda: (tmp_path / "requirements-jobs.lock").write_text("pandera"),
    ]
    for change in changes:
        change()
        known.add(digest_inputs(tmp_path, {}, {}))
    known.add(digest_inputs(tmp_path, {"aws:cdk:enable-path-metadata": True}, {}))
    known.add(digest_inputs(tmp_path, {}, {"CDK_VALIDATION": "false"}))
    assert len(known) == 6
    assert digest_inputs(tmp_path, {"environment": "one", "fleet": "other.yaml"}, {"HOME": "/"}) in known


def test_findings_of_every_part_are_kept(tmp_path: Path) -> None:
    reports = [{"version": "1", "title": "Validation Report", "pluginReports": [{"found": n}]} for n in (1, 2)]
    write_joined([{"validation-report.json": json.dumps(report).encode()} for report in reports], tmp_path)
    found = json.loads((tmp_path / "validation-report.json").read_text())
    assert found == {"version": "1", "title": "Validation Report", "pluginReports": [{"found": 1}, {"found": 2}]}


def test_exclusively_named_stacks_select_their_environments() -> None:
    fleet = fleet_of()

    def selected(**context: Any) -> list[str]:
        return [each.names.stage for each in select(fleet, {name.replace("_", ":"): v for name, v in context.items()})]

    patterns = "aws_cdk_bundling-stacks"
    assert selected() == selected(**{patterns: ["**"]}) == selected(**{patterns: []}) == ["dev", "staging"]
    assert selected(**{patterns: ["bench-dev-*"]}) == ["dev"]
    assert selected(**{patterns: ["*-model-0001-serving"]}) == ["dev", "staging"]
    assert selected(**{patterns: ["bench-{dev,staging}-us-east-1-operations"]}) == ["dev", "staging"]
    assert selected(environment="bench-staging-us-east-1") == ["staging"]
    assert selected(environment="bench-staging-us-east-1,bench-dev-us-east-1") == ["staging", "dev"]
    with pytest.raises(FleetError, match="bench-dev-us-east-1, bench-staging-us-east-1"):
        selected(environment="bench-dev")


def test_a_template_has_its_digest_as_an_output(whole: dict[str, bytes]) -> None:
    name = "bench-dev-us-east-1-model-0000-serving"
    content, manifest = whole[f"{name}.template.json"], json.loads(whole["manifest.json"])
    template, digest = json.loads(content), hashlib.sha256(content).hexdigest()
    (asset,) = (key for key in json.loads(whole[f"{name}.assets.json"])["files"] if key == digest)
    assert manifest["artifacts"][name]["properties"]["stackTemplateAssetObjectUrl"].endswith(f"/{asset}.json")
    assert list(template["Outputs"]) == ["TemplateDigest"]
    digests = [json.loads(text)["Outputs"] for path, text in whole.items() if path.endswith(".template.json")]
    assert len({found["TemplateDigest"]["Value"] for found in digests}) == len(digests)
    assert template["Outputs"].pop("TemplateDigest") == {"Value": hashlib.sha256(unsigned(template)).hexdigest()}


def unsigned(template: dict[str, Any]) -> bytes:
    """Return a template as the CDK wrote it, without outputs."""
    rest = {section: value for section, value in template.items() if section != "Outputs"}
    return json.dumps(rest, indent=1, ensure_ascii=False).encode()


def test_what_has_not_changed_needs_no_cdk(folder: Folder, tmp_path: Path) -> None:
    """Importing the CDK alone takes longer than writing an assembly of finished parts."""
    (tmp_path / "fleet.yaml").write_text(json.dumps(document_of(2, stages=("dev", "staging"))))
    program = f"""
import sys
import infra.app
from pathlib import Path
from infra.archives import Archives
from infra.cache import write_assembly
from infra.fleet import load
fleet = load(Path({str(tmp_path / "fleet.yaml")!r}))
archives = Archives(Path({str(folder.archives)!r}))
outdir = Path({str(tmp_path / "out")!r})
write_assembly(list(fleet.environments()), outdir, root=Path("."), inputs={INPUTS!r}, archives=archives)
assert not {{"aws_cdk", "jsii"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / "out" / "manifest.json").exists()
