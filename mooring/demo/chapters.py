"""The chapters of the demo. They check every claim through AWS's APIs, under the persona role that allows it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mooring import bootstrap, cdk
from mooring.checks import Checks
from mooring.demo import traffic
from mooring.demo.story import ClaimError, Story
from mooring.deployed import DeployedEnvironment, StateMachineRun, wait
from mooring.runs import Ending, RunResult, result_of
from mooring.traffic import send
from pipelines.aws.packages import APPROVED, read_package
from pipelines.interface import keys
from pipelines.interface.events import DriftFound
from pipelines.interface.names import MODEL_STACK_KINDS, STACK_KINDS
from pipelines.interface.records import Champion, Check, CheckOutcome, RunOutcome, TriggerKind
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
    """The story, one environment or two, and the variables with which the CDK CLI uses each."""

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
    """Bootstrap and deploy the environments with the unmodified CDK CLI, in parallel."""
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
            list(pool.map(lambda each: deploy_one(stage, each[0], assembly), stage.models))
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
                f"{model} is deployed, and has no endpoint before its first release",
                deployed.ledger.get(keys.champion(model)) is None and not _endpoint_exists(deployed, model),
                otherwise="an endpoint or a champion",
            )
        figures["stacks"] = str(count)


def deploy_one(stage: Stage, deployed: DeployedEnvironment, assembly: str) -> None:
    """Bootstrap one environment's account and region, and deploy its stacks from the assembly."""
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
    listed = deployed.client("sagemaker", "auditor").list_endpoints(
        NameContains=deployed.environment.model(model).endpoint
    )
    return bool(listed["Endpoints"])


def first_champions(stage: Stage, title: str, months: range) -> None:
    """Commit the months, then train, approve and release version 1 of each model."""
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
    """Commit the flights of ``months`` (1 to 12), one month per commit, on top of the dataset's head."""
    dataset = deployed.dataset(DATASET)
    for path, file in flights.write_months(stage.home / "flights", list(months)).items():
        commit = dataset.commit({path: file}, author=ENGINEER, message=f"Flights of {path.partition('.')[0]}")
    names = (
        f"months {months.start} to {months.stop - 1}, one commit each" if len(months) > 1 else f"month {months.start}"
    )
    head = deployed.ledger.get(keys.head(DATASET))
    stage.story.claim(
        f"{deployed.environment.id}: commit {commit.id[:12]} ({names}) is the head of {DATASET}",
        head is not None and head.commit == commit.id,
        otherwise=str(head),
    )


def accepted(
    stage: Stage, deployed: DeployedEnvironment, model: str, run: StateMachineRun, *, version: int
) -> dict[str, str]:
    """Claim that a run ended with a registered package of ``version``; return its figures."""
    result = result_of(deployed, model, run.arn)
    if result.ending not in (Ending.REGISTERED, Ending.REJECTED):
        raise ClaimError(f"{model}: the run ended as {run.status}: {result}", remedy=f"see the execution {run.arn}")
    stage.story.claim(
        f"{model} v{version} is registered: {scores(result)}",
        run.status == "SUCCEEDED" and result.ending == Ending.REGISTERED and result.version == version,
        otherwise=f"{run.status} {result} {run.cause}",
    )
    return {f"{model} v{version} {(result.metric or '').upper()}": f"{result.value or 0:.3f}"}


def scores(result: RunResult) -> str:
    """Return a run's scores with the metric in capitals, as the story prints them."""
    return result.scores().replace(str(result.metric), str(result.metric).upper(), 1)


def release(stage: Stage, deployed: DeployedEnvironment, model: str, *, version: int) -> None:
    """Approve a package as the approver, and wait until its release has ended."""
    story, arn = stage.story, deployed.environment.model(model).package_arn(version)
    if read_package(deployed.services("auditor"), arn).status != APPROVED:
        deployed.approve(model, version, by=APPROVER, comment="looked at the evaluation")
        story.say(f"{APPROVER} approved {model} v{version}; EventBridge starts the release")

    def released() -> Champion | None:
        flows = [flow for flow in deployed.executions("release") if flow.input.get("package_arn") == arn]
        for flow in flows:
            if flow.status == "FAILED":
                raise ClaimError(
                    f"the release of {model} v{version} failed: {flow.cause}", remedy=f"see the execution {flow.arn}"
                )
        found = deployed.ledger.get(keys.champion(model))
        ended = all(flow.ended for flow in flows)
        return found if ended and found and found.package_arn == arn else None

    with story.doing(f"releasing {model} v{version}"):
        champion = wait(released, what=f"{model} v{version} to become the champion", timeout_s=RUN_TIMEOUT_S)
    story.claim(
        f"{model} v{version} serves: endpoint, config, model and package agree",
        serving_package(deployed, model) == arn == champion.package_arn,
        otherwise=serving_package(deployed, model),
    )


def serving_package(deployed: DeployedEnvironment, model: str) -> str:
    """Return the package of the endpoint's config and model, or the endpoint's status if it is not in service."""
    sagemaker = deployed.client("sagemaker", "auditor")
    endpoint = sagemaker.describe_endpoint(EndpointName=deployed.environment.model(model).endpoint)
    if endpoint["EndpointStatus"] != "InService":
        return f"endpoint {endpoint['EndpointStatus']}: {endpoint.get('FailureReason', '')}"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    described = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return str(described["PrimaryContainer"]["ModelPackageName"])


@contextmanager
def constant_caller(stage: Stage) -> Iterator[traffic.Caller]:
    """Yield a caller that sends requests all the time without retries: no release may make one fail."""
    header, rows = traffic.month_requests(1)
    client = stage.arrivals.client("sagemaker-runtime", "consumer", attempts=1)
    endpoint = stage.arrivals.environment.model(MODEL).endpoint
    with traffic.Caller(client=client, endpoint=endpoint, header=header, rows=rows) as caller:
        yield caller


def send_month(stage: Stage, month: int, name: str) -> list[str]:
    """Send all flights of a month to the endpoint, each request with an id; return an answer for each flight."""
    header, rows = traffic.month_requests(month)
    sent, lock, begun = [0], threading.Lock(), time.monotonic()

    def on_request(count: int) -> None:
        with lock:
            sent[0] += count

    client = stage.arrivals.client("sagemaker-runtime", "consumer")
    endpoint = stage.arrivals.environment.model(MODEL).endpoint
    with stage.story.doing(f"{len(rows):,} flights of {name} to the endpoint"):
        answers = send(client, endpoint, header, rows, name=name.lower(), on_request=on_request)
    seconds = time.monotonic() - begun
    stage.story.claim(
        f"{len(rows):,} flights of {name} were sent, each has a prediction ({len(rows) / seconds:,.0f} per second)",
        len(answers) == len(rows) == sent[0],
        otherwise=f"{len(answers)} answers, {sent[0]} sent",
    )
    return answers


def drift_found(stage: Stage, *, version: int) -> Check:
    """Wait for a scheduled check to find that ``version``'s traffic has drifted; return the check."""
    deployed = stage.arrivals
    with stage.story.doing("waiting for the scheduled drift check"):
        check = wait(
            lambda: next(
                (
                    found
                    for _, found in deployed.ledger.query(keys.checks(MODEL))
                    if found.outcome == CheckOutcome.DRIFT and found.version == version
                ),
                None,
            ),
            what=f"a check that finds drift in the traffic of v{version}",
            timeout_s=RUN_TIMEOUT_S,
        )
    drifted = [column for column in check.worst if column.drifted]
    worst = ", ".join(f"{column.name} {column.effect:.2f}" for column in drifted[:4])
    stage.story.claim(
        f"the scheduled check found drift over {check.rows:,} captured rows; the most important: {worst}",
        check.rows > 0 and bool(drifted),
        otherwise=str(check),
    )
    return check


def retraining_by_drift(stage: Stage, *, since: set[str]) -> StateMachineRun:
    """Wait for the end of the run that a drift event started and that was not refused; return it."""
    deployed = stage.arrivals

    def runs() -> StateMachineRun | None:
        for execution in deployed.executions("retraining"):
            if execution.arn in since:
                break
            if execution.input["trigger"]["kind"] == TriggerKind.DRIFT and took_lease(execution):
                return execution
        return None

    def took_lease(execution: StateMachineRun) -> bool:
        return deployed.ledger.get(keys.execution(execution.arn)) is not None or execution.status == "FAILED"

    with stage.story.doing("retraining, started by the event"):
        what = f"a retraining that '{DriftFound.DETAIL_TYPE}' started"
        started = wait(runs, what=what, timeout_s=RUN_TIMEOUT_S)
        return deployed.wait_for(started.arn, timeout_s=RUN_TIMEOUT_S)


def month_that_drifts(
    stage: Stage, caller: traffic.Caller, month: int, name: str, *, version: int, figures: dict[str, str]
) -> StateMachineRun:
    """Send a month's flights to ``version``, wait for the end of the run that their drift starts, and return it."""
    known = {execution.arn for execution in stage.arrivals.executions("retraining")}
    caller.rows = traffic.month_requests(month)[1]
    figures["rows"] = f"{len(send_month(stage, month, name)):,}"
    worst = drift_found(stage, version=version).worst[0]
    figures["drift"] = f"{worst.name} {worst.effect:.2f}"
    return retraining_by_drift(stage, since=known)


def june(stage: Stage, caller: traffic.Caller) -> None:
    """Let June's flights drift from January's and February's; the second version is better and is released."""
    with stage.story.chapter("June: drift, a better model, and a release without failed requests") as figures:
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
    """Let October drift too; its candidate is worse, so the gate rejects it and the second version keeps serving."""
    with stage.story.chapter("October: drift again, and a candidate that the gate rejects") as figures:
        commit_months(stage, stage.arrivals, range(7, 11))
        run = month_that_drifts(stage, caller, 10, "October", version=2, figures=figures)
        result = result_of(stage.arrivals, MODEL, run.arn)
        stage.story.claim(
            f"the candidate is rejected: {scores(result)}",
            run.status == "SUCCEEDED" and result.ending == Ending.REJECTED and (result.gain or (0, 0))[1] < 0,
            otherwise=str(result),
        )
        figures[f"candidate {(result.metric or '').upper()}"] = f"{result.value or 0:.3f}"
        names = stage.arrivals.environment.model(MODEL)
        packages = stage.arrivals.client("sagemaker", "auditor").list_model_packages(
            ModelPackageGroupName=names.package_group
        )["ModelPackageSummaryList"]
        v2 = names.package_arn(2)
        stage.story.claim(
            "v2 keeps serving, and no version was registered",
            serving_package(stage.arrivals, MODEL) == v2 and len(packages) == 2,
            otherwise=f"{serving_package(stage.arrivals, MODEL)}, {len(packages)} packages",
        )
        stage.story.claim(
            f"the caller got {caller.answered:,} answers in all, none failed",
            not caller.failures,
            otherwise=f"{len(caller.failures)} failed: {caller.failures[:3]}",
        )


def provenance(stage: Stage) -> Path:
    """Trace the champion to its training data, and reproduce it from its record; return the picture of its lineage."""
    story, deployed = stage.story, stage.arrivals
    with story.chapter("The champion's lineage, and its reproduction") as figures:
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
            f"October's commit {head.id[:12]} was used by one run, which was rejected: no version was trained on it",
            [(use.model, use.outcome, use.package) for use in seen] == [(MODEL, "rejected", None)],
            otherwise=str(seen),
        )
        arn = deployed.start_reproduction(MODEL, 2, by=ENGINEER, reason="an audit")
        with story.doing(f"training {MODEL} v2 again from its recorded commit, code and parameters"):
            run = deployed.wait_for(arn, timeout_s=RUN_TIMEOUT_S)
        comparison = run.output.get("comparison", {})
        story.claim(
            f"{MODEL} v2 is reproduced: the same rows, the same metrics, the same content of the artifact",
            comparison.get("outcome") == RunOutcome.REPRODUCED and not comparison["differences"],
            otherwise=f"{run.status} {comparison or run.cause}",
        )
        figures["reproduced"] = ""
    picture = stage.home / "lineage.svg"
    picture.write_text(svg.render(graph), encoding="utf-8")
    return picture


def save_report(stage: Stage) -> Path:
    """Write the newest drift report to a file, and return its path."""
    checks = [check for _, check in stage.arrivals.ledger.query(keys.checks(MODEL))]
    newest = [check for check in checks if check.outcome == CheckOutcome.DRIFT][-1]
    report = stage.home / "drift-report.html"
    report.write_bytes(Checks(stage.arrivals, MODEL).report(newest.check_id))
    return report
