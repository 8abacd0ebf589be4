"""Repairs of MiniStack, for differences from AWS that would let a mistake pass.

Each module repairs one service. MiniStack looks up its functions in their modules at call time, so a repair replaces
the module's attribute; ``patching.replace`` raises if the attribute does not exist. The repairs fit exactly one
version of MiniStack. docs/reference/embedded-aws.md lists them and says how to add one.
"""

from importlib.metadata import version

from mooring.embedded.repairs import (
    alarms,
    buses,
    cloudformation,
    conditional_writes,
    definitions,
    door,
    event_sources,
    events,
    functions,
    iam_requests,
    keys,
    leading_keys,
    log_groups,
    metrics,
    parameters,
    pass_role,
    schedules,
    simulation,
    step_functions,
    storage,
)

MINISTACK = "1.5.33"
"""Version of MiniStack that the repairs fit."""


def apply(*, schedule_speed: float = 1.0) -> None:
    """Apply all repairs to MiniStack in this process.

    ``schedule_speed`` is the factor by which schedules run faster than their expressions say.

    Raises
    ------
    RuntimeError
        Another version of MiniStack is installed, or an attribute that a repair replaces does not exist.
    """
    installed = version("ministack")
    if installed != MINISTACK:
        raise RuntimeError(f"MiniStack {installed} is installed, but the repairs fit only {MINISTACK}: run make setup")
    door.apply()
    iam_requests.apply()
    schedules.apply(speed=schedule_speed)
    functions.apply()
    step_functions.apply()
    definitions.apply()
    simulation.apply()
    pass_role.apply()
    events.apply()
    buses.apply()
    event_sources.apply()
    cloudformation.apply()
    keys.apply()
    storage.apply()
    conditional_writes.apply()
    leading_keys.apply()
    log_groups.apply()
    parameters.apply()
    metrics.apply()
    alarms.apply()
