"""A few of the names that were met, with exact counts: the same few whatever the order and grouping of merging."""

import zlib
from collections.abc import Mapping

KEPT = 20


def keep(counts: Mapping[str, int], kept: int = KEPT) -> dict[str, int]:
    """The ``kept`` names with the smallest checksums, and their counts.

    A name that is among the smallest of all is among the smallest of every part that has it, so no part ever drops
    it and its count is exact; and the names that are kept are a random sample, not the first that came.
    Source: the bottom-k sketch of Cohen and Kaplan, PODC 2007.
    """
    if len(counts) <= kept:
        return dict(sorted(counts.items()))
    chosen = sorted(counts, key=lambda name: (zlib.crc32(name.encode(errors="surrogatepass")), name))[:kept]
    return {name: counts[name] for name in sorted(chosen)}


def merge(one: Mapping[str, int], two: Mapping[str, int], kept: int = KEPT) -> dict[str, int]:
    return keep({name: one.get(name, 0) + two.get(name, 0) for name in {*one, *two}}, kept)
