"""The chapter in which a team's pipeline takes the champion to staging and prod, in other accounts."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from mooring.cli.fleet import find_deployable
from mooring.demo import chapters
from mooring.demo.chapters import APPROVER, ENGINEER, MODEL, RUN_TIMEOUT_S
from mooring.demo.story import ClaimError
from mooring.deployed import DeployedEnvironment, wait
from mooring.promotions.acts import answer_approval
from mooring.promotions.releases import MODELS, Release, TeamPipelines
from mooring.promotions.request import request_promotion
from mooring.promotions.states import StageState
from pipelines.aws.packages import read_package
from pipelines.interface import keys
from pipelines.interface.requests import PromotionRequest

VERSION = 2
"""The champion of the story's end."""


def promoted(
    stage: chapters.Stage,
    tooling: DeployedEnvironment,
    approver: DeployedEnvironment,
    later: Sequence[DeployedEnvironment],
) -> None:
    """Deploy the pipelines and the later stages, and promote the champion with one approval before the last stage.

    ``approver`` is ``tooling`` with sessions that have the approver's name: prod wants two people.
    """
    story, last = stage.story, later[-1].environment.stage
    with story.chapter("Promotion: the champion in staging and prod, in other accounts") as figures:
        assembly = str(stage.home / "cdk.out")
        what = "cdk bootstrap and cdk deploy of the pipelines and of both stages"
        with story.doing(what), ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: chapters.deploy_one(stage, each, assembly), (tooling, *later)))
        for deployed in later:
            story.claim(
                f"{deployed.environment.id} (account {deployed.environment.account}) serves nothing yet",
                deployed.ledger.get(keys.champion(MODEL)) is None,
                otherwise="a champion",
            )
        request = PromotionRequest(model=MODEL, version=VERSION, to=last, by=ENGINEER)
        ticket = request_promotion(stage.arrivals, request)
        story.say(f"{ENGINEER} asks to promote {MODEL} v{VERSION} to {last}: signed record {ticket.digest[:12]}")
        place = next(each for each in find_deployable(()) if each.names == tooling.environment)
        team = TeamPipelines(place, tooling.services("auditor"))
        with story.doing("the pipeline imports and releases it in staging"):
            waiting = wait(
                lambda: _release(team, ticket.digest, last, StageState.WAITING),
                what=f"an approval to be asked before {last}",
                timeout_s=RUN_TIMEOUT_S,
            )
        of_approver = TeamPipelines(place, approver.services("approver"))
        answer_approval(of_approver, waiting, last, by=APPROVER, comment="staging serves it well", approved=True)
        story.say(f"{APPROVER} approved it for {last}")
        with story.doing(f"the pipeline imports and releases it in {last}"):
            wait(
                lambda: _release(team, ticket.digest, last, StageState.RELEASED),
                what=f"{MODEL} v{VERSION} to be released in {last}",
                timeout_s=RUN_TIMEOUT_S,
            )
        own = _artifact(stage.arrivals, stage.arrivals.environment.model(MODEL).package_arn(VERSION))
        for deployed in later:
            arn = chapters.serving_package(deployed, MODEL)
            found = _artifact(deployed, arn) if arn.startswith("arn:") else arn
            story.claim(
                f"{deployed.environment.id} serves the same bytes: artifact {own[:12]}", found == own, otherwise=found
            )
        figures["record"] = ticket.digest[:12]
        figures["accounts"] = str(len({each.environment.account for each in (stage.arrivals, tooling, *later)}))


def _release(team: TeamPipelines, digest: str, stage: str, state: StageState) -> Release | None:
    """Return the execution with this record once its stage is in this state."""
    declared = team.stages(MODELS)
    for summary in islice(team.executions(MODELS), 5):
        found = team.release(MODELS, summary, declared)
        if found.revision != digest:
            continue
        if summary["status"] in ("Failed", "Stopped"):
            causes = "; ".join(f"{each.stage}: {each.cause}" for each in found.stages if each.cause)
            raise ClaimError(
                f"the promotion {found.short} failed: {causes}", remedy="read the server's log named above"
            )
        progress = found.stage(stage)
        return found if progress and progress.state == state else None
    return None


def _artifact(deployed: DeployedEnvironment, package_arn: str) -> str:
    """Return the SHA-256 of a package's artifact, as it is in its environment."""
    services = deployed.services("auditor")
    artifacts = services.bucket("artifacts")
    return artifacts.sha256_of(artifacts.key_of(read_package(services, package_arn).model_data_url))
