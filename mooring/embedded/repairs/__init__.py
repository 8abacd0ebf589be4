"""Repairs of MiniStack: where it differs from AWS in a way that would let a mistake pass.

Each module mends one service. MiniStack's functions are looked up in their modules at call time, so a repair replaces
the attribute; ``patching.replace`` refuses an attribute that does not exist. The repairs fit exactly one version.
"""

from importlib.metadata import version

from mooring.embedded.repairs import (
    alarms,
    cloudformation,
    conditional_writes,
    door,
    event_sources,
    events,
    functions,
    leading_keys,
    parameters,
    pass_role,
    schedules,
    step_functions,
    storage,
)

MINISTACK = "1.5.33"


def apply(*, schedule_speed: float = 1.0) -> None:
    """Mend MiniStack in this process; ``schedule_speed`` is how much faster schedules run than their expressions say.

    Raises
    ------
    RuntimeError
        Another version of MiniStack is installed, or it lacks what a repair replaces.
    """
    installed = version("ministack")
    if installed != MINISTACK:
        raise RuntimeError(f"MiniStack {installed} is installed, the repairs fit {MINISTACK} only: run make setup")
    door.apply()
    schedules.apply(speed=schedule_speed)
    functions.apply()
    step_functions.apply()
    pass_role.apply()
    events.apply()
    event_sources.apply()
    cloudformation.apply()
    storage.apply()
    conditional_writes.apply()
    leading_keys.apply()
    parameters.apply()
    alarms.apply()
