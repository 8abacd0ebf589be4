"""Measures seconds and memory to version data: ours, bare boto3 (which only hashes and transfers), and DVC with S3.

Every act is a process of its own, so imports count. All use the same kind of server: the embedded AWS on a loopback
port, over TLS, started again for each program and round. A round runs each program once; the results are medians of the
rounds. DVC has an environment of its own, with its defaults (eight jobs on two cores) but without analytics: it stores
by `add` and `push`, and fetches by `pull` into an empty workspace with an empty cache.

``python -m tests.benchmarks.bench_data [a|b] [rounds]``
"""

import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median

import boto3
import psutil

from mooring.embedded import process
from tests.benchmarks.data_cases import Case, change_one
from tests.benchmarks.data_programs import ACCOUNT, ENVIRONMENT, REGION

HOME = Path("build/bench")
DVC_VERSION = "3.67.1"
CASES = (
    Case(name="a", files=10_000, size_bytes=10_000, rounds=3),
    Case(name="b", files=20, size_bytes=100_000_000, rounds=3),
)
ACTS = ("first commit", "no change", "one file", "checkout")
SAMPLE_S = 0.1
CONFIG = """\
[core]
    analytics = false
    check_update = false
    no_scm = true
    remote = s3
['remote "s3"']
    url = s3://{bucket}/dvc
    endpointurl = {endpoint}
    ssl_verify = {authority}
"""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The cost of an act. ``cpu_s`` is the processor time of its processes without the server: load does not change it.

    ``memory_bytes`` is the highest sum of their proportional set sizes.
    """

    seconds: float
    cpu_s: float
    memory_bytes: int


def main() -> None:
    chosen = [case for case in CASES if case.name in (sys.argv[1:2] or "ab")]
    if len(sys.argv) > 2:
        chosen = [replace(case, rounds=int(sys.argv[2])) for case in chosen]
    dvc = install_dvc()
    print(
        f"Python {platform.python_version()}, boto3 {version('boto3')}, DVC {DVC_VERSION}, "
        f"MiniStack {version('ministack')}, {os.cpu_count()} cores"
    )
    for case in chosen:
        case.write(HOME / case.name)
        report(case, run_rounds(case, dvc))


def report(case: Case, measured: dict[tuple[str, str], list[Measure]]) -> None:
    print(f"\n({case.name}) {case.files:,} files of {case.size_bytes:,} bytes, {case.rounds} rounds")
    names = ("", "ours s", "boto3 s", "DVC s", "ours/boto3", "DVC/ours", "CPU s", "boto3", "DVC", "MB", "DVC")
    layout = "{:13}{:>8}{:>9}{:>8}{:>12}{:>10}{:>8}{:>8}{:>8}{:>7}{:>7}"
    print(layout.format(*names))
    for act in ACTS:
        ours, bare, dvc = (measured.get((program, act), []) for program in ("ours", "bare", "dvc"))
        seconds = [median(one.seconds for one in found) if found else None for found in (ours, bare, dvc)]
        cpu = [median(one.cpu_s for one in found) if found else None for found in (ours, bare, dvc)]
        memory = [max(one.memory_bytes for one in found) / 1e6 for found in (ours, dvc)]
        ratios = (_ratio(seconds[0], seconds[1]), _ratio(seconds[2], seconds[0]))
        cells = [act, *map(_text, (*seconds, *ratios, *cpu)), *(f"{value:.0f}" for value in memory)]
        print(layout.format(*cells), flush=True)


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def run_rounds(case: Case, dvc: Path) -> dict[tuple[str, str], list[Measure]]:
    measured: dict[tuple[str, str], list[Measure]] = {}
    for number in range(case.rounds):
        for program in ("ours", "bare", "dvc"):
            work = HOME / "work"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            server = process.start(home=HOME / "aws", port=process.free_port())
            try:
                prepare(server)
                for act, found in run_program(program, case, work.resolve(), server, dvc).items():
                    measured.setdefault((program, act), []).append(found)
                    line = f"round {number + 1} {program} {act}: {found.seconds:.2f} s, CPU {found.cpu_s:.2f} s"
                    print(line, file=sys.stderr, flush=True)
            finally:
                process.stop(home=HOME / "aws")
    shutil.rmtree(HOME / "work", ignore_errors=True)
    return measured


def prepare(server: process.Server) -> None:
    options = process.client_options(server, account=ACCOUNT, region=REGION)
    s3 = boto3.client("s3", **options)
    s3.create_bucket(Bucket=ENVIRONMENT.bucket("data"), CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=ENVIRONMENT.bucket("data"), VersioningConfiguration={"Status": "Enabled"})
    boto3.client("dynamodb", **options).create_table(
        TableName=ENVIRONMENT.ledger_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )


def run_program(program: str, case: Case, work: Path, server: process.Server, dvc: Path) -> dict[str, Measure]:
    """Run every act of one program, in order; bare boto3 does not know earlier acts, so it stores and fetches only."""
    variables = {**os.environ, **process.variables(server, account=ACCOUNT, region=REGION)}
    # Make sets it; without compiled modules every start would compile them again.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    runner = DvcRunner(dvc, work, variables) if program == "dvc" else PythonRunner(program, work, variables)
    shutil.copytree(HOME / case.name / "files", runner.folder)
    found = {"first commit": runner.store()}
    if program != "bare":
        found["no change"] = runner.store()
        change_one(runner.folder)
        found["one file"] = runner.store()
    found["checkout"] = runner.fetch()
    files = sum(1 for _ in runner.fetched.iterdir())
    if files != case.files:
        raise RuntimeError(f"{program} fetched {files} of {case.files} files")
    return found


class PythonRunner:
    """Runner of ours, or of bare boto3."""

    def __init__(self, program: str, work: Path, variables: dict[str, str]) -> None:
        self.folder, self.fetched = work / "data", work / "fetched"
        self._program = program
        self._variables = {**variables, "BENCH_DIGESTS": str(work / "digests.json")}

    def store(self) -> Measure:
        return self._run("store", self.folder)

    def fetch(self) -> Measure:
        return self._run("fetch", self.fetched)

    def _run(self, act: str, folder: Path) -> Measure:
        command = [sys.executable, "-m", "tests.benchmarks.data_programs", self._program, act, str(folder)]
        return measure([command], Path.cwd(), self._variables)


class DvcRunner:
    """Runner of DVC, with one workspace that stores and another that fetches."""

    def __init__(self, program: Path, work: Path, variables: dict[str, str]) -> None:
        self._program = str(program)
        self._variables = {**variables, "DVC_SITE_CACHE_DIR": str(work / "site"), "DVC_NO_ANALYTICS": "1"}
        self._store, self._fetch = work / "store", work / "fetch"
        self.folder, self.fetched = self._store / "data", self._fetch / "data"
        config = CONFIG.format(
            bucket=ENVIRONMENT.bucket("data"),
            endpoint=variables["AWS_ENDPOINT_URL"],
            authority=variables["AWS_CA_BUNDLE"],
        )
        for workspace in (self._store, self._fetch):
            workspace.mkdir()
            subprocess.run([self._program, "init", "--no-scm", "-q"], cwd=workspace, env=self._variables, check=True)
            (workspace / ".dvc" / "config").write_text(config)

    def store(self) -> Measure:
        commands = [[self._program, "add", "-q", "data"], [self._program, "push", "-q"]]
        return measure(commands, self._store, self._variables)

    def fetch(self) -> Measure:
        shutil.copy(self._store / "data.dvc", self._fetch)
        return measure([[self._program, "pull", "-q"]], self._fetch, self._variables)


def measure(commands: list[list[str]], folder: Path, variables: dict[str, str]) -> Measure:
    """Run the commands one after the other, and return their cost."""
    highest = 0
    cpu_before = _cpu_s()
    begun = time.perf_counter()
    for command in commands:
        child = subprocess.Popen(command, cwd=folder, env=variables)
        while child.poll() is None:
            highest = max(highest, _memory_bytes(child.pid))
            try:
                child.wait(SAMPLE_S)
            except subprocess.TimeoutExpired:
                continue
        if child.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}")
    return Measure(seconds=time.perf_counter() - begun, cpu_s=_cpu_s() - cpu_before, memory_bytes=highest)


def _cpu_s() -> float:
    """Return the processor seconds of all child processes that have ended; the server still runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory_bytes(pid: int) -> int:
    total = 0
    try:
        parent = psutil.Process(pid)
        for member in (parent, *parent.children(recursive=True)):
            total += member.memory_full_info().pss
    except psutil.Error:
        # The process ended meanwhile.
        return total
    return total


def install_dvc() -> Path:
    """Return DVC's program, in an environment of its own; install it if needed."""
    home = (HOME / "dvc").resolve()
    program = home / "bin" / "dvc"
    if not program.exists():
        subprocess.run(["uv", "venv", "-q", str(home)], check=True)
        python = str(home / "bin" / "python")
        install = ["uv", "pip", "install", "-q", "--compile-bytecode", "--python", python, f"dvc[s3]=={DVC_VERSION}"]
        subprocess.run(install, check=True)
    return program


if __name__ == "__main__":
    main()
