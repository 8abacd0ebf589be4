"""Resolve the variables of a pipeline in the configuration of an action or a rule: ``#{namespace.name}``."""

import re

from mooring.embedded.services.codepipeline.store import Execution, Record

_REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}")


class UnresolvedError(Exception):
    """A reference to a variable that does not exist."""


def resolve(configuration: Record, execution: Execution) -> Record:
    """Return the configuration with its variables' values.

    Raises
    ------
    UnresolvedError
        A variable does not exist in this execution.
    """
    known = {
        "codepipeline": {"PipelineExecutionId": execution.id},
        "variables": execution.variables,
        **execution.namespaces,
    }

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        if name not in known.get(namespace, {}):
            raise UnresolvedError(f"the variable {match.group()} could not be resolved")
        return known[namespace][name]

    return {key: _REFERENCE.sub(value, text) for key, text in configuration.items()}


def holds(rule: Record) -> bool:
    """Return whether a VariableCheck with resolved values holds."""
    variable, operator, wanted = rule["Variable"], rule["Operator"], rule["Value"]
    if operator == "EQ":
        return bool(variable == wanted)
    if operator == "NE":
        return bool(variable != wanted)
    if operator == "CONTAINS":
        return wanted in variable
    if operator == "MATCHES":
        return re.fullmatch(wanted, variable) is not None
    raise UnresolvedError(f"the operator {operator!r} of a VariableCheck is none of EQ, NE, CONTAINS, MATCHES")
