"""Why a stage failed, and what to do about it."""

import json
import re
from dataclasses import dataclass

from botocore.exceptions import ClientError

from mooring.promotions.states import StageState, is_approval
from pipelines.aws.client import Answer, code_of
from pipelines.aws.clients import Services

APPROVER_ERRORS = ("OwnApprovalError", "MissingApprovalError")
"""Errors of a release that was refused because of its approver: the approval must be asked anew."""
RECORD_ERRORS = (
    "AlteredFileError",
    "AlteredRecordError",
    "ForeignRecordError",
    "InvalidArchiveError",
    "ReplayedRecordError",
    "ReturnedError",
    "SignatureInvalidError",
)
"""Errors after which the same record can never be released: it must be requested again."""
NOT_RETURNED = "ReturnFailedError"
RELEASE_ACTION = "Release"
CALL_FIELDS = ("errorMessage", "Cause")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an action failed; ``errors`` are the names of errors in its cause, ``ended`` is its machine's status."""

    action: str
    cause: str
    errors: frozenset[str]
    ended: str

    @property
    def of_approver(self) -> bool:
        return bool(self.errors & set(APPROVER_ERRORS))

    @property
    def state(self) -> StageState:
        """Whether the machine has put the champions back that served before a release."""
        refused = self.errors & {*APPROVER_ERRORS, *RECORD_ERRORS, NOT_RETURNED}
        returned = self.action == RELEASE_ACTION and self.ended == "FAILED" and not refused
        return StageState.RETURNED if returned else StageState.FAILED


def failure_of(action: Answer, services: Services) -> Failure:
    """Return why an action failed; that of a state machine is read from its execution."""
    result = action.get("output", {}).get("executionResult", {})
    ended = error = ""
    if is_approval(action):
        cause = _rejection(action, result)
    else:
        machine = ":execution:" in (arn := result.get("externalExecutionId", ""))
        described = _describe(services, arn) if machine else {}
        ended, error, cause = (str(described.get(name, "")) for name in ("status", "error", "cause"))
        cause = cause or _text_of(result)
    return Failure(
        action=action["actionName"],
        cause=readable(cause) or error or f"CodePipeline tells no cause: {action['status']}",
        errors=frozenset(re.findall(r"\b[A-Z]\w*Error\b", f"{error} {cause}")),
        ended=ended,
    )


def remedy_of(failure: Failure, *, execution: str, again: str) -> str:
    """Return what to do about a failure; ``again`` is the command that starts anew."""
    retry = f"mooring promotions retry {execution}"
    if failure.of_approver:
        return f"{retry}; it asks for the approval again, and another person gives it"
    if failure.errors & set(RECORD_ERRORS):
        return f"start again: {again}"
    if failure.state == StageState.RETURNED:
        return f"remove the cause, then start again: {again}"
    return f"remove the cause, then: {retry}"


def readable(cause: str) -> str:
    """Return a cause without the JSON that Lambda and Step Functions wrap around it.

    Examples
    --------
    >>> readable('a: FAILED: E: {"errorMessage": "no champion", "errorType": "E"}')
    'a: FAILED: E: no champion'
    >>> readable('["a: FAILED", ""]')
    'a: FAILED'
    """
    try:
        listed = json.loads(cause)
    except ValueError:
        listed = None
    if isinstance(listed, list):
        return "; ".join(readable(str(each)) for each in listed if each)
    decoder, begin = json.JSONDecoder(), cause.find("{")
    while begin >= 0:
        try:
            found, end = decoder.raw_decode(cause, begin)
        except ValueError:
            begin = cause.find("{", begin + 1)
            continue
        text = next((str(found[name]) for name in CALL_FIELDS if found.get(name)), cause[begin:end])
        cause = cause[:begin] + text + cause[end:]
        begin = cause.find("{", begin + len(text))
    return " ".join(cause.split())


def _rejection(action: Answer, result: Answer) -> str:
    summary = result.get("externalExecutionSummary", "")
    if by := action.get("updatedBy", ""):
        return f"rejected by {by.rpartition('/')[2]}" + (f": {summary}" if summary else "")
    return _text_of(result)


def _text_of(result: Answer) -> str:
    details = result.get("errorDetails", {})
    return str(details.get("message") or result.get("externalExecutionSummary") or details.get("code", ""))


def _describe(services: Services, arn: str) -> Answer:
    try:
        found: Answer = services.client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        # Step Functions forgets an execution 90 days after its end, CodePipeline after a year.
        if code_of(error) != "ExecutionDoesNotExist":
            raise
        return {}
    return found
