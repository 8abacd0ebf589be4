"""A per-dataset lock. A run that finds it taken sets ``asked`` and exits; the holder then lists again.

The release is conditional on ``asked`` not being set, so that no arrival is missed. The lock expires after the
function's timeout: its holder is dead by then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipelines.aws.ledger import ConflictError, Ledger
from pipelines.interface import keys
from pipelines.interface.codec import JsonObject
from pipelines.interface.keys import Key
from pipelines.interface.landing import LONGEST_S
from pipelines.interface.records import LandingLockState

EXPIRES_AFTER_S = LONGEST_S + 60
MAX_ATTEMPTS = 20
FREE = LandingLockState(holder="", expires_at=0, asked=False)


@dataclass(frozen=True, kw_only=True)
class ListingRequest:
    """The part of a lock that another run sets."""

    asked: bool = True


@dataclass(frozen=True, kw_only=True)
class LandingLock:
    """The lock of a dataset's landing; ``holder`` is unique to one run of the function."""

    ledger: Ledger
    dataset: str
    holder: str
    now: Callable[[], datetime]

    def take(self) -> bool:
        """Take the lock; return False if another run holds it, which will then list again."""
        asked = False
        for _ in range(MAX_ATTEMPTS):
            state = self.ledger.get(self._key)
            if state and state.holder and self.now().timestamp() < state.expires_at:
                if asked:
                    return False
                self.ledger.update(self._key, ListingRequest())
                # Look again: if the lock was released just before, its holder did not see the request.
                asked = True
                continue
            if self._write({"holder": state.holder, "expires_at": state.expires_at} if state else None):
                return True
        return False

    def release(self) -> bool:
        """Release the lock; return False if another run asked for a listing: then it is still held."""
        try:
            self.ledger.replace(self._key, FREE, expected={"holder": self.holder, "asked": False})
        except ConflictError:
            return not self._write({"holder": self.holder})
        return True

    def abandon(self) -> None:
        """Release the lock also if another run asked: the next message or the schedule starts a listing."""
        try:
            self.ledger.replace(self._key, FREE, expected={"holder": self.holder})
        except ConflictError:
            return

    @property
    def _key(self) -> Key[LandingLockState]:
        return keys.landing_lock(self.dataset)

    def _write(self, expected: JsonObject | None) -> bool:
        """Write the lock as this run's; return False if it is not ``expected`` any more, or exists where None is."""
        expires_at = int(self.now().timestamp()) + EXPIRES_AFTER_S
        state = LandingLockState(holder=self.holder, expires_at=expires_at, asked=False)
        try:
            if expected is None:
                self.ledger.create(self._key, state)
            else:
                self.ledger.replace(self._key, state, expected=expected)
        except ConflictError:
            return False
        return True
