"""The versions that served in a window, according to the ledger's releases."""

from datetime import datetime, timedelta

from pipelines.aws.ledger import Ledger
from pipelines.interface import keys
from pipelines.interface.names import version_of
from pipelines.interface.records import Release
from pipelines.interface.release_state import LONGEST_RELEASE_S, ReleaseState
from pipelines.interface.times import parse_time
from pipelines.monitoring.capture.window import Window

FIRST_PAGE = 16
"""Number of the newest releases that are read first; few models have more in the day that a check looks back at."""


class ServedVersions:
    """The versions that served a model's traffic; ``champion`` is the one that serves now.

    Only releases since the window are read, newest first: a check costs the same after one release and after thousands.
    """

    def __init__(self, ledger: Ledger, model: str, champion: int | None) -> None:
        self._ledger = ledger
        self._items = keys.releases(model)
        self._champion = champion
        self._newest: list[Release] = []
        self._limit = 0

    def within(self, window: Window) -> list[int]:
        """Return the versions that served in the window or later, in order.

        These are the champion, and before and after each release since: those that it replaced and the one that it
        put into service. A release that began earlier may have ended in the window.
        """
        since = window.begin - timedelta(seconds=LONGEST_RELEASE_S)
        found = {self._champion} if self._champion is not None else set[int]()
        for release in self._since(since):
            before = ReleaseState.from_value(release.previous)
            packages = (release.package_arn, before.champion, before.challenger)
            found.update(version_of(package) for package in packages if package)
        return sorted(found)

    def _since(self, moment: datetime) -> list[Release]:
        while len(self._newest) == self._limit and (not self._newest or _begun(self._newest[-1]) >= moment):
            self._limit = 4 * self._limit or FIRST_PAGE
            self._newest = self._ledger.latest(self._items, self._limit)
        return [release for release in self._newest if _begun(release) >= moment]


def _begun(release: Release) -> datetime:
    return parse_time(release.begun)
