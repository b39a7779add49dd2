"""Laws of specs made ready for drawing: constant, continuous (a table), empirical, and mixtures of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import DrawKey, mix, mix_one
from lambdasim.draws.table import LARGEST_VALUE, DrawTable, normal_quantile_nodes, shared_while_used
from lambdasim.specs.laws import (
    EmpiricalLaw,
    ExponentialLaw,
    FixedLaw,
    GammaLaw,
    Law,
    LognormalLaw,
    MixtureLaw,
    UniformLaw,
)

_CHOICE_BITS: Final = 32
_TAIL: Final = 32  # an exponential law goes beyond 32 times its mean once in 10^14 draws


class DrawLaw(Protocol):
    """A law that turns random bits into whole numbers of its unit; `values_of` draws from any."""

    def values(self, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Give one value for each 64 random bits, shape (n,)."""
        ...


@dataclass(frozen=True)
class Constant:
    """Always the same value."""

    value: int

    def values(self, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Give the value for each 64 bits, shape (n,)."""
        return np.full(bits.shape, self.value, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Indexed:
    """The value of each invocation, given beforehand; no luck is left in it, whatever the run.

    Attributes
    ----------
    given : ndarray of int64, shape (n_invocations,)
    """

    given: NDArray[np.int64]

    def values(self, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Refuse: bits do not say which invocation they are for; see `values_of`."""
        raise TypeError("an indexed law is looked up by invocation, not by random bits")


@dataclass(frozen=True, eq=False)
class Resample:
    """One of the observed values, each equally likely: no smoothing, no trimming.

    Attributes
    ----------
    observed : ndarray of int64, shape (n_observed,)
        Sorted.
    """

    observed: NDArray[np.int64]

    def values(self, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Pick an observed value for each 64 bits, shape (n,)."""
        chosen = ((bits >> np.uint64(_CHOICE_BITS)) * np.uint64(len(self.observed))) >> np.uint64(
            _CHOICE_BITS
        )
        return self.observed[chosen.astype(np.int64)]


@dataclass(frozen=True, eq=False)
class Mixture:
    """One law among several, chosen by weight.

    Attributes
    ----------
    thresholds : ndarray of uint64, shape (n_parts - 1,)
        Cumulative weights, in units of 2^-32.
    parts : tuple of DrawLaw
    """

    thresholds: NDArray[np.uint64]
    parts: tuple[DrawLaw, ...]

    def values(self, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Choose a part for each 64 bits, then draw from it with bits of their own, shape (n,)."""
        chosen = np.searchsorted(self.thresholds, bits >> np.uint64(_CHOICE_BITS), side="right")
        fresh = mix(~bits)
        result = np.empty(bits.shape, dtype=np.int64)
        for place, part in enumerate(self.parts):
            mine = chosen == place
            result[mine] = part.values(fresh[mine])
        return result


def values_of(law: DrawLaw, key: DrawKey, index: NDArray[np.int64], attempt: int = 0) -> NDArray[np.int64]:
    """Draw one value for each index.

    Parameters
    ----------
    law : DrawLaw
    key : DrawKey
        Whose luck it is.
    index : ndarray of int64, shape (n,)
        Which invocations.
    attempt : int
        How many times they have run before.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    match law:
        case Constant():
            return np.full(len(index), law.value, dtype=np.int64)
        case Indexed():
            return law.given[index]
        case _:
            return law.values(key.bits(index, attempt))


def value_of(law: DrawLaw, key: DrawKey, index: int, attempt: int = 0) -> int:
    """Draw for one index what `values_of` draws for many, without arrays.

    Parameters
    ----------
    law : DrawLaw
    key : DrawKey
    index, attempt : int

    Returns
    -------
    int
    """
    match law:
        case Constant():
            return law.value
        case Indexed():
            return int(law.given[index])
        case _:
            return _value(law, key.bits_of(index, attempt))


def _value(law: DrawLaw, bits: int) -> int:
    match law:
        case Constant():
            return law.value
        case DrawTable():
            return law.value(bits)
        case Resample():
            return int(law.observed[(bits >> _CHOICE_BITS) * len(law.observed) >> _CHOICE_BITS])
        case Mixture():
            chosen = int(np.searchsorted(law.thresholds, np.uint64(bits >> _CHOICE_BITS), side="right"))
            return _value(law.parts[chosen], mix_one(bits ^ ((1 << 64) - 1)))
        case _:
            return int(law.values(np.array([bits], dtype=np.uint64))[0])


def compile_law(law: Law, per_unit: float) -> DrawLaw:
    """Make a law ready for drawing.

    Parameters
    ----------
    law : Law
        As the specs have it; an empirical law must hold its values (see ``specs.loading``).
    per_unit : float
        Whole numbers per unit of the law: 1,000 for a law in milliseconds that is drawn in microseconds.

    Returns
    -------
    DrawLaw
        Draws lie between 0 and 2^36.

    Examples
    --------
    >>> from lambdasim.specs.laws import FixedLaw
    >>> compile_law(FixedLaw(fixed=1.5), 1000).values(np.array([1, 2], dtype=np.uint64)).tolist()
    [1500, 1500]
    """
    match law:
        case FixedLaw():
            return Constant(_whole(law.fixed * per_unit))
        case ExponentialLaw():
            return exponential(law.exponential.mean * per_unit)
        case LognormalLaw():
            return lognormal(law.mu + float(np.log(per_unit)), law.sigma)
        case GammaLaw():
            return _gamma(law.gamma.mean * per_unit, law.gamma.cv)
        case UniformLaw():
            return _uniform(law.uniform.low * per_unit, law.uniform.high * per_unit)
        case EmpiricalLaw():
            return resample([value * per_unit for value in law.observed()])
        case MixtureLaw():
            return mixture(
                [part.weight for part in law.mixture],
                [compile_law(part.law, per_unit) for part in law.mixture],
            )
        case _:
            assert_never(law)


def farthest(law: Law) -> float:
    """Give the value beyond which a law practically never lies, in the law's unit; beyond 2^36 draws are cut off.

    Examples
    --------
    >>> from lambdasim.specs.laws import FixedLaw
    >>> farthest(FixedLaw(fixed=86_400_000))
    86400000.0
    """
    match law:
        case EmpiricalLaw():
            return max(law.observed())
        case UniformLaw():
            return law.uniform.high
        case MixtureLaw():
            return max(farthest(part.law) for part in law.mixture)
        case FixedLaw():
            return law.fixed
        case _:
            return law.mean() * _TAIL


@shared_while_used
def exponential(mean: float) -> DrawTable:
    """Tabulate an exponential law with the given mean [drawn units]."""
    return DrawTable.from_quantiles(lambda p: -mean * np.log1p(-p), lambda p: -mean * np.log(p))


@shared_while_used
def lognormal(mu: float, sigma: float) -> DrawTable:
    """Tabulate a lognormal law, ``mu`` and ``sigma`` being mean and standard deviation of the logarithm."""
    spread = sigma * normal_quantile_nodes()
    highest = np.log(LARGEST_VALUE)
    return DrawTable.from_nodes(
        np.exp(np.minimum(mu + spread, highest)), np.exp(np.minimum(mu - spread, highest))
    )


def piecewise(probabilities: Sequence[float], values: Sequence[float]) -> DrawTable:
    """Tabulate a law whose distribution function is a chain of straight lines.

    Parameters
    ----------
    probabilities : sequence of float, shape (n,)
        From 0 to 1, increasing.
    values : sequence of float, shape (n,)
        Value below which that probability lies [drawn units].
    """
    p, v = np.asarray(probabilities), np.asarray(values)
    return DrawTable.from_quantiles(lambda x: np.interp(x, p, v), lambda x: np.interp(1 - x, p, v))


def resample(observed: Sequence[float] | NDArray[np.float64]) -> Resample:
    """Make a law that repeats observed values [drawn units]."""
    rounded = np.rint(np.clip(np.asarray(observed, dtype=np.float64), 0, LARGEST_VALUE)).astype(np.int64)
    return Resample(np.sort(rounded))


def mixture(weights: Sequence[float], parts: Sequence[DrawLaw]) -> DrawLaw:
    """Mix laws by weight; weights are relative."""
    if len(parts) == 1:
        return parts[0]
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    thresholds = np.rint(cumulative[:-1] / cumulative[-1] * (1 << _CHOICE_BITS)).astype(np.uint64)
    return Mixture(thresholds, tuple(parts))


@shared_while_used
def _gamma(mean: float, cv: float) -> DrawTable:
    from scipy.special import gammainccinv, gammaincinv

    shape = cv**-2
    scale = mean / shape
    return DrawTable.from_quantiles(
        lambda p: scale * gammaincinv(shape, p), lambda p: scale * gammainccinv(shape, p)
    )


@shared_while_used
def _uniform(low: float, high: float) -> DrawTable:
    return DrawTable.from_quantiles(lambda p: low + (high - low) * p, lambda p: high - (high - low) * p)


def _whole(value: float) -> int:
    return min(round(value), LARGEST_VALUE)
