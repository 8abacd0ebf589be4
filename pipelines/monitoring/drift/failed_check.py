"""Ends a check whose counting failed, so that nobody waits for it."""

import json
from dataclasses import replace

from pipelines.aws.clients import Services
from pipelines.aws.messages import alert
from pipelines.interface import keys, log
from pipelines.interface.records import CheckOutcome
from pipelines.interface.requests import FinishCheckRequest


def finish_check(request: FinishCheckRequest, services: Services) -> None:
    """Alert, and record the check as failed; do nothing if it has another outcome by now.

    The record is last: a call that died is repeated, and then alerts again rather than never.
    """
    described = services.client("stepfunctions").describe_execution(executionArn=request.execution)
    given = json.loads(described["input"])
    model, check_id = str(given["model"]), str(given["folder"]).split("/")[2]
    key = keys.check(model, check_id)
    check = services.ledger.get(key)
    if check is None or check.outcome != CheckOutcome.COUNTING or check.execution != request.execution:
        return
    cause = f"{request.status}: {described.get('cause') or described.get('error') or 'Step Functions gave no cause'}"
    with log.bound(check=check_id, model=model):
        log.info("check failed", cause=cause)
    message = (
        f"{cause}\n\nNothing was compared from {check.begin} to {check.end}.\nExecution: {request.execution}\n"
        f"Repeat it: mooring check {services.environment.id} {model} --window {check.begin}/{check.end}"
    )
    alert(services, f"{services.environment.id} {model}: drift check failed", message)
    services.ledger.record(key, replace(check, outcome=CheckOutcome.FAILED, findings=(cause,)))
