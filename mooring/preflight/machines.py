"""Check of the state machines: Step Functions validates the definitions that the templates hold."""

import json
from collections.abc import Iterator

from mooring.preflight.assembly import resolve
from mooring.preflight.findings import Finding, blocks
from mooring.preflight.target import Target


def state_machines(target: Target) -> Iterator[Finding]:
    """Step Functions accepts every state machine's definition."""
    for stack, logical_id, properties in target.assembly.resources("AWS::StepFunctions::StateMachine"):
        # Where the definition names a resource of its stack, any ARN will do: the service looks at its form only.
        definition = resolve(
            properties["DefinitionString"],
            lambda name, _: target.names.arn("lambda", f"function:{name}"),
        )
        text = definition if isinstance(definition, str) else json.dumps(definition)
        answer = target.client("stepfunctions").validate_state_machine_definition(definition=text, type="STANDARD")
        for problem in answer["diagnostics"]:
            if problem["severity"] == "ERROR":
                yield blocks(
                    f"{properties.get('StateMachineName', logical_id)} of {stack}: {problem['code']} at "
                    f"{problem.get('location', 'no place')}: {problem['message']}",
                    why="the stack fails, or its executions do",
                    remedy="correct the flow in infra/components",
                )
