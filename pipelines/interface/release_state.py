"""The release state: the packages that serve, and how; one StringList parameter per model and environment."""

from dataclasses import dataclass, replace

EMPTY = "none"
MODES = ("none", "shadow", "split")
SHIFTS = ("guarded", "plain")
FIELDS = ("champion", "challenger", "mode", "weight", "shift")
"""The order of the list's items; the Serving stack selects by these positions."""
LONGEST_RELEASE_S = 3 * 3600
"""Seconds after which the state machine gives a release up."""


class InvalidReleaseStateError(ValueError):
    """The parameter's value is not a release state."""


@dataclass(frozen=True, kw_only=True)
class ReleaseState:
    """The packages that serve; ``champion`` and ``challenger`` are model package ARNs, or None.

    Examples
    --------
    >>> ReleaseState().to_value()
    'none,none,none,0,plain'
    """

    champion: str | None = None
    challenger: str | None = None
    mode: str = "none"
    weight: int = 0
    shift: str = "plain"

    def to_value(self) -> str:
        items = (self.champion or EMPTY, self.challenger or EMPTY, self.mode, str(self.weight), self.shift)
        return ",".join(items)

    @classmethod
    def from_value(cls, value: str) -> "ReleaseState":
        items = value.split(",")
        if len(items) != len(FIELDS):
            raise InvalidReleaseStateError(f"release state {value!r}: {len(items)} items, not {len(FIELDS)} ({FIELDS})")
        champion, challenger, mode, weight, shift = items
        if mode not in MODES or shift not in SHIFTS or not weight.isdigit():
            raise InvalidReleaseStateError(
                f"release state {value!r}: mode is one of {MODES}, weight a whole number, shift one of {SHIFTS}"
            )
        return cls(
            champion=None if champion == EMPTY else champion,
            challenger=None if challenger == EMPTY else challenger,
            mode=mode,
            weight=int(weight),
            shift=shift,
        )

    def with_champion(self, package_arn: str | None) -> "ReleaseState":
        return replace(self, champion=package_arn)
