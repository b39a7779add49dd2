"""How long an idle execution environment stayed warm, as measured in 2025; AWS publishes no figure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Final

from lambdasim.catalog.facts import Knowledge
from lambdasim.catalog.files import rows_of

_SOURCE: Final = "github ubc-cirrus-lab/demystifying-serverless-costs, commit d772931, dataset/keep_alive/aws"


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
    """

    idle_s: tuple[int, ...]
    probes: tuple[int, ...]
    warm: tuple[float, ...]
    source: str
    knowledge: Knowledge = Knowledge.MEASURED


@cache
def keep_alive_curve() -> KeepAliveCurve:
    """Return the 2025 measurement: one function, one campaign, 100 probes a gap.

    Examples
    --------
    >>> curve = keep_alive_curve()
    >>> curve.warm[curve.idle_s.index(300)] / curve.probes[curve.idle_s.index(300)]
    0.92
    """
    probes: defaultdict[int, int] = defaultdict(int)
    warm: defaultdict[int, int] = defaultdict(int)
    for row in rows_of("keep_alive_2025.csv"):
        probes[int(row["idle_s"])] += int(row["probes"])
        warm[int(row["idle_s"])] += int(row["warm"])
    idle_s = tuple(sorted(probes))
    counts = tuple(probes[idle] for idle in idle_s)
    return KeepAliveCurve(
        idle_s=idle_s,
        probes=counts,
        warm=never_rising(tuple(warm[idle] for idle in idle_s), counts),
        source=_SOURCE,
    )


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
