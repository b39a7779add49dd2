"""How long an idle execution environment stayed warm, as measured in 2025; AWS publishes no figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from lambdasim.catalog.facts import Knowledge
from lambdasim.catalog.files import rows_of
from lambdasim.errors import CatalogError

_FILE: Final = "keep_alive_2025.csv"
_SOURCE: Final = "github ubc-cirrus-lab/demystifying-serverless-costs, commit d772931, dataset/keep_alive/aws"
_AS_OF: Final = date(2025, 1, 1)


@dataclass(frozen=True)
class KeepAliveCurve:
    """Share of probes that found a warm environment after each gap, never rising.

    Attributes
    ----------
    idle_s : tuple of int
        Gap between two invocations, rising [s].
    probes : tuple of int
        Number of probes of each gap.
    warm : tuple of float
        How many of them found a warm environment; whole numbers unless neighbouring gaps had to be pooled.
    source : str
    knowledge : Knowledge
    as_of : date
        Only the year of the campaign is known; its first day.
    """

    idle_s: tuple[int, ...]
    probes: tuple[int, ...]
    warm: tuple[float, ...]
    source: str
    knowledge: Knowledge = Knowledge.MEASURED
    as_of: date = _AS_OF


@cache
def keep_alive_curve() -> KeepAliveCurve:
    """Return the 2025 measurement: one function, one campaign, 100 probes a gap.

    Examples
    --------
    >>> curve = keep_alive_curve()
    >>> curve.warm[curve.idle_s.index(300)] / curve.probes[curve.idle_s.index(300)]
    0.92
    """
    return keep_alive_of(rows_of(_FILE))


def keep_alive_of(rows: Sequence[Mapping[str, str]], file: str = _FILE) -> KeepAliveCurve:
    """Make a curve of the rows of a file.

    Parameters
    ----------
    rows : sequence of mapping
        Columns ``idle_s``, ``probes``, ``warm`` as text.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file, row and column, when a number is missing or not whole, or more were warm than probed.
    """
    probes: defaultdict[int, int] = defaultdict(int)
    warm: defaultdict[int, int] = defaultdict(int)
    for number, row in enumerate(rows, start=1):
        idle, tried, found = (
            _count(row, name, f"{file}, row {number}") for name in ("idle_s", "probes", "warm")
        )
        if found > tried or not tried:
            raise CatalogError.single(
                f"{file}, row {number}", "warm", f"must be at most the probes, {tried}, got {found}"
            )
        probes[idle] += tried
        warm[idle] += found
    if not probes:
        raise CatalogError.single(file, "", "has no row")
    idle_s = tuple(sorted(probes))
    counts = tuple(probes[idle] for idle in idle_s)
    return KeepAliveCurve(
        idle_s=idle_s,
        probes=counts,
        warm=never_rising(tuple(warm[idle] for idle in idle_s), counts),
        source=_SOURCE,
    )


def _count(row: Mapping[str, str], name: str, where: str) -> int:
    """Return a whole number of a row."""
    text = row.get(name)
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal()):
        raise CatalogError.single(where, name, f"must be a whole number, got {repr(text)[:40]}")
    return int(text)


def never_rising(warm: tuple[int, ...], probes: tuple[int, ...]) -> tuple[float, ...]:
    """Make shares never rising by pooling adjacent violators, which is the maximum-likelihood fit.

    Parameters
    ----------
    warm, probes : tuple of int, each of length n
        Successes and trials.

    Returns
    -------
    tuple of float, of length n
        Fitted successes: trials times the pooled share.

    Examples
    --------
    >>> never_rising((10, 4, 6, 0), (10, 10, 10, 10))
    (10.0, 5.0, 5.0, 0.0)
    """
    blocks: list[tuple[int, int, int]] = []
    for block_warm, block_probes in zip(warm, probes, strict=True):
        block = (block_warm, block_probes, 1)
        while blocks and blocks[-1][0] * block[1] < block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    shares = [share for total, trials, length in blocks for share in [(total, trials)] * length]
    return tuple(count * total / trials for count, (total, trials) in zip(probes, shares, strict=True))
