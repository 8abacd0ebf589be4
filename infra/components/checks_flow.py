"""The definition of the checks state machine, which counts large windows; see docs/reference/flows.md."""

from infra.components.asl import State, call, catch, fail
from pipelines.interface.names import Environment

MAX_CONCURRENCY = 40
"""Largest number of functions that count at once; the account's other flows need some as well."""
LONGEST_CHECK_S = 3 * 3600
BUSY = {
    # An account runs a thousand functions at once, a new one ten: there most batches are throttled and retried.
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 2,
    "MaxAttempts": 60,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}


def checks_flow(environment: Environment) -> State:
    """Return the definition, which serves all models. A batch that fails after its retries fails the check."""
    return {
        "Comment": f"Counts windows of traffic in {environment.id} that are too large for one function",
        "StartAt": "Count all batches",
        "TimeoutSeconds": LONGEST_CHECK_S,
        "States": {
            "Count all batches": {
                "Type": "Map",
                "ItemsPath": "$.batches",
                "ItemSelector": {
                    "model.$": "$.model",
                    "folder.$": "$.folder",
                    "number.$": "$$.Map.Item.Value",
                },
                "MaxConcurrency": MAX_CONCURRENCY,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Count batch",
                    "States": {
                        "Count batch": _count_batch(environment),
                        "Batch failed": fail(),
                    },
                },
                "ResultPath": None,
                "Catch": [catch("Failed")],
                "Next": "Conclude check",
            },
            "Conclude check": call(
                environment,
                "conclude_check",
                {"model.$": "$.model", "folder.$": "$.folder"},
                keep="check",
                then=None,
                catches=[catch("Failed")],
            ),
            "Failed": fail(),
        },
    }


def _count_batch(environment: Environment) -> State:
    payload = {"model.$": "$.model", "folder.$": "$.folder", "number.$": "$.number"}
    state = call(environment, "count_batch", payload, then=None, catches=[catch("Batch failed")])
    # All answers of a map together are limited to 256 KB; nobody reads these.
    return {**state, "Retry": [BUSY, *state["Retry"]], "OutputPath": None}
