"""The definition of the state machine that counts large windows: docs/reference/flows.md, state by state."""

from infra.components.asl import State, call, catch, fail
from pipelines.interface.names import Environment

MAX_CONCURRENCY = 40
"""Of the account's functions; all other flows need some as well."""
LONGEST_CHECK_S = 3 * 3600
BUSY = {
    # Accounts have a thousand functions at once, new ones ten: then most batches wait for their turn.
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 2,
    "MaxAttempts": 60,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}


def checks_flow(environment: Environment) -> State:
    """The definition; the same for all models. A batch that fails for good fails the check: none is left out."""
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
    # The answers of all batches together may have 256 KB, though nobody reads them.
    return {**state, "Retry": [BUSY, *state["Retry"]], "OutputPath": None}
