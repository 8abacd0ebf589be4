"""Starts a step of a promotion in one environment and looks after it; a call that comes twice starts nothing twice.

The execution's name follows from the attempt, the environment and the step. Step Functions keeps a name for 90 days.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from pipelines.aws.client import Answer, Client, code_of
from pipelines.aws.clients import Services
from pipelines.flows.promotion.approver import approver
from pipelines.interface.codec import to_json
from pipelines.interface.names import Environment
from pipelines.interface.paths import RECORD_MEMBERS
from pipelines.interface.requests import DriveAnswer, DriveRequest, PromotionStep, Step

MAX_ARCHIVE_BYTES = 200_000
MAX_MEMBER_BYTES = 120_000
"""Largest document of a record's archive: the input of an execution has at most 262,144 bytes, quoted and together."""
SUFFIX = ".zip"
RUNNING, SUCCEEDED = "RUNNING", "SUCCEEDED"
FIRST_WAIT_S, LONGEST_WAIT_S = 2, 120
PART_OF_AGE = 4
"""A step that runs for some time is looked after again when a quarter of that time has passed."""


class InvalidArchiveError(ValueError):
    """A record's archive is too large, or has other members than a record and its signature."""


def execution_name(request: DriveRequest) -> str:
    """Return the name of the execution that this attempt's step has in its environment."""
    text = f"{request.attempt} {request.environment.id} {request.step}"
    return f"{request.step}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def drive(request: DriveRequest, services: Services, *, promoter: Callable[[Environment], Services]) -> DriveAnswer:
    """Start the request's step in its environment unless this attempt has; return its state.

    ``services`` are the tooling environment's, ``promoter`` returns those of an environment as its role of that name.

    Raises
    ------
    InvalidArchiveError
        The record's archive is not one.
    MissingApprovalError
        The stage needs a person's approval, and the pipeline execution has none.
    """
    environment, name = request.environment, execution_name(request)
    states = promoter(environment).client("stepfunctions")
    machine = environment.state_machine("promotion")
    found = _describe(states, environment.arn("states", f"execution:{machine}:{name}"))
    if found is None:
        _start(states, environment.state_machine_arn("promotion"), name, _step(request, services))
        return DriveAnswer(status="running", environment=environment.id, wait_s=FIRST_WAIT_S)
    if found["status"] == RUNNING:
        age_s = (datetime.now(UTC) - found["startDate"]).total_seconds()
        return DriveAnswer(status="running", environment=environment.id, wait_s=wait_of(age_s))
    if found["status"] == SUCCEEDED:
        return DriveAnswer(status="succeeded", environment=environment.id)
    cause = f"{environment.id}: {found['status']}: {found.get('error', '')}: {found.get('cause', '')}"
    return DriveAnswer(status="failed", environment=environment.id, cause=cause)


def wait_of(age_s: float) -> int:
    """Return the seconds until the next poll of an execution that has run for ``age_s``.

    The waits grow: a short step is not waited for long, and a long one does not fill the polling machine's history.
    """
    return int(min(LONGEST_WAIT_S, max(FIRST_WAIT_S, age_s / PART_OF_AGE)))


def _describe(states: Client, arn: str) -> Answer | None:
    try:
        answer: Answer = states.describe_execution(executionArn=arn)
    except ClientError as error:
        if code_of(error) != "ExecutionDoesNotExist":
            raise
        return None
    return answer


def _start(states: Client, machine: str, name: str, step: PromotionStep) -> None:
    try:
        states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(to_json(step), sort_keys=True))
    except ClientError as error:
        # Another call of this attempt started it in the meantime.
        if code_of(error) != "ExecutionAlreadyExists":
            raise


def _step(request: DriveRequest, services: Services) -> PromotionStep:
    if request.step is Step.SMOKE:
        return PromotionStep(step=request.step, execution=request.execution)
    record, signature = read_archive(services, request.record_key)
    return PromotionStep(
        step=request.step,
        execution=request.execution,
        digest=request.record_key.rpartition("/")[2].removesuffix(SUFFIX),
        record=record,
        signature=signature,
        by=approver(services, request) if request.step is Step.RELEASE else "",
    )


def read_archive(services: Services, key: str) -> tuple[str, str]:
    """Return a record and its signature; no byte is unpacked beyond the limits.

    Raises
    ------
    InvalidArchiveError
        The object is no archive of a record.
    """
    bucket = services.bucket("records")
    content = bucket.open(key).read(MAX_ARCHIVE_BYTES + 1)
    if len(content) > MAX_ARCHIVE_BYTES:
        raise InvalidArchiveError(f"{bucket.uri(key)} has more than {MAX_ARCHIVE_BYTES:,} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if sorted(names) != sorted(RECORD_MEMBERS):
                raise InvalidArchiveError(f"{bucket.uri(key)} has {names}; allowed: exactly {list(RECORD_MEMBERS)}")
            record, signature = (_member(archive, name, bucket.uri(key)) for name in RECORD_MEMBERS)
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError) as error:
        raise InvalidArchiveError(f"{bucket.uri(key)} is no archive of a record: {error}") from error
    return record, signature


def _member(archive: zipfile.ZipFile, name: str, uri: str) -> str:
    with archive.open(name) as opened:
        content = opened.read(MAX_MEMBER_BYTES + 1)
    if len(content) > MAX_MEMBER_BYTES:
        raise InvalidArchiveError(f"{name} in {uri} has more than {MAX_MEMBER_BYTES:,} bytes")
    return content.decode()
