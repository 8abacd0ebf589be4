"""Tests a deployed environment: its state machines, and the answers of its champions to their golden requests."""

import time

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.aws.transient import is_throttled
from pipelines.flows.release.serving import leads_to, read_chain
from pipelines.flows.release.verify import VerificationFailedError, ask_golden
from pipelines.interface import keys, log
from pipelines.interface.names import Model
from pipelines.interface.records import Champion
from pipelines.interface.requests import PromotionStep, SmokeAnswer
from pipelines.interface.times import digest

MACHINES = ("retraining", "release", "checks")


class SmokeTestFailedError(RuntimeError):
    """Parts of the environment do not work; the message names all of them."""


def smoke_test(step: PromotionStep, services: Services) -> SmokeAnswer:
    """Test the environment; raise ``SmokeTestFailedError`` with everything that does not work."""
    problems = [*_broken_machines(services)]
    champions = 0
    for name, _ in services.ledger.query(keys.statuses()):
        if champion := services.ledger.get(keys.champion(name)):
            champions += 1
            problems += _broken_champion(services, services.environment.model(name), champion, step)
    if problems:
        raise SmokeTestFailedError(f"{services.environment.id}: {'; '.join(problems)}")
    log.info("environment works", champions=champions)
    return SmokeAnswer(champions=champions)


def _broken_machines(services: Services) -> list[str]:
    problems = []
    for kind in MACHINES:
        arn = services.environment.state_machine_arn(kind)
        try:
            status = services.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["status"]
        except ClientError as error:
            if is_throttled(error):
                raise
            problems.append(f"the state machine {kind} cannot be read: {error}")
            continue
        if status != "ACTIVE":
            problems.append(f"the state machine {kind} is {status}")
    return problems


def _broken_champion(services: Services, model: Model, champion: Champion, step: PromotionStep) -> list[str]:
    chain = read_chain(services, model)
    if not leads_to(chain, champion.package_arn):
        return [f"{model.endpoint} does not lead to the champion {champion.package_arn}: {chain}"]
    try:
        ask_golden(services, model, champion.package_arn, f"smoke-{digest(step.execution)}", time.perf_counter)
    except VerificationFailedError as error:
        return [str(error)]
    return []
