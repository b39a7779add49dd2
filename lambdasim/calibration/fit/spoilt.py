"""Sizes whose mean does not belong with the others: cold starts among warm runs, failures that end early, other code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.calibration.data.statistics import Floats, SizeStatistics
from lambdasim.catalog import limit, timing
from lambdasim.errors import InputError
from lambdasim.models.cpu_scaling import cpu_time_factor

_AGREES: Final = 0.15
_TOO_FAR: Final = log(2)
_FEWEST_SIZES: Final = 3


class Spoilt(NamedTuple):
    """A size that does not fit the others: what was measured there, and what they say [ms]."""

    memory_mb: int
    observed_ms: float
    expected_ms: float


def spoilt_sizes(sizes: Sequence[SizeStatistics]) -> tuple[Spoilt, ...]:
    """Find the sizes that do not fit where at least half of them agree and the rest are far from those.

    Parameters
    ----------
    sizes : sequence of SizeStatistics
        In order of memory.

    Returns
    -------
    tuple of Spoilt
        Empty where all agree, where no half does, where another set of as many agrees as well, and where some are
        neither near nor far: nobody can say then which are wrong.

    Notes
    -----
    CPU time and waiting of the straight law are drawn through each two sizes, and the sizes that agree are counted. A
    size agrees within 15 % or, below one vCPU, one period of the scheduler; it is far beyond two periods and a factor
    of 2. Being shorter than expected above one vCPU is no fault, since several threads are.

    Examples
    --------
    >>> from lambdasim.calibration.data.statistics import from_summary
    >>> means = {512: 30.0, 768: 21.8, 1024: 22.4, 1536: 427.7}
    >>> [one.memory_mb for one in spoilt_sizes([from_summary(mb, 50, ms) for mb, ms in means.items()])]
    [1536]
    """
    if len(sizes) < _FEWEST_SIZES:
        return ()
    factors = np.array([cpu_time_factor(size.memory_mb, 0.0) for size in sizes])
    seen = np.array([size.centre_ms for size in sizes])
    below = np.array([size.memory_mb < limit("memory_per_vcpu_mb").value for size in sizes])
    agreeing: dict[tuple[bool, ...], tuple[float, Floats]] = {}
    for low, high in combinations(range(len(sizes)), 2):
        expected = _through(factors, seen, low, high)
        agree, missed = _agree(expected, seen, below), np.log(seen / expected)
        if agree[low] and agree[high]:
            key, miss = tuple(agree.tolist()), float(np.square(missed[agree]).sum())
            if key not in agreeing or miss < agreeing[key][0]:
                agreeing[key] = (miss, expected)
    most = max((sum(key) for key in agreeing), default=0)
    best = [key for key in agreeing if sum(key) == most]
    if len(best) != 1 or most == len(sizes) or 2 * most < len(sizes):
        return ()
    expected = agreeing[best[0]][1]
    found = [place for place in range(len(sizes)) if not best[0][place]]
    if not all(_far(float(expected[place]), float(seen[place]), below=bool(below[place])) for place in found):
        return ()
    return tuple(Spoilt(sizes[p].memory_mb, float(seen[p]), float(expected[p])) for p in found)


def refuse_spoilt(sizes: Sequence[SizeStatistics]) -> None:
    """Refuse means that do not belong with the others; a size whose whole distribution is known is not refused.

    Raises
    ------
    InputError
        Names the sizes, what was measured there, and what the others say.
    """
    shapes = {size.memory_mb for size in sizes if size.quantiles_ms}
    found = spoilt_sizes(sizes)
    if not found or any(one.memory_mb in shapes for one in found):
        return
    named = " and ".join(
        f"{one.memory_mb:,} MB ({one.observed_ms:.4g} ms, where the others say some {one.expected_ms:.2g} ms)"
        for one in found
    )
    raise InputError.single(
        "calibration",
        "sizes",
        f"must belong to one function's warm runs; {named} {'does' if len(found) == 1 else 'do'} not: "
        "cold starts, failures or other code spoil a mean like that. Measure again, or leave those sizes out",
    )


def _through(factors: Floats, seen: Floats, low: int, high: int) -> Floats:
    """Give what the straight law through two sizes says at all, without negative CPU time or waiting."""
    apart = factors[low] - factors[high]
    cpu = (seen[low] - seen[high]) / apart if apart > 0 else 0.0
    middle = float(np.sqrt(seen[low] * seen[high]))
    if cpu <= 0:
        return np.full_like(factors, middle)
    waiting = seen[high] - cpu * factors[high]
    if waiting < 0:
        return np.asarray(factors * np.sqrt(seen[low] / factors[low] * seen[high] / factors[high]))
    return np.asarray(cpu * factors + waiting)


def _agree(expected: Floats, seen: Floats, below: NDArray[np.bool_]) -> NDArray[np.bool_]:
    period_ms = timing("cpu_period_ms").value
    near = np.abs(np.log(seen / expected)) <= _AGREES
    return np.asarray(near | (below & (np.abs(seen - expected) <= period_ms)), dtype=np.bool_)


def _far(expected: float, seen: float, *, below: bool) -> bool:
    if seen < expected and not below:
        return False
    period_ms = timing("cpu_period_ms").value
    return abs(log(seen / expected)) > _TOO_FAR and abs(seen - expected) > 2 * period_ms
