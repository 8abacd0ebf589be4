"""The definition of the release state machine; see docs/reference/flows.md."""

from infra.components.asl import EXECUTION, State, call, catch, choose, fail
from pipelines.interface.names import Environment
from pipelines.interface.release_state import LONGEST_RELEASE_S

REFUSALS = ("NotApprovedError", "ApprovalConsumedError", "OlderThanChampionError")
POLL_S = 5
"""Seconds between polls. A poll adds nine events to the history; the longest release must stay below 25,000 events."""


def release_flow(environment: Environment) -> State:
    """Return the definition, which serves all models."""
    return {
        "Comment": f"Puts an approved model package into service in {environment.id}, or restores the previous one",
        "StartAt": "Is it a promotion?",
        "TimeoutSeconds": LONGEST_RELEASE_S,
        "States": {
            "Is it a promotion?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.promotion", "IsPresent": True, "Next": "Begin release"}],
                "Default": "It is none",
            },
            "It is none": {"Type": "Pass", "Result": "", "ResultPath": "$.promotion", "Next": "Begin release"},
            "Begin release": call(
                environment,
                "begin_release",
                {
                    "package_arn.$": "$.package_arn",
                    "by.$": "$.by",
                    "rollback.$": "$.rollback",
                    "promotion.$": "$.promotion",
                    "execution.$": EXECUTION,
                },
                keep="release",
                then="Update serving",
                catches=[catch("Refuse", *REFUSALS), catch("Record failure")],
            ),
            "Update serving": call(
                environment,
                "update_serving",
                {"model.$": "$.release.model"},
                keep="update",
                then="Wait for serving",
                catches=[catch("Restore release state")],
            ),
            "Wait for serving": {"Type": "Wait", "Seconds": POLL_S, "Next": "Read serving"},
            "Read serving": _read(environment, then="Has serving settled?", on_failure="Restore release state"),
            "Has serving settled?": choose(
                "$.serving.status",
                {"complete": "Verify release", "failed": "Say why serving failed"},
                otherwise="Wait for serving",
            ),
            "Say why serving failed": _say_why("Restore release state"),
            "Verify release": call(
                environment,
                "verify_release",
                {"release.$": "$.release"},
                keep="verification",
                then="Record release",
                catches=[catch("Restore release state")],
            ),
            "Record release": call(
                environment,
                "finish_release",
                {
                    "release.$": "$.release",
                    "execution.$": EXECUTION,
                    "outcome": "released",
                    "verification.$": "$.verification",
                },
                then=None,
                catches=[catch("Failed")],
            ),
            "Restore release state": call(
                environment,
                "update_serving",
                {"model.$": "$.release.model", "restore.$": "$.release"},
                keep="update",
                then="Wait for restoration",
                catches=[catch("Record failure")],
            ),
            "Wait for restoration": {"Type": "Wait", "Seconds": POLL_S, "Next": "Read restoration"},
            "Read restoration": _read(environment, then="Has it been restored?", on_failure="Record failure"),
            "Has it been restored?": choose(
                "$.serving.status",
                {"complete": "Record rollback", "failed": "Say why restoration failed"},
                otherwise="Wait for restoration",
            ),
            "Say why restoration failed": _say_why("Record failure"),
            "Record rollback": call(
                environment,
                "finish_release",
                {
                    "release.$": "$.release",
                    "execution.$": EXECUTION,
                    "outcome": "rolled_back",
                    "cause.$": "$.failure",
                },
                then="Failed",
                catches=[catch("Failed")],
            ),
            "Record failure": call(
                environment,
                "finish_release",
                {
                    "package_arn.$": "$.package_arn",
                    "execution.$": EXECUTION,
                    "outcome": "failed",
                    "cause.$": "$.failure",
                },
                then="Failed",
                catches=[catch("Failed")],
            ),
            "Failed": fail(),
            "Refuse": {"Type": "Succeed"},
        },
    }


def _read(environment: Environment, *, then: str, on_failure: str) -> State:
    payload = {"model.$": "$.release.model"}
    return call(environment, "read_serving", payload, keep="serving", then=then, catches=[catch(on_failure)])


def _say_why(then: str) -> State:
    """Return a state that turns CloudFormation's reason into an error as a task raises it."""
    failure = {"Error": "ServingFailedError", "Cause.$": "$.serving.reason"}
    return {"Type": "Pass", "Parameters": failure, "ResultPath": "$.failure", "Next": then}
