"""A small sample of names with exact counts, the same for every order and grouping of merging."""

import zlib
from collections.abc import Mapping

KEPT = 20
"""Number of names in a sample."""


def keep(counts: Mapping[str, int], kept: int = KEPT) -> dict[str, int]:
    """Return the ``kept`` names with the smallest checksums, and their counts.

    A name that is among the smallest of all is among the smallest of every part that has it. So no part ever drops it,
    and its count is exact. The kept names are a random sample of all names, not the first ones.
    Source: the bottom-k sketch of Cohen and Kaplan, PODC 2007.

    Examples
    --------
    >>> keep({"a": 3, "b": 1, "c": 2}, kept=2)
    {'b': 1, 'c': 2}
    """
    if len(counts) <= kept:
        return dict(sorted(counts.items()))
    chosen = sorted(counts, key=lambda name: (zlib.crc32(name.encode(errors="surrogatepass")), name))[:kept]
    return {name: counts[name] for name in sorted(chosen)}


def merge(one: Mapping[str, int], two: Mapping[str, int], kept: int = KEPT) -> dict[str, int]:
    """Return the sample of both samples' names."""
    return keep({name: one.get(name, 0) + two.get(name, 0) for name in {*one, *two}}, kept)
