"""The chapters of the demo. What they claim they read through AWS's APIs, under the persona that may."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring import bootstrap, cdk
from mooring.demo import traffic
from mooring.demo.story import ClaimError, Story
from mooring.deployed import DeployedEnvironment, Execution, wait
from pipelines.flows.retraining.reproduction import REPRODUCED
from pipelines.interface import events, paths
from pipelines.interface import keys as ledger
from pipelines.interface.names import MODEL_STACK_KINDS, STACK_KINDS
from pipelines.models import flights
from pipelines.views.lineage import svg
from pipelines.views.lineage.subject import Subject
from pipelines.views.lineage.trace import models_that_saw, trace

DATASET = "flights"
MODEL = "late-arrival"
OTHER_MODEL = "air-time"
ENGINEER = "demo-engineer"
APPROVER = "demo-approver"
RUN_TIMEOUT_S = 600


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the story plays: one environment or two, and the variables that point the CDK CLI at each."""

    story: Story
    arrivals: DeployedEnvironment
    network: DeployedEnvironment | None = None
    variables: dict[str, dict[str, str]]
    home: Path

    @property
    def models(self) -> list[tuple[DeployedEnvironment, str]]:
        """Each environment with its model."""
        return [(self.arrivals, MODEL), *([(self.network, OTHER_MODEL)] if self.network else [])]


def deploy(stage: Stage, title: str) -> None:
    """Bootstrap and deploy the environments with the unmodified CDK CLI, all at once."""
    story = stage.story
    with story.chapter(title) as figures:
        assembly = str(stage.home / "cdk.out")
        with story.doing("cdk synth"):
            cdk.run(
                ["synth", "--quiet", "--output", assembly],
                variables=stage.variables[stage.arrivals.environment.id],
                log=stage.home / "synth.log",
            )
        with story.doing("cdk bootstrap and cdk deploy"), ThreadPoolExecutor(len(stage.models)) as pool:
            list(pool.map(lambda each: _deploy_one(stage, each[0], assembly), stage.models))
        count = 0
        for deployed, model in stage.models:
            names = _stacks(deployed, model)
            count += len(names)
            story.claim(
                f"{deployed.environment.id} (account {deployed.environment.account}): {len(names)} stacks are complete",
                set(names.values()) == {"CREATE_COMPLETE"},
                otherwise=str(names),
            )
            story.claim(
                f"{model} is deployed, and has no endpoint before it has a model",
                deployed.champion(model) is None and not _endpoint_exists(deployed, model),
                otherwise="an endpoint or a champion",
            )
        figures["stacks"] = str(count)


def _deploy_one(stage: Stage, deployed: DeployedEnvironment, assembly: str) -> None:
    environment = deployed.environment
    variables = stage.variables[environment.id]
    bootstrap.bootstrap(environment, variables=variables, log=stage.home / f"bootstrap-{environment.id}.log")
    stage.story.say(f"{environment.id}: bootstrapped aws://{environment.account}/{environment.region}")

    def on_line(line: str) -> None:
        if line.startswith(" ✅"):
            stage.story.say(line.strip())

    cdk.run(
        ["deploy", "--app", assembly, f"{environment.id}-*", "--require-approval", "never", "--concurrency", "3"],
        variables=variables,
        log=stage.home / f"deploy-{environment.id}.log",
        on_line=on_line,
    )


def _stacks(deployed: DeployedEnvironment, model: str) -> dict[str, str]:
    environment = deployed.environment
    names = [environment.stack(kind) for kind in STACK_KINDS]
    names += [environment.model(model).stack(kind) for kind in MODEL_STACK_KINDS]
    client = deployed.client("cloudformation", "auditor")
    return {name: client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] for name in names}


def _endpoint_exists(deployed: DeployedEnvironment, model: str) -> bool:
    listed = deployed.client("sagemaker", "auditor").list_endpoints(NameContains=deployed.model(model).endpoint)
    return bool(listed["Endpoints"])


def first_champions(stage: Stage, title: str, months: range) -> None:
    """Commit the months, train, approve, release: version 1 of each model serves."""
    story = stage.story
    with story.chapter(title) as figures:
        for deployed, _ in stage.models:
            commit_months(stage, deployed, months)
        runs = [
            (deployed, model, deployed.start_retraining(model, by=ENGINEER, reason="the first model"))
            for deployed, model in stage.models
        ]
        with story.doing("retraining: lease, commit, validation, training, evaluation, gates, registration"):
            for deployed, model, arn in runs:
                ended = deployed.wait_for(arn, timeout_s=RUN_TIMEOUT_S)
                figures.update(accepted(stage, deployed, model, ended, version=1))
        for deployed, model in stage.models:
            release(stage, deployed, model, version=1)


def commit_months(stage: Stage, deployed: DeployedEnvironment, months: range) -> None:
    """Commit the flights of ``months`` (1 to 12), a month at a time, on top of what the dataset holds."""
    dataset = deployed.dataset(DATASET)
    for path, file in flights.write_months(stage.home / "flights", list(months)).items():
        commit = dataset.commit({path: file}, author=ENGINEER, message=f"Flights of {path.partition('.')[0]}")
    names = f"months {months.start} to {months.stop - 1}, a commit each" if len(months) > 1 else f"month {months.start}"
    head = next(deployed.items(ledger.dataset_pk(DATASET), ledger.HEAD))
    stage.story.claim(
        f"{deployed.environment.id}: commit {commit.id[:12]} ({names}) is the head of {DATASET}",
        head["commit"] == commit.id,
        otherwise=str(head),
    )


def accepted(
    stage: Stage, deployed: DeployedEnvironment, model: str, run: Execution, *, version: int
) -> dict[str, str]:
    """Claim that a run ended with a registered package of ``version``; returns its figures."""
    record = run_record(deployed, model, run)
    if record["outcome"] not in ("registered", "rejected"):
        raise ClaimError(f"{model}: the run ended as {run.status}: {record}", remedy=f"look at {run.arn}")
    evaluation = evaluation_of(deployed, model, record["run_id"])
    metric, value = evaluation["metric"], evaluation["candidate"][evaluation["metric"]]
    text = f"{model} v{version} is registered: {metric.upper()} {value:.3f} on {evaluation['rows']:,} held-out rows"
    if evaluation.get("champion"):
        low, high = evaluation["gain"]["low"], evaluation["gain"]["high"]
        text += (
            f"; the champion has {evaluation['champion'][metric]:.3f} on the same rows "
            f"(gain, 95 % interval {low:+.3f} to {high:+.3f})"
        )
    arn = deployed.package_arn(model, version)
    stage.story.claim(
        text,
        run.status == "SUCCEEDED" and record["outcome"] == "registered" and record["package_arn"] == arn,
        otherwise=f"{run.status} {record} {run.cause}",
    )
    return {f"{model} v{version} {metric.upper()}": f"{value:.3f}"}


def run_record(deployed: DeployedEnvironment, model: str, run: Execution) -> dict[str, Any]:
    """The ledger's record of the run that an execution was."""
    found = [item for item in deployed.model_items(model, "run#") if item.get("execution") == run.arn]
    return found[0] if found else {"outcome": f"no record; execution {run.status}: {run.cause}", "run_id": ""}


def evaluation_of(deployed: DeployedEnvironment, model: str, run_id: str) -> dict[str, Any]:
    key = f"{paths.run_prefix(model, run_id)}evaluation/evaluation.json"
    return dict(deployed.document("artifacts", key))


def release(stage: Stage, deployed: DeployedEnvironment, model: str, *, version: int) -> None:
    """Approve a package as the approver, and wait until the release flow has made it the champion."""
    story, arn = stage.story, deployed.package_arn(model, version)
    if deployed.package(arn)["ModelApprovalStatus"] != "Approved":
        deployed.approve(model, version, by=APPROVER, comment="looked at the evaluation")
        story.say(f"{APPROVER} approved {model} v{version}; EventBridge starts the release")

    def released() -> dict[str, Any] | None:
        flows = [flow for flow in deployed.executions("release") if flow.input.get("package_arn") == arn]
        for flow in flows:
            if flow.status == "FAILED":
                raise ClaimError(f"the release of {model} v{version} failed: {flow.cause}", remedy=flow.arn)
        found = deployed.champion(model)
        ended = all(flow.ended for flow in flows)
        return found if ended and found and found["package_arn"] == arn else None

    with story.doing(f"releasing {model} v{version}"):
        champion = wait(released, what=f"{model} v{version} to become the champion", timeout_s=RUN_TIMEOUT_S)
    story.claim(
        f"{model} v{version} serves: endpoint, config, model and package agree",
        serving_package(deployed, model) == arn == champion["package_arn"],
        otherwise=serving_package(deployed, model),
    )


def serving_package(deployed: DeployedEnvironment, model: str) -> str:
    """The package that the endpoint leads to, through its config and model; what is wrong with it otherwise."""
    sagemaker = deployed.client("sagemaker", "auditor")
    endpoint = sagemaker.describe_endpoint(EndpointName=deployed.model(model).endpoint)
    if endpoint["EndpointStatus"] != "InService":
        return f"endpoint {endpoint['EndpointStatus']}: {endpoint.get('FailureReason', '')}"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    described = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return str(described["PrimaryContainer"]["ModelPackageName"])


@contextmanager
def constant_caller(stage: Stage) -> Iterator[traffic.Caller]:
    """Somebody who asks the endpoint all the time, without retries: a release must not cost them one answer."""
    header, rows = traffic.month_requests(1)
    client = stage.arrivals.client("sagemaker-runtime", "consumer", attempts=1)
    endpoint = stage.arrivals.model(MODEL).endpoint
    with traffic.Caller(client=client, endpoint=endpoint, header=header, rows=rows) as caller:
        yield caller


def send_month(stage: Stage, month: int, name: str) -> list[str]:
    """Send all flights of a month to the endpoint, each request with an id; returns an answer for each flight."""
    header, rows = traffic.month_requests(month)
    sent, lock, begun = [0], threading.Lock(), time.monotonic()

    def on_request(count: int) -> None:
        with lock:
            sent[0] += count

    client = stage.arrivals.client("sagemaker-runtime", "consumer")
    with stage.story.doing(f"{len(rows):,} flights of {name} to the endpoint"):
        answers = traffic.send(
            client, stage.arrivals.model(MODEL).endpoint, header, rows, name=name.lower(), on_request=on_request
        )
    seconds = time.monotonic() - begun
    stage.story.claim(
        f"{len(rows):,} flights of {name} were sent, each has a prediction ({len(rows) / seconds:,.0f} a second)",
        len(answers) == len(rows) == sent[0],
        otherwise=f"{len(answers)} answers, {sent[0]} sent",
    )
    return answers


def drift_found(stage: Stage, *, version: int) -> dict[str, Any]:
    """Wait for a scheduled check to find that ``version``'s traffic has drifted; returns the check."""
    deployed = stage.arrivals
    with stage.story.doing("waiting for the scheduled drift check"):
        check = wait(
            lambda: next(
                (
                    item
                    for item in deployed.model_items(MODEL, "check#")
                    if item["outcome"] == "drift" and item["version"] == version
                ),
                None,
            ),
            what=f"a check that finds drift in the traffic of v{version}",
            timeout_s=RUN_TIMEOUT_S,
        )
    drifted = [column for column in check["worst"] if column["drifted"]]
    worst = ", ".join(f"{column['name']} {column['effect']:.2f}" for column in drifted[:4])
    stage.story.claim(
        f"the scheduled check found drift over {check['rows']:,} captured rows; what matters most: {worst}",
        check["rows"] > 0 and bool(drifted),
        otherwise=str(check),
    )
    return check


def retraining_by_drift(stage: Stage, *, since: set[str]) -> Execution:
    """Wait for the end of the run that a drift event started, and that was not refused."""
    deployed = stage.arrivals

    def runs() -> Execution | None:
        for execution in deployed.executions("retraining"):
            if execution.arn in since:
                break
            if execution.input["trigger"]["kind"] == "drift" and run_or_under_way(execution):
                return execution
        return None

    def run_or_under_way(execution: Execution) -> bool:
        record = run_record(deployed, MODEL, execution)
        return bool(record["run_id"]) or execution.status == "FAILED"

    with stage.story.doing("retraining, started by the event"):
        started = wait(runs, what=f"a retraining that '{events.DRIFT_FOUND}' started", timeout_s=RUN_TIMEOUT_S)
        return deployed.wait_for(started.arn, timeout_s=RUN_TIMEOUT_S)


def month_that_drifts(
    stage: Stage, caller: traffic.Caller, month: int, name: str, *, version: int, figures: dict[str, str]
) -> Execution:
    """Send a month's flights to ``version``, and return the run that their drift has started, once it has ended."""
    known = {execution.arn for execution in stage.arrivals.executions("retraining")}
    caller.rows = traffic.month_requests(month)[1]
    figures["rows"] = f"{len(send_month(stage, month, name)):,}"
    worst = drift_found(stage, version=version)["worst"][0]
    figures["drift"] = f"{worst['name']} {worst['effect']:.2f}"
    return retraining_by_drift(stage, since=known)


def june(stage: Stage, caller: traffic.Caller) -> None:
    """June's flights drift from January's and February's; the second champion is better and takes over."""
    with stage.story.chapter("June: drift, a retraining that pays, a release that nobody notices") as figures:
        commit_months(stage, stage.arrivals, range(4, 7))
        run = month_that_drifts(stage, caller, 6, "June", version=1, figures=figures)
        figures.update(accepted(stage, stage.arrivals, MODEL, run, version=2))
        before = caller.answered
        release(stage, stage.arrivals, MODEL, version=2)
        stage.story.claim(
            f"a caller without retries got {caller.answered:,} answers so far, "
            f"{caller.answered - before} during this release, none failed (slowest {caller.slowest_s * 1000:.0f} ms)",
            not caller.failures and caller.answered > before,
            otherwise=f"{len(caller.failures)} failed: {caller.failures[:3]}",
        )


def october(stage: Stage, caller: traffic.Caller) -> None:
    """October drifts too, but the candidate loses on it: the gate rejects, the second champion keeps serving."""
    with stage.story.chapter("October: drift again, and a candidate that the gate rejects") as figures:
        commit_months(stage, stage.arrivals, range(7, 11))
        run = month_that_drifts(stage, caller, 10, "October", version=2, figures=figures)
        record = run_record(stage.arrivals, MODEL, run)
        evaluation = evaluation_of(stage.arrivals, MODEL, record["run_id"])
        metric, gain = evaluation["metric"], evaluation["gain"]
        stage.story.claim(
            f"the candidate is rejected: {metric.upper()} {evaluation['candidate'][metric]:.3f} against the champion's "
            f"{evaluation['champion'][metric]:.3f} (gain, 95 % interval {gain['low']:+.3f} to {gain['high']:+.3f})",
            run.status == "SUCCEEDED" and record["outcome"] == "rejected" and gain["high"] < 0,
            otherwise=str(record),
        )
        figures[f"candidate {metric.upper()}"] = f"{evaluation['candidate'][metric]:.3f}"
        packages = stage.arrivals.client("sagemaker", "auditor").list_model_packages(
            ModelPackageGroupName=stage.arrivals.model(MODEL).package_group
        )["ModelPackageSummaryList"]
        v2 = stage.arrivals.package_arn(MODEL, 2)
        stage.story.claim(
            "v2 keeps serving, and nothing was registered",
            serving_package(stage.arrivals, MODEL) == v2 and len(packages) == 2,
            otherwise=f"{serving_package(stage.arrivals, MODEL)}, {len(packages)} packages",
        )
        stage.story.claim(
            f"the caller got {caller.answered:,} answers in all, none failed",
            not caller.failures,
            otherwise=f"{len(caller.failures)} failed: {caller.failures[:3]}",
        )


def provenance(stage: Stage) -> Path:
    """What serves leads back to the commit that it learned from, and is made again from what was recorded of it.

    Returns the picture of its lineage.
    """
    story, deployed = stage.story, stage.arrivals
    with story.chapter("Where the champion comes from, and the champion made again") as figures:
        services = deployed.services("auditor")
        graph = trace(services, Subject(kind="endpoint", of=MODEL))
        packages = [node.name for node in graph.of_kind("package")]
        commits = [node.name.rpartition("/")[2] for node in graph.of_kind("commit")]
        messages = [deployed.dataset(DATASET).read_commit(commit).message for commit in commits]
        story.claim(
            f"the lineage of the endpoint leads through {MODEL}/2 to the commit of June",
            f"{MODEL}/2" in packages and "Flights of 2013-06" in messages,
            otherwise=f"packages {packages}, commits {messages}",
        )
        head = deployed.dataset(DATASET).head()
        seen = models_that_saw(services, DATASET, head.id)
        story.claim(
            f"October's commit {head.id[:12]} was seen by one run, which was rejected: no model has learned from it",
            [(use["model"], use["outcome"], use["package"]) for use in seen] == [(MODEL, "rejected", None)],
            otherwise=str(seen),
        )
        arn = deployed.start_reproduction(MODEL, 2, by=ENGINEER, reason="may the record be trusted?")
        with story.doing(f"training {MODEL} v2 again from its recorded commit, code and parameters"):
            run = deployed.wait_for(arn, timeout_s=RUN_TIMEOUT_S)
        comparison = run.output.get("comparison", {})
        story.claim(
            f"{MODEL} v2 is reproduced: the same rows, the same metrics, the same content of the artifact",
            comparison.get("outcome") == REPRODUCED and not comparison["differences"],
            otherwise=f"{run.status} {comparison or run.cause}",
        )
        figures["reproduced"] = ""
    picture = stage.home / "lineage.svg"
    picture.write_text(svg.render(graph), encoding="utf-8")
    return picture


def save_report(stage: Stage) -> Path:
    """Keep the newest drift report of the story as a file to open in a browser."""
    checks = stage.arrivals.model_items(MODEL, "check#")
    check = max((item for item in checks if item["outcome"] == "drift"), key=_sk)
    report = stage.home / "drift-report.html"
    report.write_bytes(report_of(stage.arrivals, check["check_id"]))
    return report


def report_of(deployed: DeployedEnvironment, check_id: str) -> bytes:
    """The page of one check."""
    body = deployed.client("s3", "auditor").get_object(
        Bucket=deployed.environment.bucket("artifacts"), Key=f"{paths.check_prefix(MODEL, check_id)}report.html"
    )["Body"]
    return bytes(body.read())


def _sk(item: dict[str, Any]) -> str:
    return str(item["sk"])
