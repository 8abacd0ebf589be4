"""Phrases about the change of one resource, from which sentences are made."""

import json
from dataclasses import dataclass

LONGEST = 60
"""Largest number of characters of a value in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """What changes in one resource; ``{n}`` and ``{s}`` stand for the number of resources and a plural's ending.

    ``covers`` are the beginnings of the property paths that it tells, "" for all. ``model`` overrides the owner. A
    phrase without text covers what another resource's phrase tells.
    """

    text: str
    when: str = ""
    model: str = ""
    covers: tuple[str, ...] = ()

    def text_for(self, count: int) -> str:
        """Return the text for a number of resources.

        Examples
        --------
        >>> Phrase(text="new code of {n} function{s}").text_for(2)
        'new code of 2 functions'
        """
        plural = {"{n}": f"{count:,}", "{s}": "" if count == 1 else "s"}
        text = self.text
        for mark, ending in plural.items():
            text = text.replace(mark, ending)
        return text


def shown(value: object) -> str:
    """Return a value for a sentence, shortened."""
    text = value if isinstance(value, str) else "none" if value is None else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
