"""Whose turn it is to land a dataset's files: one at a time, and nobody's coming is forgotten.

Who comes while another has the turn asks for one more look and leaves. Giving the turn back is conditional on nobody
having asked: whoever has it looks again first. A turn expires after the function's time-out: its holder is dead then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipelines.aws.ledger import ConflictError, Ledger
from pipelines.interface.landing import LONGEST_S, TURN, landing_pk

EXPIRES_AFTER_S = LONGEST_S + 60
MAX_ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True)
class LandingLock:
    """``holder`` is unique to one run of the function."""

    ledger: Ledger
    dataset: str
    holder: str
    now: Callable[[], datetime]

    def take(self) -> bool:
        """Take the turn; False if another has it, who will then look once more."""
        pk, asked = landing_pk(self.dataset), False
        for _ in range(MAX_ATTEMPTS):
            item = self.ledger.get(pk, TURN)
            if item and item["holder"] and self.now().timestamp() < item["expires_at"]:
                if asked:
                    return False
                self.ledger.update(pk, TURN, {"asked": True})
                # If it was given back just now, nobody will see that we asked.
                asked = True
                continue
            expected = {"holder": item["holder"], "expires_at": item["expires_at"]} if item else None
            if self._put(expected):
                return True
        return False

    def give_back(self) -> bool:
        """Give the turn back; False if somebody asked for another look, and the turn is still ours."""
        free = {"holder": "", "expires_at": 0, "asked": False}
        pk = landing_pk(self.dataset)
        try:
            self.ledger.put(pk, TURN, free, expected={"holder": self.holder, "asked": False})
        except ConflictError:
            return not self._put({"holder": self.holder})
        return True

    def abandon(self) -> None:
        """Give the turn back whoever asked: the next wake or the schedule looks again."""
        try:
            self.ledger.put(
                landing_pk(self.dataset),
                TURN,
                {"holder": "", "expires_at": 0, "asked": False},
                expected={"holder": self.holder},
            )
        except ConflictError:
            return

    def _put(self, expected: dict[str, object] | None) -> bool:
        mine = {
            "holder": self.holder,
            "expires_at": int(self.now().timestamp()) + EXPIRES_AFTER_S,
            "asked": False,
        }
        try:
            self.ledger.put(landing_pk(self.dataset), TURN, mine, expected=expected)
        except ConflictError:
            return False
        return True
