"""Share out the free tier and cut usage into price bands, in whole counted units."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


class FreeSharing(StrEnum):
    """How the free tier is shared between regions and architectures; AWS publishes no rule.

    ``proportional`` to their usage, or ``dearest_first``: taken from the highest first-tier rate downwards.
    """

    PROPORTIONAL = "proportional"
    DEAREST_FIRST = "dearest_first"


def share_free(
    free: int, counts: Mapping[K, int], rates: Mapping[K, Decimal], sharing: FreeSharing
) -> dict[K, int]:
    """Share a free amount between pools.

    Parameters
    ----------
    free : int
        In counted units.
    counts : mapping
        Count of each pool; the order breaks ties.
    rates : mapping
        First-tier rate of each pool.
    sharing : FreeSharing

    Returns
    -------
    dict
        Free part of each pool; sums to ``min(free, sum of counts)``.

    Notes
    -----
    In proportion, each pool gets the whole part of its share, and what then is left goes one unit each to the largest
    remainders.

    Examples
    --------
    >>> rates = {"x86": Decimal(2), "arm": Decimal(1)}
    >>> share_free(10, {"x86": 5, "arm": 10}, rates, FreeSharing.PROPORTIONAL)
    {'x86': 3, 'arm': 7}
    >>> share_free(10, {"x86": 5, "arm": 10}, rates, FreeSharing.DEAREST_FIRST)
    {'x86': 5, 'arm': 5}
    """
    total = sum(counts.values())
    given = min(free, total)
    if sharing is FreeSharing.DEAREST_FIRST:
        shares = dict.fromkeys(counts, 0)
        for key in sorted(counts, key=lambda key: -rates[key]):
            shares[key] = min(given, counts[key])
            given -= shares[key]
        return shares
    parts = {key: divmod(given * count, total) for key, count in counts.items()}
    left = given - sum(whole for whole, _ in parts.values())
    lucky = set(sorted(parts, key=lambda key: -parts[key][1])[:left])
    return {key: whole + (key in lucky) for key, (whole, _) in parts.items()}


def cut_into_bands(count: int, bounds: Sequence[int | None], start: int = 0) -> list[int]:
    """Cut a count into the bands of a price table.

    Parameters
    ----------
    count : int
        In counted units.
    bounds : sequence of int or None
        Upper bound of each band, rising, the last one None.
    start : int
        Where in the table the count begins.

    Returns
    -------
    list of int
        Count in each band.

    Examples
    --------
    >>> cut_into_bands(25, [10, 20, None]), cut_into_bands(5, [10, 20, None], start=8)
    ([10, 10, 5], [2, 3, 0])
    """
    cuts = [
        start,
        *(start + count if bound is None else min(max(bound, start), start + count) for bound in bounds),
    ]
    return [upper - lower for lower, upper in pairwise(cuts)]
