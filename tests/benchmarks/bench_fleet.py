"""Measures a fleet of up to 1,000 models of one team in one environment: synthesis, ``mooring deploy`` and ``status``.

Each synthesis is a process of its own with archives of its own: the first, one without a change, and one after a
change of one model. ``MB`` is the peak of its processes together. CPU seconds are those of all processes, for machines
with other work. ``mooring deploy`` and ``mooring status`` run on the embedded AWS: its stacks have the digests and tags
of the deployed ones, and one small resource each.
"""

import contextlib
import copy
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
import psutil
import yaml

from infra.app import ROOT
from infra.archives import Archives
from infra.cache import write_assembly
from infra.fleet import load
from infra.parts import digest_inputs
from mooring import bootstrap
from mooring.deployments import DIGEST, AssembledStack, read_assembly
from mooring.embedded import process
from pipelines.aws.ledger import Ledger
from pipelines.interface import keys
from pipelines.interface.names import Environment
from pipelines.interface.records import CheckOutcome, ModelStatus, RunOutcome
from tests.benchmarks.fleets import document_of

COUNTS = (1, 10, 100, 1000)
RUNS = 3
"""Number of runs of what takes seconds, of which the median is printed."""
PLACE = Environment(team="bench", stage="dev", account="111111111111", region="us-east-1")
EMPTY = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of a command, CPU seconds of its processes, and the peak of their memory together in MB."""

    seconds: float
    cpu_s: float
    peak_mb: float


def measure(command: Sequence[str]) -> Cost:
    begun, peak, cpu = time.perf_counter(), 0, dict[int, float]()
    with tempfile.TemporaryFile() as output:
        running = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        found = psutil.Process(running.pid)
        while running.poll() is None:
            memory = 0
            with contextlib.suppress(psutil.NoSuchProcess):
                for each in (found, *found.children(recursive=True)):
                    memory += each.memory_info().rss
                    cpu[each.pid] = sum(each.cpu_times()[:2])
            peak = max(peak, memory)
            time.sleep(0.05)
        if running.returncode:
            output.seek(0)
            raise SystemExit(output.read().decode(errors="replace"))
    return Cost(seconds=time.perf_counter() - begun, cpu_s=sum(cpu.values()), peak_mb=peak / 1e6)


def typical(command: Sequence[str]) -> Cost:
    """Return the run with the median seconds."""
    return sorted((measure(command) for _ in range(RUNS)), key=lambda cost: cost.seconds)[RUNS // 2]


def synthesize(fleet: str, outdir: str, archives: str) -> None:
    """Synthesize as the CDK app does, with other archives than those of the project."""
    write_assembly(
        list(load(Path(fleet)).environments()),
        Path(outdir),
        root=ROOT,
        inputs=digest_inputs(ROOT, {}, os.environ),
        archives=Archives(Path(archives)),
    )


def bench_synthesis(counts: Sequence[int], folder: Path) -> None:
    columns = "".join(
        f" {name:>11}" for name in ("first s", "CPU s", "MB", "unchanged s", "CPU s", "one changed", "CPU s")
    )
    print(f"{'models':>6} {'stacks':>6}{columns} {'bytes':>11} {'most in a stack':>15}")
    for models in counts:
        place = folder / str(models)
        place.mkdir()
        document = document_of(models)
        fleet, changed = place / "fleet.yaml", place / "changed.yaml"
        fleet.write_text(yaml.safe_dump(document))
        other = copy.deepcopy(document)
        other["teams"][0]["models"][0]["window_months"] = 5
        changed.write_text(yaml.safe_dump(other))
        command = [sys.executable, "-m", "tests.benchmarks.bench_fleet", "synthesize"]
        rest = [str(place / "cdk.out"), str(place / "archives")]
        first = measure([*command, str(fleet), *rest])
        unchanged = typical([*command, str(fleet), *rest])
        templates = [path.read_bytes() for path in (place / "cdk.out").glob("*.template.json")]
        one = measure([*command, str(changed), *rest])
        figures = (
            first.seconds,
            first.cpu_s,
            first.peak_mb,
            unchanged.seconds,
            unchanged.cpu_s,
            one.seconds,
            one.cpu_s,
        )
        size, most = sum(map(len, templates)), max(len(json.loads(each)["Resources"]) for each in templates)
        columns = "".join(f" {figure:>11.1f}" for figure in figures)
        print(f"{models:>6} {len(templates):>6}{columns} {size:>11,} {most:>15}", flush=True)


def bench_commands(models: int, folder: Path) -> None:
    fleet = folder / "commands.yaml"
    fleet.write_text(yaml.safe_dump(document_of(models)))
    server = process.start(home=folder / "aws", port=process.free_port())
    try:
        variables = process.variables(server, account=PLACE.account, region=PLACE.region)
        variables |= {"MOORING_FLEET": str(fleet), "MOORING_HOME": str(server.home)}
        os.environ.update(variables)
        bootstrap.bootstrap(PLACE, variables=variables, log=folder / "bootstrap.log")
        command = [sys.executable, "-m", "mooring"]
        first = measure([*command, "deploy", PLACE.id, "--dry-run"])
        stacks = read_assembly(server.home / "deploy" / "cdk.out")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(create, stacks))
        deploy = typical([*command, "deploy", PLACE.id])
        found = json.loads(subprocess.check_output([*command, "deploy", PLACE.id, "--dry-run", "--json"], cwd=ROOT))
        if found["differing"]:
            raise SystemExit(f"stacks differ: {found['differing'][:3]}")
        record_statuses(models)
        status = typical([*command, "status", PLACE.id])
    finally:
        process.stop(home=folder / "aws")
    print()
    for what, cost in (("the first dry run", first), ("deploy, unchanged", deploy), ("status", status)):
        print(f"{what:<18} {models:>6,} models {cost.seconds:>8.1f} s {cost.cpu_s:>8.1f} CPU s", flush=True)


def create(stack: AssembledStack) -> None:
    """Create a stack that CloudFormation lists as the deployed one."""
    client = boto3.client("cloudformation")
    tags = [{"Key": key, "Value": value} for key, value in stack.tags.items()]
    body = json.dumps({"Outputs": {DIGEST: {"Value": stack.digest}}, **EMPTY})
    client.create_stack(StackName=stack.name, TemplateBody=body, Tags=tags)
    client.get_waiter("stack_create_complete").wait(StackName=stack.name, WaiterConfig={"Delay": 1})


def record_statuses(models: int) -> None:
    """Make the ledger, and the role that reads it, with the state of each model."""
    dynamodb, iam = boto3.client("dynamodb"), boto3.client("iam")
    key = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    dynamodb.create_table(
        TableName=PLACE.ledger_table,
        AttributeDefinitions=key,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE"))],
        BillingMode="PAY_PER_REQUEST",
    )
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PLACE.account}:root"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "*"}
    role = PLACE.persona_role("auditor")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=_policy(may))
    ledger = Ledger(client=dynamodb, table=PLACE.ledger_table)
    for number in range(models):
        status = ModelStatus(
            model=f"model-{number:04d}",
            champion=number % 20 or None,
            since="2026-03-01T00:00:00Z",
            run="20260301T000000Z-0123456789ab",
            run_outcome=RunOutcome.FAILED if number % 50 == 0 else RunOutcome.REGISTERED,
            run_cause="no capacity" if number % 50 == 0 else "",
            check="20260301T110000Z-0123456789ab",
            check_outcome=CheckOutcome.DRIFT if number % 30 == 0 else CheckOutcome.STABLE,
            checked_from="2026-03-01T10:00:00Z",
            checked_to="2026-03-01T11:00:00Z",
            changed_columns=("temperature", "wind_speed"),
        )
        ledger.record(keys.status(status.model), status)


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def main() -> None:
    if sys.argv[1:2] == ["synthesize"]:
        synthesize(*sys.argv[2:])
        return
    # "commands" alone leaves out the table of syntheses.
    only_commands = sys.argv[1:2] == ["commands"]
    counts = [int(argument) for argument in sys.argv[1 + only_commands :]] or list(COUNTS)
    # The CDK CLI starts "python".
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    print(f"Python {platform.python_version()}, aws-cdk-lib {version('aws-cdk-lib')}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
        if not only_commands:
            bench_synthesis(counts, Path(folder))
        bench_commands(max(counts), Path(folder))


if __name__ == "__main__":
    main()
